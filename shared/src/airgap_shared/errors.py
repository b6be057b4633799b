"""Every error a person can meet, as one tree.

    AirgapError
    ├── UsageError      2  the command was not meant like this
    ├── ContractError   4  what arrived is not valid: malformed, not canonical,
    │                      wrong version, over a limit, not authentic
    ├── RefusalError    3  refused by rule or by the person
    ├── StorageError    5  wallet storage: wrong password, damaged, no such key
    ├── SafetyError     6  the machine cannot be trusted to go on
    ├── RemoteError     7  the remote side
    │   ├── RemoteUnavailableError   temporary: try again later
    │   ├── RemoteRejectedError      permanent: report it
    │   └── RemoteUncertainError     outcome unknown: look it up
    ├── JournalError    8  the relay's journal
    └── FileError       9  this machine's files (missing or existing files: 2)

The number is the exit status. A code never changes its meaning; all of them are
listed in ``docs/spec/errors.md`` with a vector each.
"""

from typing import ClassVar

MAX_MESSAGE = 600
"""Characters of a message; longer ones come from the other side and are cut."""


def printable(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return ``text`` as one line of printable ASCII, at most ``limit`` long.

    Whatever arrived from outside passes here before a person sees it: control
    characters could rewrite the screen that the person decides by.
    """
    clean = "".join(c if " " <= c <= "~" else "?" for c in text)
    return clean if len(clean) <= limit else clean[: limit - 3] + "..."


class AirgapError(Exception):
    """What was found and what was expected, a stable code, and what to do next."""

    status: ClassVar[int] = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        """Keep ``message`` and ``hint`` printable, whatever they were made of."""
        super().__init__(code, message, hint)
        self.code = code
        self.message = printable(message)
        self.hint = printable(hint)

    def __str__(self) -> str:
        """Return the message alone; the code is for machines."""
        return self.message


class UsageError(AirgapError):
    """The command was not meant like this."""

    status = 2


class ContractError(AirgapError):
    """What arrived is not a valid document, or not from whom it should be."""

    status = 4


class RefusalError(AirgapError):
    """Refused by rule or by the person; ``confirm`` is the code that would accept."""

    status = 3

    def __init__(
        self, code: str, message: str, hint: str = "", *, confirm: str = ""
    ) -> None:
        """Keep the confirmation code beside the message."""
        super().__init__(code, message, hint)
        self.confirm = confirm


class StorageError(AirgapError):
    """The wallet storage cannot give what was asked for."""

    status = 5


class SafetyError(AirgapError):
    """This machine or its state cannot be trusted to go on."""

    status = 6


class RemoteError(AirgapError):
    """The remote side."""

    status = 7


class RemoteUnavailableError(RemoteError):
    """Not reached, or asked to wait: the same request may work later."""


class RemoteRejectedError(RemoteError):
    """The remote side understood and said no."""


class RemoteUncertainError(RemoteError):
    """Nobody knows whether the request took effect: look it up, never guess."""


class JournalError(AirgapError):
    """The relay's journal is missing, damaged or of another version."""

    status = 8


class FileError(AirgapError):
    """This machine's files: disk full, not writable, not a regular file."""

    status = 9


class MissingFileError(FileError):
    """An input that does not exist, or an output that does."""

    status = 2
