"""What only a person decides: retry, replace, cancel, resolve."""

from typing import TYPE_CHECKING

import click

from airgap_relay.cli import opening
from airgap_shared import amounts
from airgap_shared.commandline import Invocation, confirm, invocation
from airgap_shared.errors import ContractError, UsageError

if TYPE_CHECKING:
    from airgap_relay.service import Relay, Replacement

GROUPS = 2
"""Groups of the codes that confirm a decision, as of batches."""

_confirm_option = click.option(
    "--confirm", "given", metavar="CODE", help="The code, when no terminal."
)
_conflict_option = click.option(
    "--conflict",
    metavar="TXID",
    default="",
    help="A confirmed transaction that spends its coins.",
)


@click.command(epilog="Example: airgap-relay retry 5f3c0e8e7d0a4b2f9c1d6e7f")
@click.argument("id_", metavar="ID")
def retry(id_: str) -> None:
    """Give a refused transaction another chance."""
    from airgap_relay import service

    run = invocation()
    with opening.locked(run), opening.opened(run) as relay:
        state = service.retry(relay, id_)
    run.answer({"id": id_, "state": state.value}, f"{id_} is {state.value} again")


@click.command(
    epilog="Example: airgap-relay replace 5f3c0e8e7d0a4b2f9c1d6e7f --fee-rate 20"
)
@click.argument("id_", metavar="ID")
@click.option("--fee", metavar="AMOUNT", help="The whole fee, in the unit people use.")
@click.option(
    "--fee-rate",
    type=click.IntRange(1),
    metavar="SAT_PER_VB",
    help="The fee a virtual byte (default: twice the old one).",
)
@click.option("--cancel", "is_cancel", is_flag=True, help="Pay everything back to us.")
@_confirm_option
def replace(
    id_: str,
    fee: str | None,
    fee_rate: int | None,
    given: str | None,
    *,
    is_cancel: bool,
) -> None:
    """Prepare another version of a payment that was exported."""
    from airgap_relay import service

    run = invocation()
    if fee is not None and fee_rate is not None:
        raise UsageError("usage.options", "--fee and --fee-rate exclude each other")
    with opening.locked(run), opening.opened(run) as relay:
        wish = service.Wish(
            None if fee is None else _amount(relay, id_, fee), fee_rate, is_cancel
        )
        plan = service.plan_replacement(relay, id_, wish)
        value = _told(relay, plan)
        _show(run, relay, plan, value)
        confirm(run, given, plan.digest, GROUPS)
        service.replace(relay, plan)
    text = f"{id_} has a new version with a fee of {value['fee']}; export it"
    run.answer(value, text)


def _amount(relay: "Relay", id_: str, text: str) -> int:
    chain, _family = relay.chain(relay.item(id_).chain)
    try:
        return amounts.parse(text, chain.decimals)
    except ContractError as error:
        raise UsageError("usage.amount", str(error)) from error


def _told(relay: "Relay", plan: "Replacement") -> dict[str, str]:
    chain, _family = relay.chain(plan.item.chain)
    return {
        "id": plan.item.id,
        "state": "PREPARED",
        "replaces": plan.reason,
        "fee": amounts.text(plan.fee, chain.decimals),
        "oldFee": amounts.text(plan.old_fee, chain.decimals),
    }


def _show(
    run: Invocation, relay: "Relay", plan: "Replacement", value: dict[str, str]
) -> None:
    """Tell what is confirmed, in full and last."""
    chain, family = relay.chain(plan.item.chain)
    run.note(
        f"{plan.item.id}: the fee was {value['oldFee']}, it will be {value['fee']}"
    )
    for paid in family.describe(plan.payload, chain)["outputs"]:
        run.note(f"pays {paid['amount']} {chain.code} to {paid['address']}")


@click.command(epilog="Example: airgap-relay cancel 5f3c0e8e7d0a4b2f9c1d6e7f")
@click.argument("id_", metavar="ID")
@_conflict_option
@_confirm_option
def cancel(id_: str, conflict: str, given: str | None) -> None:
    """Give a transaction up, and delete it at Tatum."""
    from airgap_relay import service

    run = invocation()
    with opening.locked(run), opening.opened(run) as relay:
        tatum = opening.client(run)
        plan = service.plan_cancellation(relay, tatum, id_, conflict.lower())
        _note_cancellation(run, plan.item.id, plan.conflict)
        confirm(run, given, plan.digest, GROUPS)
        service.cancel(relay, tatum, plan)
    value = {
        "id": id_,
        "state": "CANCELLED",
        "reverted": plan.reverts,
        "conflict": plan.conflict or None,
    }
    run.answer(value, f"{id_} is CANCELLED")


def _note_cancellation(run: Invocation, id_: str, conflict: str) -> None:
    why = f"{conflict} is confirmed in its place" if conflict else "nothing signs it"
    run.note(f"{id_} is given up for ever: {why}")


@click.command(epilog="Example: airgap-relay resolve 5f3c0e8e7d0a4b2f9c1d6e7f")
@click.argument("id_", metavar="ID")
@click.option(
    "--sent", metavar="TXID", default="", help="You know that it was sent as this."
)
@_conflict_option
@_confirm_option
def resolve(id_: str, sent: str, conflict: str, given: str | None) -> None:
    """Settle an uncertain transaction: look it up, or take your word."""
    from airgap_relay import service

    run = invocation()
    if sent and conflict:
        raise UsageError("usage.options", "--sent and --conflict exclude each other")
    with opening.locked(run), opening.opened(run) as relay:
        tatum = opening.client(run)
        if conflict:
            service.require_open(relay, id_)
            plan = service.plan_cancellation(relay, tatum, id_, conflict.lower())
            _note_cancellation(run, id_, plan.conflict)
            confirm(run, given, plan.digest, GROUPS)
            service.cancel(relay, tatum, plan)
            state, tx_id = "CANCELLED", plan.conflict
        else:
            settlement = service.plan_settlement(relay, tatum, id_, sent.lower())
            if not settlement.is_found:
                run.note(f"{id_} is taken for sent as {settlement.tx_id}: on your word")
                confirm(run, given, settlement.digest, GROUPS)
            service.settle(relay, tatum, settlement)
            state, tx_id = "COMPLETED", settlement.tx_id
    run.answer({"id": id_, "state": state, "txId": tx_id}, f"{id_} is {state}: {tx_id}")


@click.command(epilog="Example: airgap-relay receipt -o receipt.json")
@click.option("-o", "--output", metavar="FILE", required=True, help="File to write.")
@click.option(
    "--number", type=click.IntRange(1), metavar="N", help="Write this one again."
)
def receipt(output: str, number: int | None) -> None:
    """Tell the signer what became of its batches."""
    from airgap_relay import service

    run = invocation()
    opening.check_output(run, output)
    with opening.locked(run), opening.opened(run) as relay:
        if number is None:
            told = service.make_receipt(relay)
        else:
            told = service.receipt_again(relay, number)
    if told is None:
        opening.answer(run, output, {"number": None, "items": 0}, "nothing new to tell")
        return
    again = f"airgap-relay receipt --number {told.number} -o FILE"
    opening.write(run, output, told.document, again)
    value = {"number": told.number, "items": told.items}
    text = f"receipt {told.number} tells of {told.items} items"
    opening.answer(run, output, value, text)
