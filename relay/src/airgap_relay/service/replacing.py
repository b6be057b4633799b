"""A person's word on what is refused, or is to be paid in another way."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from airgap_relay.chains.base import Bump
from airgap_relay.journal import encode_keys
from airgap_relay.lifecycle import (
    FROZEN,
    Change,
    Event,
    Item,
    Replaces,
    State,
    Version,
)
from airgap_relay.service.relay import Relay
from airgap_shared.errors import RefusalError

NO_ERROR = {"error_code": "", "error_message": "", "error_reported": False}
"""What an item says when it has a new chance: a new error is reported anew."""


def retry(relay: Relay, id_: str) -> State:
    """Give a refused item another chance; raises ``refusal.retry``.

    It is prepared afresh only when every batch that ever held it was answered with
    a refusal: else signed bytes may exist or come, and only the same may be asked for.
    """
    item = relay.item(id_)
    if item.state is not State.REFUSED:
        raise RefusalError(
            "refusal.retry",
            f"transaction {id_} is {item.state.value}, only a refused one is retried",
        )
    if not all(asked.outcome == "refused" for asked in relay.journal.asked(id_)):
        change = Change(id_, State.REFUSED, (Event.ASK_AGAIN,), NO_ERROR)
        relay.journal.apply([change], relay.now())
        return State.PREPARED
    fresh = {"payload": b"", "keys": b"", "version": 0, "replaces": ""}
    values = NO_ERROR | fresh | {"signed": b"", "tx_id": ""}
    change = Change(id_, State.REFUSED, (Event.RETRY,), values)
    relay.journal.apply([change], relay.now())
    return State.SEEN


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of a replacement; nothing means twice the fee rate."""

    fee: int | None = None
    """Base units."""
    fee_rate: int | None = None
    """Base units a virtual byte."""
    is_cancel: bool = False

    @property
    def reason(self) -> Replaces:
        """What the signer is told."""
        return "cancel" if self.is_cancel else "fee"


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another version of an item, before a person has confirmed it."""

    item: Item
    base: Version
    reason: Replaces
    payload: bytes
    fee: int
    old_fee: int

    @property
    def digest(self) -> str:
        """What a person confirms."""
        return hashlib.sha256(self.payload).hexdigest()


def plan_replacement(relay: Relay, id_: str, wish: Wish) -> Replacement:
    """Return the version that is wished for, of an item that was exported.

    Raises ``refusal.replace.*``.
    """
    item = relay.item(id_)
    versions = relay.journal.versions(id_)
    if item.state not in FROZEN or not versions:
        raise RefusalError(
            "refusal.replace.state",
            f"transaction {id_} is {item.state.value}, nothing of it can be replaced",
            "retry or cancel it",
        )
    chain, family = relay.chain(item.chain)
    base = _current(item, versions)
    fees = tuple(family.fee(version.payload) for version in versions)
    paying = frozenset(key.signature_id for key in base.keys)
    bump = Bump(fees, paying, wish.fee, wish.fee_rate, wish.is_cancel)
    entries = {entry.signature_id: entry for entry in relay.manifest().entries}
    made = family.replace(base.payload, bump, entries, chain)
    return Replacement(item, base, wish.reason, made.payload, made.fee, max(fees))


def replace(relay: Relay, plan: Replacement) -> None:
    """Put the planned version in the place of the one before; it waits for export."""
    values = NO_ERROR | {
        "payload": plan.payload,
        "keys": encode_keys(plan.base.keys),
        "replaces": plan.reason,
        "version": 0,
        "signed": b"",
    }
    change = Change(plan.item.id, plan.item.state, (Event.REPLACE,), values)
    relay.journal.apply([change], relay.now())


def _current(item: Item, versions: Sequence[Version]) -> Version:
    """Return the version that the item is now, or was last."""
    numbered = {version.number: version for version in versions}
    return numbered.get(item.version, versions[-1])
