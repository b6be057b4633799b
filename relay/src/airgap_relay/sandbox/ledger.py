"""A small chain: coins, a mempool and blocks, with a node's rules for both.

There is no proof of work, no maturity of coinbases and one miner, who takes all of
the mempool. Everything that changes is told to ``record`` first, and ``replay``
makes the same change again, unverified: what is on file was verified once.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airgap_relay.sandbox.judge import Judge
from airgap_shared.chains import BitcoinParameters
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
    decode,
    double_sha256,
)

FINAL_SEQUENCE = 0xFFFFFFFF
LOCK_TIME_THRESHOLD = 500_000_000
"""Lock times below are heights, the others Unix seconds (BIP-65)."""

RELATIVE_LOCK_OFF = 1 << 31
RELATIVE_LOCK_IN_TIME = 1 << 22
RELATIVE_LOCK_MASK = 0xFFFF
"""Relative lock times in a sequence number (BIP-68)."""

NULL_OUT_POINT = OutPoint("00" * 32, 0xFFFFFFFF)
"""What a coinbase spends."""

Event = dict[str, Any]
Record = Callable[[Event], None]


class RejectedError(Exception):
    """A transaction that a node would not take; the text is the node's word for it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block, without its work."""

    hash: str
    time: int


class Ledger:
    """The coins of one chain and what has become of them."""

    def __init__(
        self,
        code: str,
        parameters: BitcoinParameters,
        judge: Judge,
        record: Record,
        *,
        max_supply: int,
        replaces: bool,
    ) -> None:
        """Start an empty chain called ``code``.

        ``replaces`` says whether nodes let a higher fee displace a lower one.
        """
        self.blocks: list[Block] = []
        self.transactions: dict[str, Transaction] = {}
        self.heights: dict[str, int] = {}
        """Confirmed transaction -> height of its block."""
        self.mempool: dict[str, Transaction] = {}
        self.spenders: dict[OutPoint, str] = {}
        self._paid: dict[bytes, dict[OutPoint, None]] = {}
        """Script -> outputs that ever paid to it; a dictionary keeps their order."""
        self._code = code
        self._parameters = parameters
        self._max_supply = max_supply
        self._replaces = replaces
        self._judge = judge
        self._record = record

    @property
    def height(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    def coin(self, out_point: OutPoint) -> Output | None:
        """Return an output, spent or not, of a known transaction."""
        made_by = self.transactions.get(out_point.tx_id)
        if made_by is None or out_point.index >= len(made_by.outputs):
            return None
        return made_by.outputs[out_point.index]

    def unspent(self, out_point: OutPoint) -> Output | None:
        """Return an output that nothing known spends."""
        return None if out_point in self.spenders else self.coin(out_point)

    def coins_of(self, script: bytes) -> list[OutPoint]:
        """Return what ``script`` could spend now, oldest first."""
        paid = self._paid.get(script, {})
        return [point for point in paid if self.unspent(point) is not None]

    def fee(self, transaction: Transaction) -> int:
        """Return what the inputs bring above what the outputs take."""
        spent = (self.coin(i.out_point) for i in transaction.inputs)
        brought = sum(coin.amount for coin in spent if coin)
        return brought - sum(output.amount for output in transaction.outputs)

    def broadcast(self, transaction: Transaction, now: int) -> str:
        """Take ``transaction`` into the mempool and return its id.

        One that waits there already is taken again without a word and a confirmed
        one is refused, both as Bitcoin Core's ``sendrawtransaction`` does.
        Raises ``RejectedError``.
        """
        tx_id = transaction.tx_id()
        if tx_id in self.mempool:
            return tx_id
        if tx_id in self.heights:
            raise RejectedError("Transaction outputs already in utxo set")
        coins = self._check(transaction, now)
        refusal = self._judge.refusal(transaction, coins)
        if refusal is not None:
            raise RejectedError(
                f"mandatory-script-verify-flag-failed, {refusal} of {tx_id}"
            )
        raw = transaction.encode().hex()
        self._record({"event": "transaction", "chain": self._code, "raw": raw})
        self._enter(transaction)
        return tx_id

    def fund(self, script: bytes, amount: int, now: int) -> str:
        """Pay ``amount`` to ``script`` out of nothing, in a block of its own."""
        # BIP-34: the height keeps coinbases that pay the same apart.
        source = Input(
            NULL_OUT_POINT, FINAL_SEQUENCE, b"\x04" + struct.pack("<I", self.height)
        )
        coinbase = Transaction(2, (source,), (Output(amount, script),), 0)
        self._mine([coinbase], now)
        return coinbase.tx_id()

    def mine(self, count: int, now: int) -> None:
        """Mine ``count`` blocks, the first with everything that waits."""
        for _ in range(count):
            self._mine(list(self.mempool.values()), now)

    def replay(self, event: Event) -> None:
        """Make a recorded change again."""
        raws = event["transactions"] if event["event"] == "block" else [event["raw"]]
        transactions = [decode(bytes.fromhex(raw)) for raw in raws]
        if event["event"] == "block":
            self._connect(transactions, event["time"])
        else:
            self._enter(transactions[0])

    def _mine(self, transactions: list[Transaction], now: int) -> None:
        event: Event = {"event": "block", "chain": self._code, "time": now}
        event["transactions"] = [t.encode().hex() for t in transactions]
        self._record(event)
        self._connect(transactions, now)

    def _connect(self, transactions: list[Transaction], time: int) -> None:
        tx_ids = tuple(transaction.tx_id() for transaction in transactions)
        parent = self.blocks[-1].hash if self.blocks else "00" * 32
        header = f"{self.height}{time}".encode() + bytes.fromhex(
            parent + "".join(tx_ids)
        )
        for tx_id, transaction in zip(tx_ids, transactions, strict=True):
            self.mempool.pop(tx_id, None)
            self._learn(tx_id, transaction)
            self.heights[tx_id] = self.height
        self.blocks.append(Block(double_sha256(header)[::-1].hex(), time))

    def _enter(self, transaction: Transaction) -> None:
        """Put a verified transaction into the mempool, in place of its conflicts."""
        for tx_id in self._displaced(transaction):
            for spent in self.mempool.pop(tx_id).inputs:
                self.spenders.pop(spent.out_point, None)
            del self.transactions[tx_id]
        tx_id = transaction.tx_id()
        self.mempool[tx_id] = transaction
        self._learn(tx_id, transaction)
        for spent in transaction.inputs:
            self.spenders[spent.out_point] = tx_id

    def _learn(self, tx_id: str, transaction: Transaction) -> None:
        self.transactions.setdefault(tx_id, transaction)
        for index, output in enumerate(transaction.outputs):
            self._paid.setdefault(output.script, {})[OutPoint(tx_id, index)] = None

    def _conflicts(self, transaction: Transaction) -> set[str]:
        """Return what waits in the mempool and spends a coin of ``transaction``."""
        spenders = (self.spenders.get(i.out_point) for i in transaction.inputs)
        return {tx_id for tx_id in spenders if tx_id in self.mempool}

    def _displaced(self, transaction: Transaction) -> list[str]:
        """Return what would leave the mempool: conflicts and their descendants."""
        leaving = self._conflicts(transaction)
        if not leaving:
            return []
        # The mempool is in order of arrival, so parents come before children.
        for tx_id, waiting in self.mempool.items():
            if leaving.intersection(i.out_point.tx_id for i in waiting.inputs):
                leaving.add(tx_id)
        return [tx_id for tx_id in self.mempool if tx_id in leaving]

    def _check(self, transaction: Transaction, now: int) -> tuple[Output, ...]:
        """Return the coins of ``transaction`` when all but its scripts is right."""
        if not transaction.inputs or not transaction.outputs:
            raise RejectedError("bad-txns-vin-or-vout-empty")
        points = [i.out_point for i in transaction.inputs]
        if len(set(points)) != len(points):
            raise RejectedError("bad-txns-inputs-duplicate")
        if NULL_OUT_POINT in points:
            raise RejectedError("coinbase")
        if sum(output.amount for output in transaction.outputs) > self._max_supply:
            raise RejectedError("bad-txns-txouttotal-toolarge")
        coins = tuple(self._available(point) for point in points)
        if self.fee(transaction) < 0:
            raise RejectedError("bad-txns-in-belowout")
        self._check_locks(transaction, now)
        self._check_fee(transaction)
        return coins

    def _available(self, point: OutPoint) -> Output:
        """Return a coin that no confirmed transaction has spent."""
        coin = self.coin(point)
        if coin is None or self.spenders.get(point) in self.heights:
            raise RejectedError("bad-txns-inputs-missingorspent")
        return coin

    def _check_locks(self, transaction: Transaction, now: int) -> None:
        """Refuse what the next block could not hold yet (BIP-65, BIP-68)."""
        lock = transaction.lock_time
        reached = self.height if lock < LOCK_TIME_THRESHOLD else now
        is_waiting = any(i.sequence != FINAL_SEQUENCE for i in transaction.inputs)
        if lock and lock >= reached and is_waiting:
            raise RejectedError("non-final")
        if transaction.version >= 2 and any(
            self._is_locked(i, now) for i in transaction.inputs
        ):
            raise RejectedError("non-BIP68-final")

    def _is_locked(self, spent: Input, now: int) -> bool:
        wait = spent.sequence & RELATIVE_LOCK_MASK
        if spent.sequence & RELATIVE_LOCK_OFF or not wait:
            return False
        made = self.heights.get(spent.out_point.tx_id)
        if made is None:
            return True
        if spent.sequence & RELATIVE_LOCK_IN_TIME:
            return self.blocks[made].time + wait * 512 > now
        return made + wait > self.height

    def _check_fee(self, transaction: Transaction) -> None:
        """Refuse a fee too low to be relayed, or to replace others (BIP-125)."""
        fee, size = self.fee(transaction), transaction.virtual_size()
        if fee < size * self._parameters.min_fee_rate:
            raise RejectedError(f"min relay fee not met, {fee} for {size} vbytes")
        displaced = self._displaced(transaction)
        if displaced and not self._replaces:
            raise RejectedError("txn-mempool-conflict")
        if {i.out_point.tx_id for i in transaction.inputs}.intersection(displaced):
            raise RejectedError("bad-txns-spends-conflicting-tx")
        for tx_id in self._conflicts(transaction):
            other = self.mempool[tx_id]
            if fee * other.virtual_size() <= self.fee(other) * size:
                raise RejectedError(f"insufficient fee, rate not above that of {tx_id}")
        if displaced and fee <= sum(self.fee(self.mempool[i]) for i in displaced):
            raise RejectedError("insufficient fee, not above that of what it replaces")
