"""An edge: everything that ever changed in the sandbox, one JSON line a change.

Survives kill -9: a line that was cut short was never answered, and is forgotten.
"""

import fcntl
import json
import os
from pathlib import Path

from airgap_relay.sandbox.ledger import Event
from airgap_shared import files
from airgap_shared.errors import FileError, UsageError

FILE = "state.jsonl"


class Log:
    """The file of one sandbox, held by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the log in ``folder``; raises ``usage.sandbox_running``."""
        files.make_folder(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.fdopen(os.open(folder / FILE, flags, 0o600), "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UsageError(
                "usage.sandbox_running", f"another sandbox works in {folder}"
            ) from error

    def read(self) -> list[Event]:
        """Return all events, and cut off a last line that is not whole."""
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        self._file.truncate(whole)
        try:
            return [json.loads(line) for line in data[:whole].splitlines()]
        except ValueError as error:
            raise FileError(
                "file.sandbox_damaged",
                f"{FILE} of the sandbox is damaged",
                "move the sandbox's folder away to start with an empty chain",
            ) from error

    def append(self, event: Event) -> None:
        """Write one event; it outlives this process, though not a power cut."""
        line = json.dumps(event, separators=(",", ":")) + "\n"
        self._file.write(line.encode())
        self._file.flush()

    def close(self) -> None:
        """Let another process have the file."""
        self._file.close()
