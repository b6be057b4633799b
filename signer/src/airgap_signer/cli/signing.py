"""Commands of the ceremony: review and sign."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airgap_shared.commandline import Invocation, invocation
from airgap_signer.cli.opening import opened, storage_path

if TYPE_CHECKING:
    from airgap_shared.documents import Sealed, SignedBatch, UnsignedBatch
    from airgap_signer.ceremony import Review
    from airgap_signer.session import Session


@click.command(epilog="Example: airgap-signer review /media/stick/batch.json")
@click.argument("file", metavar="FILE")
def review(file: str) -> None:
    """Show what a batch would do; needs no password and says so."""
    from airgap_shared import files
    from airgap_signer import ceremony, policy, session, storage
    from airgap_signer.journal import Journal, genesis
    from airgap_signer.review import render

    run = invocation()
    data = files.read(Path(file))
    path = storage_path(run)
    public = session.read_public_copy(path)
    sealed = ceremony.open_batch(data, public)
    head = genesis(public.fingerprint())
    journal = Journal(storage.beside(path, "journal"), head, b"")
    now = int(time.time())
    ceremony.check_batch(sealed, public, journal, now)
    current = policy.parse(public.policy)
    shown = ceremony.review_batch(sealed, public, current, journal, now)
    at = journal.tip().at
    journal.close()
    text = render(shown, public.peer_name(sealed.key), at, preliminary=True)
    run.answer(_result_of_review(shown), text)


@click.command(
    epilog="Example: airgap-signer sign /media/stick/batch.json "
    "-o /media/stick/signed.json"
)
@click.argument("file", metavar="FILE")
@click.option("-o", "output", metavar="FILE", required=True, help="The signed batch.")
@click.option("--confirm", metavar="CODE", help="The batch's code, read beforehand.")
@click.option(
    "--veto",
    "vetoes",
    metavar="ID",
    multiple=True,
    help="Refuse this item of the batch; may be given again.",
)
@click.option(
    "--replace",
    "replaces",
    metavar="ID",
    multiple=True,
    help="Let this item displace what was signed before; may be given again.",
)
def sign(
    file: str,
    output: str,
    confirm: str | None,
    vetoes: tuple[str, ...],
    replaces: tuple[str, ...],
) -> None:
    """Review, confirm and sign a batch, and write the signed one."""
    from airgap_shared import files
    from airgap_signer import ceremony, terminal
    from airgap_signer.session import Choices

    run = invocation()
    run.check_output(output)
    data = files.read(Path(file))
    with opened(run) as session:
        sealed = ceremony.open_batch(data, session.public)
        name = session.public.peer_name(sealed.key)
        answer = session.answered(sealed)
        errors: dict[str, dict[str, str]] = {}
        if answer is None:
            if session.policy.confirm == "terminal":
                terminal.require(confirm)
            decide = partial(_decide, run, confirm, name)
            answer, shown = session.sign_batch(
                sealed, Choices(vetoes, replaces), int(time.time()), decide
            )
            errors = _errors(shown)
        else:
            run.note("this batch was signed before; the same answer again")
        result = _result_of_answer(session, sealed, answer, errors)
    run.write(output, answer)
    if output != "-":
        done = f"{result['signed']} signed, {result['refused']} refused: {output}"
        run.answer(result, done)


def _decide(
    run: Invocation, confirm: str | None, relay: str, review: "Review", last_at: int
) -> None:
    """Show the review and let the person accept it, or raise."""
    import secrets

    from embit import bip39

    from airgap_signer import terminal
    from airgap_signer.review import render

    click.echo(render(review, relay, last_at, preliminary=False), err=True)
    word = secrets.choice(bip39.WORDLIST)
    terminal.confirm_batch(run, confirm, review.sealed.fingerprint, word)


def _errors(review: "Review") -> dict[str, dict[str, str]]:
    return {
        i.item.id: {
            "code": i.error.code,
            "message": i.error.message,
            "hint": i.error.hint,
        }
        for i in review.items
        if i.error is not None
    }


def _result_of_review(review: "Review") -> dict[str, Any]:
    from airgap_shared import envelope

    errors = _errors(review)
    items = [
        {
            "id": i.item.id,
            "chain": i.item.chain,
            "outcome": "refused" if i.error else "would-sign",
            "txId": i.record.tx_id if i.record else None,
            "error": errors.get(i.item.id),
        }
        for i in review.items
    ]
    return {
        "batch": review.sealed.document.id,
        "code": envelope.code(review.sealed.fingerprint, 2),
        "items": items,
        "signed": len(items) - len(errors),
        "refused": len(errors),
        "preliminary": True,
    }


def _result_of_answer(
    session: "Session",
    sealed: "Sealed[UnsignedBatch]",
    answer: bytes,
    errors: dict[str, dict[str, str]],
) -> dict[str, Any]:
    from airgap_shared import documents, envelope

    document: SignedBatch = documents.unseal(
        answer, documents.SignedBatch, {session.public.key}
    ).document
    chains = {item.id: item.chain for item in sealed.document.items}
    items = [
        {
            "id": item.id,
            "chain": chains[item.id],
            "outcome": "refused" if item.refused else "signed",
            "txId": item.tx_id or None,
            "error": errors.get(item.id)
            or {"code": item.refused, "message": "refused when first asked", "hint": ""}
            if item.refused
            else None,
        }
        for item in document.items
    ]
    refused = sum(bool(item.refused) for item in document.items)
    return {
        "batch": document.batch,
        "code": envelope.code(sealed.fingerprint, 2),
        "items": items,
        "signed": len(items) - refused,
        "refused": refused,
    }


@click.command(epilog="Example: airgap-signer receipt /media/stick/receipt.json")
@click.argument("file", metavar="FILE")
def receipt(file: str) -> None:
    """Take in what became of signed items; the relay's claims, shown as such."""
    from airgap_shared import documents, files
    from airgap_signer import receipts

    run = invocation()
    data = files.read(Path(file))
    with opened(run) as session:
        relays = [peer.key for peer in session.public.peers if peer.role == "relay"]
        sealed = documents.unseal(data, documents.Receipt, relays)
        receipts.check(sealed.document, session.public, session.journal)
        known = session.journal.memory([i.id for i in sealed.document.items], [])
        claims = receipts.compare(sealed.document, known)
        session.log("receipt", receipts.detail(sealed))
    items = [
        {"id": c.id, "state": c.state, "txId": c.tx_id or None, "matches": c.matches}
        for c in claims
    ]
    lines = [
        f"{c.id}  {c.state:<12} {c.tx_id or '-'}"
        + ("" if c.matches else "  NOT WHAT WAS SIGNED HERE")
        for c in claims
    ]
    number = sealed.document.number
    heading = f"receipt {number}: the relay claims for {len(items)} items"
    run.answer({"number": number, "items": items}, "\n".join([heading, *lines]))


COMMANDS = (review, sign, receipt)
