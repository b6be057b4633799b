"""Commands on the journal: audit show and verify."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from airgap_shared.commandline import Program, invocation
from airgap_signer.cli.opening import storage_path

if TYPE_CHECKING:
    from airgap_signer.journal import Journal
    from airgap_signer.wallet import Public


@click.command(epilog="Example: airgap-signer audit show")
def show() -> None:
    """Show every entry of the journal."""
    from airgap_signer.review import moment

    run = invocation()
    _, journal = _journal()
    entries = [
        {
            "height": entry.height,
            "at": entry.at,
            "kind": entry.kind,
            "detail": json.loads(entry.detail),
            "head": entry.head,
        }
        for entry in journal.entries()
    ]
    lines = [
        f"{entry.height:>6}  {moment(entry.at)} UTC  {entry.kind:<9} {entry.detail}"
        for entry in journal.entries()
    ]
    run.answer({"entries": entries}, "\n".join(lines) or "the journal is empty")


@click.command(epilog="Example: airgap-signer audit verify")
def verify() -> None:
    """Recompute the whole hash chain; needs no password.

    Compares it with the newest signed batch, whose head the signer vouches for.
    """
    from airgap_shared import documents, envelope
    from airgap_shared.errors import SafetyError
    from airgap_signer import session

    run = invocation()
    public, journal = _journal()
    heads = journal.recompute()
    vouched = None
    answer = journal.last_answer()
    if answer is not None:
        batch = session.read_answer(answer, public)
        vouched = batch.head.height
        message = documents.head_message(vouched, batch.head.head)
        signed = envelope.verify(public.key, batch.head.signature, message)
        if not signed or heads[vouched : vouched + 1] != [batch.head.head]:
            raise SafetyError(
                "safety.journal_changed",
                f"the head at height {vouched} is not the one that was signed",
            )
    result = {"height": len(heads) - 1, "head": heads[-1], "signedHeight": vouched}
    upto = "no batch was signed yet" if vouched is None else f"signed up to {vouched}"
    run.answer(result, f"intact: {len(heads) - 1} entries, {upto}\nhead {heads[-1]}")


def _journal() -> "tuple[Public, Journal]":
    from airgap_signer import session, storage
    from airgap_signer.journal import Journal, genesis

    path = storage_path(invocation())
    public = session.read_public_copy(path)
    head = genesis(public.fingerprint())
    return public, Journal(storage.beside(path, "journal"), head, b"")


def group(options: Callable[[], list[click.Option]]) -> Program:
    """Return the group of commands on the journal."""
    program = Program("audit", options, help="Show and verify the journal.")
    for command in (show, verify):
        program.add_command(command)
    return program
