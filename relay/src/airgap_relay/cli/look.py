"""Commands that only look: status, show."""

import time
from typing import TYPE_CHECKING, Any

import click

from airgap_relay.cli import opening
from airgap_shared.commandline import invocation
from airgap_shared.errors import AirgapError

if TYPE_CHECKING:
    from airgap_relay.lifecycle import Item, Summary
    from airgap_relay.service import Relay

COLUMNS = ("id", "chain", "state", "age", "txId", "batch", "error")


@click.command(epilog="Example: airgap-relay status --json")
def status() -> None:
    """List every transaction in the journal."""
    run = invocation()
    with opening.opened(run) as relay:
        summaries = relay.journal.summaries()
    values = [
        {
            "id": item.id,
            "chain": item.chain,
            "state": item.state.value,
            "txId": item.tx_id or None,
            "batch": item.batch or None,
            "error": _error(item.error_code, item.error_message),
        }
        for item in summaries
    ]
    run.answer({"transactions": values}, _table(summaries, int(time.time())))


@click.command(epilog="Example: airgap-relay show 5f3c0e8e7d0a4b2f9c1d6e7f")
@click.argument("id_", metavar="ID")
def show(id_: str) -> None:
    """Show one transaction in full."""
    run = invocation()
    with opening.opened(run) as relay:
        value = _details(relay, relay.item(id_))
    run.answer({"transactions": [value]}, "\n".join(_lines(value)))


def _table(summaries: "list[Summary]", now: int) -> str:
    rows = [COLUMNS]
    rows += [
        (
            item.id,
            item.chain,
            item.state.value,
            _age(now - item.created),
            item.tx_id or "-",
            item.batch or "-",
            item.error_code or "-",
        )
        for item in summaries
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _age(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _details(relay: "Relay", item: "Item") -> dict[str, Any]:
    return {
        "id": item.id,
        "chain": item.chain,
        "network": item.network,
        "state": item.state.value,
        "txId": item.tx_id or None,
        "batch": item.batch or None,
        "error": _error(item.error_code, item.error_message),
        "reported": item.error_reported,
        "withdrawalId": item.withdrawal_id or None,
        "keys": [
            {"signatureId": key.signature_id, "index": key.index} for key in item.keys
        ],
        "transaction": _transaction(relay, item),
        "source": item.source,
        "replaces": item.replaces or None,
        "versions": [
            {
                "replaces": version.replaces or None,
                "txId": version.tx_id or None,
                "sent": version.is_sent,
            }
            for version in relay.journal.versions(item.id)
        ],
        "history": [
            {"state": state.value, "at": at}
            for state, at in relay.journal.history(item.id)
        ],
    }


def _error(code: str, message: str) -> dict[str, str] | None:
    """Return an error in the form that all commands answer it."""
    return {"code": code, "message": message, "hint": ""} if code else None


def _transaction(relay: "Relay", item: "Item") -> dict[str, Any] | None:
    if not item.payload:
        return None
    try:
        chain, family = relay.chain(item.chain)
        return family.describe(item.payload, chain)
    except AirgapError:
        return None


def _lines(value: dict[str, Any]) -> list[str]:
    """Return the details for people; dates in UTC."""
    shown = (
        "id",
        "chain",
        "network",
        "state",
        "txId",
        "batch",
        "withdrawalId",
        "replaces",
    )
    lines = [f"{name:13} {value[name]}" for name in shown if value[name]]
    if value["error"]:
        lines.append(f"{'error':13} {value['error']['code']}")
        lines.append(f"{'':13} {value['error']['message']}")
    for key in value["keys"]:
        index = "" if key["index"] is None else f" index {key['index']}"
        lines.append(f"{'key':13} {key['signatureId']}{index}")
    lines += _transaction_lines(value["transaction"], value["chain"])
    for version in value["versions"]:
        sent = "sent" if version["sent"] else "not sent"
        tx_id = version["txId"] or "not signed"
        lines.append(f"{'version':13} {tx_id} ({sent})")
    for step in value["history"]:
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(step["at"]))
        lines.append(f"{'history':13} {at} {step['state']}")
    return lines


def _transaction_lines(told: dict[str, Any] | None, unit: str) -> list[str]:
    if told is None:
        return []
    lines = []
    for coin in told["inputs"]:
        proof = "proven" if coin["proven"] else "claimed"
        place = coin["address"] or coin["script"]
        lines.append(f"{'from':13} {place} {coin['amount']} {unit} ({proof})")
    for paid in told["outputs"]:
        place = paid["address"] or paid["script"]
        lines.append(f"{'to':13} {place} {paid['amount']} {unit}")
    lines.append(f"{'fee':13} {told['fee']} {unit}")
    return lines
