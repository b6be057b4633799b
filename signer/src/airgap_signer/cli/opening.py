"""What several commands begin with: where the storage lies, and opening it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from airgap_shared.commandline import Invocation

if TYPE_CHECKING:
    from airgap_shared.chains import Chain
    from airgap_signer.session import Session
    from airgap_signer.wallet import StoredEntry

STORAGE_NAME = "wallet.airgap"


def storage_path(run: Invocation) -> Path:
    """Return the wallet storage file of this run."""
    other = run.options.get("path")
    return Path(other).expanduser() if other else run.home / STORAGE_NAME


@contextlib.contextmanager
def opened(run: Invocation) -> Iterator["Session"]:
    """Ask for the password and open the signer's state."""
    from airgap_signer import session, storage, terminal

    path = storage_path(run)
    if not path.exists():
        raise storage.missing(path)
    with session.open_(path, terminal.password(run, path)) as opened_session:
        yield opened_session


def chain_of(code: str, *, testnet: bool) -> "Chain":
    """Return the chain that a person named on the command line."""
    from airgap_shared.chains import lookup
    from airgap_shared.errors import ContractError, UsageError

    try:
        return lookup(code.upper(), "testnet" if testnet else "mainnet")
    except ContractError as error:
        raise UsageError("usage.chain", error.message) from error


def change_entries(session: "Session", changed: "list[StoredEntry]") -> None:
    """Save entries whose public half has changed."""
    import msgspec

    new = {entry.signature_id: entry for entry in changed}
    entries = {**session.public.entries, **new}
    session.save(msgspec.structs.replace(session.public, entries=entries))
