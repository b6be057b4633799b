"""An edge: what the signer asks a person for, and how passwords come in."""

import stat
import sys
from pathlib import Path

from airgap_shared import files
from airgap_shared.commandline import Invocation, ask, ask_hidden, confirm
from airgap_shared.errors import RefusalError, UsageError
from airgap_shared.limits import MAX_PASSWORD_BYTES

CODE_GROUPS = 2
"""Groups of four hex digits in the code of a batch or a secret."""


def password(run: Invocation, storage: Path) -> bytes:
    """Return the storage's password, from ``--password-file`` or the terminal."""
    return other_password(run, storage, run.options.get("password_file"))


def other_password(run: Invocation, path: Path, file: str | None) -> bytes:
    """Return the password of the file at ``path``, from ``file`` or the terminal."""
    if file:
        return _from_file(run, Path(file), path)
    return _asked(f"password of {path}: ")


def new_password(run: Invocation, storage: Path, file: str | None) -> bytes:
    """Return a new password from ``file``, or asked for twice at the terminal."""
    if file:
        return _from_file(run, Path(file), storage)
    first = _asked(f"new password for {storage}: ")
    if not first:
        raise UsageError("usage.password", "an empty password protects nothing")
    if _asked("the same once more: ") != first:
        raise UsageError("usage.password", "the two passwords differ")
    return first


def secret(what: str) -> str:
    """Return a private key or mnemonic, typed at a hidden prompt."""
    typed = ask_hidden(f"{what} (not shown): ")
    if typed is None:
        raise UsageError(
            "usage.terminal", f"a {what} is entered only at a hidden terminal prompt"
        )
    return typed.strip()


def confirm_secret(run: Invocation, given: str | None, digest: str) -> None:
    """Let a person accept that a secret will be shown."""
    run.note("whoever sees this owns the funds")
    if not sys.stdout.isatty() and not run.options.get("unsafe_to_pipe"):
        run.note("the secret goes to something that is not a terminal")
    confirm(run, given, digest, CODE_GROUPS)


def require(given: str | None) -> None:
    """Refuse ``--confirm`` where the policy asks for a terminal."""
    if given is not None:
        raise RefusalError(
            "refusal.policy.confirm",
            "the policy accepts a confirmation at a terminal only",
            "run the command at the signer's terminal without --confirm",
        )


def confirm_batch(run: Invocation, given: str | None, digest: str, word: str) -> None:
    """Let a person accept a review.

    At a terminal by a word drawn for this review, which a stick that types keys
    cannot know; elsewhere by the batch's code.
    """
    question = f"{run.program}: type {word!r} to sign, anything else to stop: "
    answer = ask(question) if given is None else None
    if answer is None:
        confirm(run, given, digest, CODE_GROUPS)
    elif answer.strip().lower() != word:
        raise RefusalError("refusal.operator", "stopped by the person")


def _asked(question: str) -> bytes:
    typed = ask_hidden(question)
    if typed is None:
        raise UsageError(
            "usage.password",
            "there is no terminal to ask for the password",
            "give it by --password-file FILE",
        )
    return typed.encode()


def _from_file(run: Invocation, file: Path, storage: Path) -> bytes:
    data = files.read(file, MAX_PASSWORD_BYTES)
    status = file.stat()
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(
            "usage.password_file",
            f"{file} can be read by others (mode {stat.S_IMODE(status.st_mode):o})",
            f"chmod 600 {file}",
        )
    if storage.parent.exists() and status.st_dev == storage.parent.stat().st_dev:
        run.note("warning: the password file lies on the wallet storage's disk")
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    if not line:
        raise UsageError("usage.password", f"the first line of {file} is empty")
    return line
