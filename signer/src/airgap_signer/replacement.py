"""May this item take the place of what was signed before? Pure, over records.

A replacement is safe when whatever it displaces can never be confirmed beside it,
when nobody gets more than before, and when miners prefer it. Only a person asks for
one, by naming the item.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from airgap_shared.errors import RefusalError
from airgap_signer.intent import Intent, Owner
from airgap_signer.memory import Memory, Record, check_pins


def displaced_ids(memory: Memory) -> set[str]:
    """Return the Tatum ids whose every version a replacement has to displace."""
    groups = (*memory.by_tatum_id.values(), *memory.by_coin.values())
    return {record.tatum_id for group in groups for record in group}


def check(memory: Memory, tatum_id: str, intent: Intent) -> tuple[Record, ...]:
    """Return everything that the item displaces.

    ``memory`` holds every version of every displaced Tatum id. Raises
    ``refusal.conflict.claim``, ``refusal.replace.nothing``, ``refusal.replace.coin``,
    ``refusal.replace.destination`` and ``refusal.replace.fee``.
    """
    check_pins(memory, intent.coins)
    spent = {coin.reference for coin in intent.coins}
    touched = {tatum_id} | {
        record.tatum_id for each in spent for record in memory.by_coin.get(each, ())
    }
    displaced = tuple(
        record
        for each in sorted(touched)
        for record in memory.by_tatum_id.get(each, ())
    )
    if not displaced:
        raise RefusalError(
            "refusal.replace.nothing",
            f"item {tatum_id} replaces nothing that was signed here",
            "sign it without --replace",
        )
    for record in displaced:
        if not record.spends(spent):
            raise RefusalError(
                "refusal.replace.coin",
                f"{record.tx_id} of item {record.tatum_id} shares no coin with it: "
                "both could be confirmed",
            )
    _check_payments(intent, displaced)
    _check_fee(intent, displaced)
    return displaced


def contested_ids(batch: Iterable[Sequence[Record]]) -> set[str]:
    """Return the Tatum ids that more than one item of a batch would displace.

    Each of those items shares a coin with what it displaces, but maybe none with
    the other: both could be confirmed, and the payment be made twice.
    """
    counts = Counter(
        each
        for displaced in batch
        for each in {record.tatum_id for record in displaced}
    )
    return {each for each, count in counts.items() if count > 1}


def _check_payments(intent: Intent, displaced: Sequence[Record]) -> None:
    """Refuse to pay anybody more than before; paying ourselves is always allowed."""
    allowed = _sum_of_largest(
        (record.tatum_id, paid.script, paid.amount)
        for record in displaced
        for paid in record.payments
    )
    wanted: dict[bytes, int] = {}
    for payment in intent.payments:
        if payment.owner is Owner.OTHERS:
            wanted[payment.script] = wanted.get(payment.script, 0) + payment.amount
    for script, amount in wanted.items():
        if amount > allowed.get(script, 0) or script not in allowed:
            raise RefusalError(
                "refusal.replace.destination",
                f"it pays {amount} base units to {script.hex()}, "
                f"what it replaces pays {allowed.get(script, 0)}",
            )


def _check_fee(intent: Intent, displaced: Sequence[Record]) -> None:
    """Refuse a fee that nodes would not prefer (BIP-125, rule 3)."""
    fees: dict[str, int] = {}
    for record in displaced:
        fees[record.tatum_id] = max(record.fee, fees.get(record.tatum_id, 0))
    if intent.fee <= sum(fees.values()):
        raise RefusalError(
            "refusal.replace.fee",
            f"its fee of {intent.fee} base units is not above the "
            f"{sum(fees.values())} of what it replaces",
        )


def _sum_of_largest(
    payments: Iterable[tuple[str, bytes, int]],
) -> dict[bytes, int]:
    """Return script -> most that could be paid: one version of each item counts."""
    largest: dict[tuple[str, bytes], int] = {}
    for tatum_id, script, amount in payments:
        key = (tatum_id, script)
        largest[key] = max(amount, largest.get(key, 0))
    allowed: dict[bytes, int] = {}
    for (_, script), amount in largest.items():
        allowed[script] = allowed.get(script, 0) + amount
    return allowed
