"""A person's word on how a payment ends: given up, or found to be paid.

SIGNED BYTES STAY VALID. An item that was exported is given up only when the signer
refused it in every batch, or when a transaction that conflicts with all of its
versions is in a block.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from airgap_relay.lifecycle import Change, Event, Item, State, Version
from airgap_relay.service.looking import Found, look_up, look_up_any
from airgap_relay.service.relay import Relay
from airgap_relay.service.replacing import NO_ERROR
from airgap_relay.service.sending import complete
from airgap_relay.tatum import Client
from airgap_shared.errors import (
    RefusalError,
    RemoteError,
    RemoteRejectedError,
    UsageError,
)

OPEN = frozenset({State.UNCERTAIN, State.BROADCASTING})
"""States that a person may settle."""

_TX_ID = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class Cancellation:
    """How an item may be given up, before a person has confirmed it."""

    item: Item
    reverts: bool
    """Whether a withdrawal is given back: only when it was never exported."""
    conflict: str
    """The confirmed transaction that makes it impossible, where one is needed."""

    @property
    def digest(self) -> str:
        """What a person confirms."""
        return _digest("cancel", self.item.id, self.conflict)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What an uncertain item became."""

    item: Item
    tx_id: str
    is_found: bool
    """The network has it; otherwise a person vouches for it."""

    @property
    def digest(self) -> str:
        """What a person confirms."""
        return _digest("sent", self.item.id, self.tx_id)


def plan_cancellation(
    relay: Relay, client: Client, id_: str, conflict: str = ""
) -> Cancellation:
    """Return how an item can be given up; raises ``refusal.cancel.*``."""
    item = relay.item(id_)
    asked = relay.journal.asked(id_)
    if not conflict and all(each.outcome == "refused" for each in asked):
        return Cancellation(item, reverts=not asked, conflict="")
    versions = _signable(relay, id_)
    if conflict:
        _require_proof(relay, client, item, versions, conflict)
        return Cancellation(item, reverts=not asked, conflict=conflict)
    return Cancellation(
        item, reverts=False, conflict=_known_conflict(relay, client, item, versions)
    )


def cancel(relay: Relay, client: Client, plan: Cancellation) -> None:
    """Give an item up, here first: from then on it is never signed nor sent.

    May be repeated when Tatum was not told.
    """
    item = plan.item
    if item.state is not State.CANCELLED:
        change = Change(item.id, item.state, (Event.CANCEL,), NO_ERROR)
        relay.journal.apply([change], relay.now())
    try:
        client.cancel(item.id, revert=plan.reverts)
    except RemoteError as error:
        if isinstance(error, RemoteRejectedError) and _is_gone(client, item.id):
            return
        error.hint = "it is cancelled here; run the same command again to tell Tatum"
        raise


def plan_settlement(
    relay: Relay, client: Client, id_: str, sent: str = ""
) -> Settlement:
    """Return what an uncertain item became; ``sent`` is a person's word for it.

    Raises ``refusal.resolve.*``.
    """
    item = require_open(relay, id_)
    traces = relay.journal.traces([id_])[id_]
    if sent and sent not in {trace.tx_id for trace in traces}:
        raise RefusalError(
            "refusal.resolve.tx_id",
            f"{sent[:64]!r} is none of the transactions that {id_} was signed as",
        )
    chain, family = relay.chain(item.chain)
    found = look_up_any(client, chain, family, traces)
    if isinstance(found, Found):
        if sent not in ("", found.tx_id):
            raise RefusalError(
                "refusal.resolve.tx_id", f"the network has {found.tx_id} instead"
            )
        return Settlement(item, found.tx_id, is_found=True)
    if sent:
        return Settlement(item, sent, is_found=False)
    if found is not None:
        raise found
    raise RefusalError(
        "refusal.resolve.open",
        f"the network has no version of {id_}, and may still get one",
        "airgap-relay broadcast sends it again; --sent TXID or --conflict TXID settle "
        "it by hand",
    )


def settle(relay: Relay, client: Client, plan: Settlement) -> None:
    """Take the item for sent, and tell Tatum what it became."""
    item = replace(plan.item, state=State.BROADCAST, tx_id=plan.tx_id)
    values = NO_ERROR | {"tx_id": plan.tx_id}
    found = Change(item.id, plan.item.state, (Event.FIND,), values)
    relay.journal.apply([found], relay.now())
    complete(client, item)
    done = Change(item.id, State.BROADCAST, (Event.COMPLETE,))
    relay.journal.apply([done], relay.now())


def require_open(relay: Relay, id_: str) -> Item:
    """Return an item that a person may settle; raises ``refusal.resolve.state``."""
    item = relay.item(id_)
    if item.state not in OPEN:
        raise RefusalError(
            "refusal.resolve.state",
            f"transaction {id_} is {item.state.value}, only an uncertain one is "
            "settled by hand",
        )
    return item


def _signable(relay: Relay, id_: str) -> list[Version]:
    """Return the versions that are signed, or may still be."""
    open_ = {a.version for a in relay.journal.asked(id_) if a.outcome != "refused"}
    return [v for v in relay.journal.versions(id_) if v.number in open_]


def _known_conflict(
    relay: Relay, client: Client, item: Item, versions: Sequence[Version]
) -> str:
    """Return a transaction of ours that is confirmed in the place of ``item``."""
    unknown: RemoteError | None = None
    for tx_id in _candidates(relay, item, versions):
        found = _look_up(relay, client, item, tx_id)
        if isinstance(found, RemoteError):
            unknown = found
        elif found is not None and found.is_confirmed:
            if _is_payment(versions, tx_id):
                raise RefusalError(
                    "refusal.cancel.paid",
                    f"{tx_id} of transaction {item.id} is confirmed: it was paid",
                )
            if _displaces(relay, item, versions, found):
                return tx_id
    if unknown is not None:
        raise unknown
    raise RefusalError(
        "refusal.cancel.exported",
        f"transaction {item.id} was exported: it is signed, or may still be, and "
        "signed bytes stay valid",
        "airgap-relay replace --cancel pays it back; --conflict TXID names a confirmed "
        "transaction that spends its coins",
    )


def _candidates(relay: Relay, item: Item, versions: Sequence[Version]) -> Iterator[str]:
    """Yield the ids of what may have been confirmed: this item first, then others."""
    yield from (version.tx_id for version in versions if version.tx_id)
    _chain, family = relay.chain(item.chain)
    coins = {coin for version in versions for coin in family.coins(version.payload)}
    others = set().union(*relay.journal.spenders(coins).values()) - {item.id}
    for traces in relay.journal.traces(sorted(others)).values():
        yield from (trace.tx_id for trace in traces)


def _require_proof(
    relay: Relay,
    client: Client,
    item: Item,
    versions: Sequence[Version],
    conflict: str,
) -> None:
    """Accept ``conflict`` only when it is confirmed and displaces ``item``."""
    if not _TX_ID.match(conflict):
        raise UsageError("usage.tx_id", f"{conflict[:64]!r} is no transaction id")
    found = _look_up(relay, client, item, conflict)
    if isinstance(found, RemoteError):
        raise found
    if found is None:
        raise _no_conflict(conflict, "Tatum does not know it")
    if not found.is_confirmed:
        raise _no_conflict(conflict, "it is not confirmed yet")
    if _is_payment(versions, conflict):
        raise _no_conflict(conflict, "it is this payment itself")
    if not _displaces(relay, item, versions, found):
        raise _no_conflict(conflict, "it does not spend a coin of every version")


def _no_conflict(tx_id: str, why: str) -> RefusalError:
    return RefusalError(
        "refusal.cancel.conflict", f"{tx_id} does not rule the payment out: {why}"
    )


def _is_payment(versions: Sequence[Version], tx_id: str) -> bool:
    """Whether ``tx_id`` is a version that pays others."""
    return any(v.tx_id == tx_id and v.replaces != "cancel" for v in versions)


def _displaces(
    relay: Relay, item: Item, versions: Sequence[Version], found: Found
) -> bool:
    """Whether no version but itself can be confirmed beside ``found``."""
    _chain, family = relay.chain(item.chain)
    spent = family.spends(found.data)
    others = [version for version in versions if version.tx_id != found.tx_id]
    return all(spent & family.coins(version.payload) for version in others)


def _look_up(
    relay: Relay, client: Client, item: Item, tx_id: str
) -> Found | RemoteError | None:
    chain, family = relay.chain(item.chain)
    return look_up(client, chain, family, tx_id)


def _is_gone(client: Client, id_: str) -> bool:
    """Whether Tatum has no such pending transaction any more."""
    try:
        client.get(id_)
    except RemoteRejectedError:
        return True
    except RemoteError:
        return False
    return False


def _digest(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()
