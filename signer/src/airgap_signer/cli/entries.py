"""Commands that show whole entries or take them away."""

import hashlib
import json
from typing import TYPE_CHECKING

import click

from airgap_shared.commandline import confirm as confirmed
from airgap_shared.commandline import invocation
from airgap_signer.cli.opening import change_entries, opened

if TYPE_CHECKING:
    from airgap_signer.session import Session
    from airgap_signer.wallet import StoredEntry

_confirm = click.option(
    "--confirm", metavar="CODE", help="Answer the question beforehand."
)


@click.command(epilog="Example: airgap-signer getmanagedwallet ID --confirm CODE")
@click.argument("signature_id", metavar="ID")
@_confirm
def getmanagedwallet(signature_id: str, confirm: str | None) -> None:
    """Print one entry with its secret, after a warning and confirmation."""
    run = invocation()
    with opened(run) as session:
        entry = session.public.entry(signature_id)
        shown = _expose(session, [entry], confirm, f"entry {signature_id}")
    run.answer(shown[signature_id])


@click.command(epilog="Example: airgap-signer export --confirm CODE")
@_confirm
def export(confirm: str | None) -> None:
    """Print all entries with their secrets, after a warning and confirmation."""
    run = invocation()
    with opened(run) as session:
        entries = [e for e in session.public.entries.values() if not e.retired]
        shown = _expose(session, entries, confirm, "all entries")
    run.answer(shown)


@click.command(epilog="Example: airgap-signer removewallet ID --confirm CODE")
@click.argument("signature_id", metavar="ID")
@_confirm
def removewallet(signature_id: str, confirm: str | None) -> None:
    """Retire an entry: it signs no more, and purge will destroy it."""
    import msgspec

    run = invocation()
    with opened(run) as session:
        entry = session.public.entry(signature_id)
        run.note(f"{entry.chain} {entry.network} {entry.address or entry.xpub}")
        _confirmed(session, confirm, f"remove {signature_id}")
        session.log("retire", {"signatureId": signature_id})
        change_entries(session, [msgspec.structs.replace(entry, retired=True)])
    run.answer({"signatureId": signature_id, "retired": True})


@click.command(epilog="Example: airgap-signer purge --confirm CODE")
@_confirm
def purge(confirm: str | None) -> None:
    """Destroy retired entries, also in the generations kept before."""
    import msgspec

    from airgap_signer.wallet import Secret

    run = invocation()
    with opened(run) as session:
        entries = session.public.entries
        gone = sorted(each for each, entry in entries.items() if entry.retired)
        if gone:
            run.note(f"{len(gone)} retired entries will be gone for ever")
            _confirmed(session, confirm, f"purge {gone}")
            session.log("purge", {"signatureIds": gone})
            secret = session.secrets()
            texts = {k: v for k, v in secret.keys.items() if k not in gone}
            kept = {k: v for k, v in entries.items() if k not in gone}
            public = msgspec.structs.replace(session.public, entries=kept)
            session.save(public, Secret(secret.identity, texts))
            session.destroy_generations()
    run.answer({"purged": gone})


def _expose(
    session: "Session", entries: "list[StoredEntry]", confirm: str | None, what: str
) -> dict[str, dict[str, object]]:
    """Return entries with their secrets once a person has accepted it."""
    import msgspec

    from airgap_signer import terminal

    ids = [entry.signature_id for entry in entries]
    digest = hashlib.sha256(f"show {what} {session.public.key}".encode()).hexdigest()
    terminal.confirm_secret(invocation(), confirm, digest)
    texts = session.secret_texts(ids)
    session.log("expose", {"signatureIds": ids})
    change_entries(session, [msgspec.structs.replace(e, exposed=True) for e in entries])
    return {e.signature_id: _as_tatum(e, texts[e.signature_id]) for e in entries}


def _as_tatum(entry: "StoredEntry", text: str) -> dict[str, object]:
    """Return an entry in the form that Tatum KMS exports."""
    if entry.kept:
        as_it_came: dict[str, object] = json.loads(text)
        return as_it_came
    last = {"chain": entry.chain, "testnet": entry.network == "testnet"}
    if entry.kind == "mnemonic":
        return {"mnemonic": text, "xpub": entry.xpub, **last}
    return {"privateKey": text, **last}


def _confirmed(session: "Session", confirm: str | None, what: str) -> None:
    from airgap_signer.terminal import CODE_GROUPS

    digest = hashlib.sha256(f"{what} {session.public.key}".encode()).hexdigest()
    confirmed(invocation(), confirm, digest, CODE_GROUPS)


COMMANDS = (getmanagedwallet, export, removewallet, purge)
