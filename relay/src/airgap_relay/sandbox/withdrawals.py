"""Withdrawals of virtual accounts, as far as a KMS has to do with them."""

from typing import Any

from airgap_relay.sandbox import transfers
from airgap_relay.sandbox.coins import Kind
from airgap_relay.sandbox.ledger import Event, Ledger, Record
from airgap_relay.sandbox.pending import Pending, new_id
from airgap_shared import amounts
from airgap_shared.formats.bitcoin.transaction import Input, OutPoint, Output

IN_PROGRESS = "InProgress"
DONE = "Done"
CANCELLED = "Cancelled"
REVERTED = "Reverted"
"""Cancelled, and the amount given back to the virtual account."""


class Withdrawals:
    """The state of every withdrawal, and the transaction that paid it."""

    def __init__(self, record: Record) -> None:
        """Start with none."""
        self.states: dict[str, str] = {}
        self.tx_ids: dict[str, str] = {}
        self._record = record

    def note(self, id_: str, state: str, tx_id: str = "") -> None:
        """Bring a withdrawal to ``state``."""
        event = {"event": "withdrawal", "id": id_, "state": state, "txId": tx_id}
        self._record(event)
        self.replay(event)

    def replay(self, event: Event) -> None:
        """Make a recorded change again."""
        self.states[event["id"]] = event["state"]
        if event["txId"]:
            self.tx_ids[event["id"]] = event["txId"]


def build(
    body: dict[str, Any], kind: Kind, ledger: Ledger, reserved: set[OutPoint]
) -> Pending:
    """Return the pending transaction of a withdrawal from a mnemonic wallet.

    ``body`` is that of a transfer, but for ``from``: addresses with the derivation
    keys that the wallet ``signatureId`` has for them.
    """
    wallet = body.get("signatureId")
    senders = [
        {
            "address": item.get("address"),
            "signatureId": wallet,
            "index": item.get("derivationKey", 0),
        }
        for item in transfers.objects(body, "from")
    ]
    asked = {**body, "fromAddress": senders}
    pending = transfers.build(asked, kind, ledger, reserved)
    inputs = kind.spent(pending["serializedTransaction"])
    keys = [named["index"] for named in pending.pop("signatures")]
    responses = [
        _response(kind, spent, ledger.coin(spent.out_point), key)
        for spent, key in zip(inputs, keys, strict=True)
    ]
    responses.append({"vIn": "-1", "vInIndex": -1, "amount": "0"})
    return {
        **pending,
        "withdrawalId": new_id(),
        "hashes": [wallet],
        "withdrawalResponses": responses,
    }


def _response(
    kind: Kind, spent: Input, coin: Output | None, key: int
) -> dict[str, Any]:
    assert coin is not None
    return {
        "vIn": spent.out_point.tx_id,
        "vInIndex": spent.out_point.index,
        "amount": amounts.text(coin.amount, kind.chain.decimals),
        "address": {"currency": kind.code, "derivationKey": key},
    }
