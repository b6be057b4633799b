"""Tatum's list of transactions that wait for a signature."""

import secrets
from collections.abc import Collection
from typing import Any

from airgap_relay.sandbox.coins import BY_CODE
from airgap_relay.sandbox.ledger import Event, Record
from airgap_shared.formats.bitcoin.transaction import OutPoint

Pending = dict[str, Any]
"""One pending transaction, as Tatum answers it."""


def new_id() -> str:
    """Return a fresh id, 24 hex digits."""
    return secrets.token_hex(12)


def signature_ids(pending: Pending) -> set[str]:
    """Return the wallets that ``pending`` asks for."""
    return {*pending["hashes"], *(s["id"] for s in pending.get("signatures", ()))}


class PendingList:
    """All pending transactions, completed ones included, and the errors reported."""

    def __init__(self, record: Record) -> None:
        """Start empty."""
        self.reported: list[dict[str, str]] = []
        self._items: dict[str, Pending] = {}
        self._coins: dict[str, frozenset[OutPoint]] = {}
        """Waiting transaction -> what it spends."""
        self._record = record

    def find(self, id_: str) -> Pending | None:
        """Return one, completed or not."""
        return self._items.get(id_)

    def waiting(self, chain: str, ids: Collection[str] | None = None) -> list[Pending]:
        """Return what waits on ``chain`` for any of ``ids``, or for anybody."""
        return [
            item
            for item in self._items.values()
            if item["chain"] == chain
            and "txId" not in item
            and (ids is None or signature_ids(item).intersection(ids))
        ]

    def reserved(self) -> set[OutPoint]:
        """Return the coins that waiting transactions spend."""
        return set().union(*self._coins.values())

    def add(self, pending: Pending) -> None:
        """Keep a new one."""
        self._change({"event": "pending", "pending": pending})

    def complete(self, id_: str, tx_id: str) -> None:
        """Note that ``tx_id`` is what became of it."""
        self._change({"event": "completed", "id": id_, "txId": tx_id})

    def delete(self, id_: str) -> None:
        """Forget it."""
        self._change({"event": "deleted", "id": id_})

    def report(self, id_: str, error: str) -> None:
        """Note what a KMS says went wrong."""
        self._change({"event": "reported", "id": id_, "error": error})

    def _change(self, event: Event) -> None:
        self._record(event)
        self.replay(event)

    def replay(self, event: Event) -> None:
        """Make a recorded change again."""
        match event:
            case {"event": "pending", "pending": pending}:
                self._items[pending["id"]] = pending
                text = pending["serializedTransaction"]
                inputs = BY_CODE[pending["chain"]].spent(text)
                self._coins[pending["id"]] = frozenset(i.out_point for i in inputs)
            case {"event": "completed", "id": id_, "txId": tx_id}:
                self._items[id_] = {**self._items[id_], "txId": tx_id}
                self._coins.pop(id_, None)
            case {"event": "deleted", "id": id_}:
                del self._items[id_]
                self._coins.pop(id_, None)
            case {"event": "reported", "id": id_, "error": error}:
                self.reported.append({"signatureId": id_, "error": error})
