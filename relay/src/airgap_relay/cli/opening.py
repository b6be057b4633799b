"""What commands begin with: the relay in its home, Tatum's API, and the lock."""

import fcntl
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airgap_shared import files
from airgap_shared.commandline import Invocation
from airgap_shared.errors import FileError, JournalError, MissingFileError

if TYPE_CHECKING:
    from airgap_relay.service import Relay
    from airgap_relay.tatum import HTTPClient

PROGRESS_FROM = 20
"""Items from which a bar is worth drawing."""


class _Bar:
    """A progress bar on stderr, one for each thing being done."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` is done."""
        if total < PROGRESS_FROM or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=what, file=sys.stderr)
        self._bar.update(done - self._bar.pos)
        if done >= total:
            self._bar.render_finish()
            self._bar = None


@contextmanager
def opened(run: Invocation) -> Iterator["Relay"]:
    """Open the relay in ``run``'s home."""
    from airgap_relay import config, journal
    from airgap_relay.service import Relay

    settings, author = config.load(run.home)
    memory = journal.open_(config.journal_path(run.home))
    try:
        yield Relay(
            journal=memory,
            author=author,
            network=settings.network,
            now=lambda: int(time.time()),
            random=secrets.token_bytes,
            note=run.note,
            progress=_Bar(),
        )
    finally:
        memory.close()


def has_api_key(run: Invocation) -> bool:
    """Whether Tatum can be spoken to at all."""
    from airgap_relay import config

    return config.has_api_key(run.options.get("api_key_file"))


def client(run: Invocation) -> "HTTPClient":
    """Return Tatum's API as the options, the environment and the home say.

    A home is not needed: who funds an address in the sandbox may have none.
    """
    from airgap_relay import config, tatum

    settings = config.load_settings(run.home)
    return tatum.HTTPClient(
        config.api_url(run.options.get("api_url"), settings),
        config.api_key(run.options.get("api_key_file")),
        read_seconds=run.options.get("timeout") or tatum.READ_SECONDS,
        requests_per_second=run.options.get("rate_limit") or 0,
    )


@contextmanager
def try_lock(run: Invocation) -> Iterator[bool]:
    """Hold the home's lock; yield whether it was free. It ends with the process."""
    path = run.home / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        # There is no home yet, which opening the relay says better.
        yield True
        return
    except OSError as error:
        raise FileError("file.unwritable", f"{path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def locked(run: Invocation) -> Iterator[None]:
    """Hold the home's lock; raises ``journal.busy`` when another process does."""
    with try_lock(run) as is_free:
        if not is_free:
            raise JournalError(
                "journal.busy",
                f"another airgap-relay is at work in {run.home}",
                "wait until it ends, then run the same command again",
            )
        yield


def check_output(run: Invocation, output: str) -> None:
    """Refuse an output that cannot be written, before anything is journalled."""
    run.check_output(output)
    folder = Path(output).parent
    if output != "-" and not folder.is_dir():
        raise MissingFileError("file.missing", f"folder {folder} does not exist")


def read_input(path: str) -> bytes:
    """Return the document in ``path``, read once."""
    return files.read(Path(path))


def split_list(text: str | None) -> Sequence[str]:
    """Return the parts of a comma-separated option."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def write(run: Invocation, output: str, document: bytes, again: str) -> None:
    """Write what is in the journal; say how to repeat it when it fails."""
    try:
        run.write(output, document)
    except FileError as error:
        error.hint = f"it is kept, write it again: {again}"
        raise


def answer(run: Invocation, output: str, value: object, text: str) -> None:
    """Answer on stdout, unless the document went there."""
    if output == "-":
        run.note(text)
    else:
        run.answer(value, text)
