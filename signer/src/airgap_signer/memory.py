"""What was signed before, and what that forbids. Pure, over records.

SIGNED BYTES STAY VALID UNTIL SOMETHING CONFLICTING IS CONFIRMED: expiry, receipts
and cancellation revoke nothing. So the same request is answered from the record,
and anything else that touches a Tatum id or a coin already signed is a conflict.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from airgap_shared.errors import AirgapError, RefusalError, SafetyError
from airgap_signer.intent import Coin


@dataclass(frozen=True, slots=True)
class SpentCoin:
    """A coin of a signed item, with what was said of it then: pinned for ever."""

    reference: str
    amount: int
    script: bytes


@dataclass(frozen=True, slots=True)
class Paid:
    """What a signed item pays to others."""

    script: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Record:
    """One item that was signed."""

    tatum_id: str
    chain: str
    network: str
    request: str
    """Digest of the payload and all claims: the same request or not."""
    tx_id: str
    signed: bytes
    fee: int
    coins: tuple[SpentCoin, ...]
    payments: tuple[Paid, ...]
    """To others alone."""

    def spends(self, references: Collection[str]) -> bool:
        """Whether it spends one of these coins, so that only one can be confirmed."""
        return any(coin.reference in references for coin in self.coins)


@dataclass(frozen=True, slots=True)
class Memory:
    """The records that touch a batch, and what its earlier items spend."""

    by_tatum_id: Mapping[str, Sequence[Record]]
    by_coin: Mapping[str, Sequence[Record]]


def answered(memory: Memory, tatum_id: str, request: str) -> Record | None:
    """Return the record that answers this very request; ``None`` when it is new."""
    versions = memory.by_tatum_id.get(tatum_id, ())
    return next((record for record in versions if record.request == request), None)


def check_new(memory: Memory, tatum_id: str, coins: Sequence[Coin]) -> None:
    """Refuse an item that touches what was signed before.

    Raises ``refusal.conflict.tatum_id``, ``refusal.conflict.coin`` and, when a
    coin is described otherwise than before, ``refusal.conflict.claim``.
    """
    check_pins(memory, coins)
    for record in memory.by_tatum_id.get(tatum_id, ()):
        raise _conflict("tatum_id", f"Tatum id {tatum_id}", record)
    for coin in coins:
        for record in memory.by_coin.get(coin.reference, ()):
            raise _conflict("coin", f"coin {coin.reference}", record)


def repeated_coins(batch: Sequence[Sequence[Coin]]) -> dict[str, int]:
    """Return each coin that more than one item of the batch spends, with its count."""
    counts: dict[str, int] = {}
    for coins in batch:
        for coin in coins:
            counts[coin.reference] = counts.get(coin.reference, 0) + 1
    return {reference: count for reference, count in counts.items() if count > 1}


def check_clock(now: int, last: int) -> None:
    """Refuse a clock behind the last journal entry; raises ``safety.clock``."""
    if now < last:
        raise SafetyError(
            "safety.clock",
            f"this machine's clock is {last - now} s behind the last journal entry",
            "set the clock; expiry and limits depend on it",
        )


def check_pins(memory: Memory, coins: Sequence[Coin]) -> None:
    """Refuse a coin that is described otherwise than before.

    Raises ``refusal.conflict.claim``.
    """
    for coin in coins:
        for record in memory.by_coin.get(coin.reference, ()):
            for spent in record.coins:
                said = (spent.amount, spent.script)
                if spent.reference == coin.reference and said != (
                    coin.amount,
                    coin.script,
                ):
                    raise _conflict(
                        "claim",
                        f"coin {coin.reference} is said to be {coin.amount}, "
                        f"it was {spent.amount} or of another script",
                        record,
                    )


def _conflict(reason: str, what: str, record: Record) -> AirgapError:
    return RefusalError(
        f"refusal.conflict.{reason}",
        f"{what} conflicts with item {record.tatum_id}, "
        f"already signed as {record.tx_id}",
        "what was signed stays valid; only a replacement that a person asks for "
        "may take its place",
    )
