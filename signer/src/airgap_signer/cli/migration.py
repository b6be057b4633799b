"""The command that brings a custodian over from Tatum KMS: import-tatum."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airgap_shared.commandline import invocation
from airgap_signer.cli.opening import opened

if TYPE_CHECKING:
    from airgap_signer.session import Session
    from airgap_signer.tatum_wallet import Found, Outcome
    from airgap_signer.wallet import StoredEntry

Row = dict[str, object]


@click.command(
    "import-tatum",
    epilog="Example: airgap-signer import-tatum /media/stick/wallet.dat",
)
@click.argument("file", metavar="FILE")
@click.option(
    "--tatum-password-file",
    metavar="FILE",
    help="Read Tatum KMS's password from the first line of FILE.",
)
def import_tatum(file: str, tatum_password_file: str | None) -> None:
    """Take over a Tatum KMS wallet.dat, keeping its signature ids.

    Every address is derived again and compared; can be repeated.
    """
    from airgap_shared import files
    from airgap_signer import storage, tatum_wallet, terminal

    run = invocation()
    data = files.read(Path(file), storage.MAX_STORAGE_BYTES)
    with opened(run) as session:
        password = terminal.other_password(run, Path(file), tatum_password_file)
        outcomes = _with_progress(tatum_wallet.read(data, password))
        rows, added = _sorted(session, outcomes)
        if added:
            session.add_entries(added)
    run.answer(rows, _table(rows))


def _with_progress(found: "list[Found]") -> "list[Outcome]":
    from airgap_signer import tatum_wallet

    hidden = not sys.stderr.isatty()
    adopting = tatum_wallet.adopt(found, int(time.time()))
    with click.progressbar(
        adopting,
        length=len(found),
        label="proving addresses",
        file=sys.stderr,
        hidden=hidden,
    ) as outcomes:
        return list(outcomes)


def _sorted(
    session: "Session", outcomes: "list[Outcome]"
) -> "tuple[dict[str, list[Row]], list[tuple[StoredEntry, str]]]":
    """Return what is said of each entry, and those that are to be stored."""
    from airgap_shared.errors import AirgapError
    from airgap_signer import tatum_wallet
    from airgap_signer.wallet import Owners

    rows: dict[str, list[Row]] = {"taken": [], "kept": [], "known": [], "refused": []}
    added: list[tuple[StoredEntry, str]] = []
    entries = session.public.entries
    owners = Owners(entries.values())
    for outcome in outcomes:
        found, entry = outcome.found, outcome.entry
        row: Row = {
            "signatureId": found.signature_id,
            "chain": found.fields.chain,
            "testnet": found.fields.testnet,
        }
        try:
            if entry is None:
                raise outcome.error or AssertionError
            if tatum_wallet.is_known(outcome, entries):
                rows["known"].append(row)
                continue
            owners.add(entry)
        except AirgapError as error:
            rows["refused"].append({**row, "code": error.code, "why": error.message})
            continue
        added.append((entry, outcome.text))
        if entry.kept:
            rows["kept"].append({**row, "why": "its chain is not supported yet"})
        else:
            rows["taken"].append({**row, "address": outcome.address})
    return rows, added


def _table(rows: dict[str, list[Row]]) -> str:
    lines = []
    for name, group in rows.items():
        for row in group:
            network = "testnet" if row["testnet"] else "mainnet"
            what = row.get("address") or row.get("why") or "the same entry is here"
            lines.append(
                f"{name:<8}{row['signatureId']}  {row['chain']} {network}  {what}"
            )
    counts = ", ".join(f"{len(group)} {name}" for name, group in rows.items())
    return "\n".join([*lines, counts])


COMMANDS = (import_tatum,)
