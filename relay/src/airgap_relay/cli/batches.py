"""Commands of every day: poll, export, import, broadcast."""

from typing import TYPE_CHECKING

import click

from airgap_relay.cli import opening
from airgap_shared.commandline import Invocation, invocation
from airgap_shared.errors import UsageError
from airgap_shared.limits import MAX_BATCH_ITEMS, MAX_BATCH_SECONDS

if TYPE_CHECKING:
    from airgap_relay.service import Exported, Relay, Sent


def chain_codes(text: str | None) -> list[str]:
    """Return the chains that were asked for, all when none was."""
    from airgap_shared.chains import CODES

    asked = [code.upper() for code in opening.split_list(text)] or list(CODES)
    for code in asked:
        if code not in CODES:
            raise UsageError(
                "usage.chain", f"chain {code!r} is not supported: {', '.join(CODES)}"
            )
    return list(dict.fromkeys(asked))


def report(run: Invocation, relay: "Relay") -> None:
    """Tell Tatum of failures, when it can be spoken to."""
    from airgap_relay import service

    if relay.journal.unreported() and opening.has_api_key(run):
        service.report(relay, opening.client(run))


def counts(sent: "Sent") -> dict[str, int]:
    """Return what a broadcast came to, as it is answered."""
    return {
        "completed": sent.completed,
        "waiting": sent.waiting,
        "uncertain": sent.uncertain,
        "rejected": sent.rejected,
    }


def code_of(exported: "Exported") -> str:
    """Return the code by which people recognise a batch."""
    from airgap_shared import envelope

    return envelope.code(exported.batch.fingerprint, 2)


@click.command(epilog="Example: airgap-relay poll --chain BTC")
@click.option("--chain", metavar="BTC,...", help="Chains; all when left out.")
@click.option("--wallets", metavar="ID,...", help="Only these signature ids.")
@click.option("--transaction-ids", metavar="ID,...", help="Only these transactions.")
def poll(chain: str | None, wallets: str | None, transaction_ids: str | None) -> None:
    """Fetch pending transactions from Tatum into the journal."""
    from airgap_relay import service

    run = invocation()
    codes = chain_codes(chain)
    with opening.locked(run), opening.opened(run) as relay:
        polled = service.poll(
            relay,
            opening.client(run),
            codes,
            opening.split_list(wallets),
            opening.split_list(transaction_ids),
        )
        report(run, relay)
    value = {"seen": polled.seen, "new": polled.new}
    run.answer(value, f"{polled.seen} pending, {polled.new} of them new")


@click.command(epilog="Example: airgap-relay export -o batch.json")
@click.option("-o", "--output", metavar="FILE", required=True, help="File to write.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_BATCH_ITEMS),
    metavar="N",
    help="Items at most.",
)
@click.option(
    "--valid-for",
    type=click.IntRange(1, MAX_BATCH_SECONDS),
    metavar="SECONDS",
    help="How long the signer may take (default 48 hours).",
)
@click.option("--batch", metavar="ID", help="Write this earlier batch again.")
def export(
    output: str, limit: int | None, valid_for: int | None, batch: str | None
) -> None:
    """Write the next unsigned batch for the signer."""
    from airgap_relay import service
    from airgap_relay.service import exporting

    run = invocation()
    for option, value in (("--limit", limit), ("--valid-for", valid_for)):
        if batch is not None and value is not None:
            raise UsageError(
                "usage.options",
                f"--batch writes a batch as it was, {option} cannot change it",
                f"leave out {option}",
            )
    opening.check_output(run, output)
    with opening.opened(run) as relay:
        if batch is not None:
            exported: Exported | None = service.written_again(relay, batch)
        else:
            seconds = valid_for or exporting.DEFAULT_VALID_SECONDS
            exported = service.export(relay, limit or MAX_BATCH_ITEMS, seconds)
    if exported is None:
        empty = {"batch": None, "code": None, "items": 0}
        opening.answer(run, output, empty, "nothing to sign")
        return
    write(run, output, exported)
    code = code_of(exported)
    told = {"batch": exported.batch.id, "code": code, "items": exported.items}
    text = f"batch {exported.batch.id} with {exported.items} items, code {code}"
    opening.answer(run, output, told, text)


def write(run: Invocation, output: str, exported: "Exported") -> None:
    """Write a batch that is in the journal; say how to repeat it when it fails."""
    again = f"airgap-relay export --batch {exported.batch.id} -o FILE"
    opening.write(run, output, exported.batch.document, again)


@click.command("import", epilog="Example: airgap-relay import signed.json")
@click.argument("file")
def import_(file: str) -> None:
    """Take in a signed batch from the signer."""
    from airgap_relay import service

    run = invocation()
    data = opening.read_input(file)
    with opening.opened(run) as relay:
        taken = service.import_(relay, data)
        report(run, relay)
    value = {"batch": taken.batch, "signed": taken.signed, "refused": taken.refused}
    text = f"batch {taken.batch}: {taken.signed} signed, {taken.refused} refused"
    run.answer(value, text)


@click.command(epilog="Example: airgap-relay broadcast")
def broadcast() -> None:
    """Send what is signed, and mark it as complete."""
    from airgap_relay import service

    run = invocation()
    with opening.locked(run), opening.opened(run) as relay:
        sent = service.broadcast(relay, opening.client(run))
        report(run, relay)
    value = counts(sent)
    run.answer(value, ", ".join(f"{count} {name}" for name, count in value.items()))
