"""What is signed → the network → completed at Tatum. Exactly once, or said so.

Before anything is sent, the journal says so; the transaction id was known before
that. Only ever the same bytes are sent again. The version that the network has is what
became of a payment: a confirmed one, the newest, or any when the newest is refused.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from airgap_relay.chains.base import Listed
from airgap_relay.lifecycle import Change, Event, Item, State, Trace
from airgap_relay.service.looking import Found, look_up_any
from airgap_relay.service.relay import Relay
from airgap_relay.tatum import Client
from airgap_shared.errors import (
    AirgapError,
    RemoteError,
    RemoteRejectedError,
    RemoteUnavailableError,
    RemoteUncertainError,
)

SIDE_BY_SIDE = 8
"""Requests at a time; Tatum's delay dominates, and its rate limit is kept elsewhere."""

GROUP = 32
"""Items that one durable write covers, before and after they are sent."""

AWAY = frozenset({"remote.unreachable", "remote.busy", "remote.unauthorized"})
"""Codes after which asking for the next item would end the same way."""

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Sent:
    """What one broadcast came to."""

    completed: int
    """Completed now."""
    waiting: int
    """Signed or sent, and not yet completed."""
    uncertain: int
    rejected: int
    """Rejected now."""


def broadcast(relay: Relay, client: Client) -> Sent:
    """Send what is signed, settle what is uncertain, and mark it complete.

    Raises the last remote error when nothing could be reached at all.
    """
    before = _counts(relay)
    trial = _Trial(relay, client)
    trial.recover()
    trial.send_all()
    trial.complete_all()
    after = _counts(relay)
    if trial.unreachable is not None and not trial.reached:
        raise trial.unreachable
    return Sent(
        completed=after[State.COMPLETED] - before[State.COMPLETED],
        waiting=after[State.SIGNED] + after[State.BROADCAST],
        uncertain=after[State.UNCERTAIN],
        rejected=after[State.REJECTED] - before[State.REJECTED],
    )


class _Trial:
    """One attempt to send everything; stops asking once the server is away."""

    def __init__(self, relay: Relay, client: Client) -> None:
        self._relay = relay
        self._client = client
        self._traces: dict[str, list[Trace]] = {}
        self.reached = False
        self.unreachable: RemoteError | None = None

    def recover(self) -> None:
        """Treat what an earlier process was sending as sent, perhaps."""
        self._apply(
            Change(item.id, item.state, (Event.LOSE,))
            for item in self._relay.journal.items(State.BROADCASTING)
        )

    def send_all(self) -> None:
        """Send parents, then their children, many at a time."""
        items = self._relay.journal.items(State.SIGNED, State.UNCERTAIN)
        done = 0
        for wave in self._waves(items):
            for start in range(0, len(wave), GROUP):
                if self.unreachable is not None:
                    return
                group = wave[start : start + GROUP]
                self._send(group)
                done += len(group)
                self._relay.progress("sending", done, len(items))

    def complete_all(self) -> None:
        """Mark as complete what is sent and Tatum has not completed itself."""
        items = self._relay.journal.items(State.BROADCAST)
        for start in range(0, len(items), GROUP):
            if self.unreachable is not None:
                return
            group = items[start : start + GROUP]
            self._apply(_side_by_side(self._complete, group))

    def _waves(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        """Yield items whose parents among ``items`` are on the network by then."""
        waiting = {item.tx_id: item for item in items}
        parents = {item.tx_id: self._parents(item) & waiting.keys() for item in items}
        while True:
            ready = [
                i for id_, i in waiting.items() if not parents[id_] & parents.keys()
            ]
            if not ready:
                return
            yield ready
            now = self._relay.journal.items_by_id(item.id for item in ready)
            for item in ready:
                del waiting[item.tx_id]
                if now[item.id].state in (State.BROADCAST, State.COMPLETED):
                    del parents[item.tx_id]

    def _parents(self, item: Item) -> set[str]:
        _chain, family = self._relay.chain(item.chain)
        return {coin.partition(":")[0] for coin in family.coins(item.payload)}

    def _send(self, group: Sequence[Item]) -> None:
        """Write that they are being sent, send them, write what became of them."""
        self._apply(
            Change(item.id, State.SIGNED, (Event.SEND,))
            for item in group
            if item.state is State.SIGNED
        )
        self._traces = self._relay.journal.traces([item.id for item in group])
        self._apply(_side_by_side(self._outcome, group))

    def _outcome(self, item: Item) -> Change:
        if self.unreachable is not None:
            return self._postponed(item, self.unreachable)
        if item.state is State.UNCERTAIN:
            return self._settle(item)
        try:
            return self._submit(item)
        except RemoteUnavailableError as error:
            self._hear(error)
            return self._postponed(item, error)
        except RemoteRejectedError as error:
            self._hear(error)
            return self._found_or(item, Event.REJECT, error)
        except RemoteUncertainError as error:
            self._hear(error)
            return self._found_or(item, Event.LOSE, error)

    def _submit(self, item: Item) -> Change:
        """Send the stored bytes and believe the answer only for our own id."""
        chain, _family = self._relay.chain(item.chain)
        is_replacing = self._is_replacing(item)
        # A withdrawal that was sent before is no longer one that Tatum would send.
        withdrawal = "" if is_replacing else item.withdrawal_id
        answer = self._client.broadcast(chain, item.signed, item.id, withdrawal)
        self._hear(None)
        if answer.tx_id.lower() == item.tx_id:
            # Tatum may have completed it with the earlier version: tell it again.
            is_done = answer.completed and not is_replacing
            done = (Event.COMPLETE,) if is_done else ()
            return _found(item, answer.tx_id.lower(), done)
        self._relay.note(
            f"ALARM: Tatum says that {item.id} became {answer.tx_id[:64]}, "
            f"it is {item.tx_id}"
        )
        alarm = RemoteError(
            "remote.tx_id", f"Tatum answered transaction id {answer.tx_id[:64]}"
        )
        return _change(item, _lost(item), alarm)

    def _is_replacing(self, item: Item) -> bool:
        """Whether an earlier version was sent."""
        others = (t for t in self._traces[item.id] if t.tx_id != item.tx_id)
        return any(trace.is_sent for trace in others)

    def _settle(self, item: Item) -> Change:
        """Look an uncertain one up; when it is not there, send the same bytes again."""
        found = self._look_up(item)
        if isinstance(found, Found) and _settles(found, item):
            return _found(item, found.tx_id)
        if isinstance(found, RemoteError):
            return _change(item, (), found)
        try:
            return self._submit(item)
        except RemoteUnavailableError as error:
            self._hear(error)
            return _change(item, (), error)
        except RemoteError as error:
            self._hear(error)
            return self._found_or(item, None, error)

    def _found_or(self, item: Item, event: Event | None, error: RemoteError) -> Change:
        """Believe a failure only when no version of it is there."""
        found = self._look_up(item)
        is_rejected = isinstance(error, RemoteRejectedError)
        if isinstance(found, Found) and (is_rejected or _settles(found, item)):
            return _found(item, found.tx_id)
        if event is Event.REJECT and (found is not None or self._is_replacing(item)):
            # Refused, but nobody can say that it is not there, or will not be.
            event = Event.LOSE
        return _change(item, () if event is None else (event,), error)

    def _look_up(self, item: Item) -> Found | RemoteError | None:
        chain, family = self._relay.chain(item.chain)
        found = look_up_any(self._client, chain, family, self._traces[item.id])
        self._hear(found if isinstance(found, RemoteError) else None)
        return found

    def _hear(self, error: RemoteError | None) -> None:
        """Remember whether the server is there, by how a request ended."""
        if error is not None and error.code in AWAY:
            self.unreachable = error
        else:
            self.reached = True

    def _postponed(self, item: Item, error: RemoteError) -> Change:
        events = (Event.POSTPONE,) if item.state is State.SIGNED else ()
        return _change(item, events, error)

    def _complete(self, item: Item) -> Change:
        try:
            complete(self._client, item)
        except RemoteError as error:
            self._hear(error)
            return _change(item, (), error)
        self._hear(None)
        return _change(item, (Event.COMPLETE,))

    def _apply(self, changes: Iterator[Change] | Sequence[Change]) -> None:
        self._relay.journal.apply(list(changes), self._relay.now())


def complete(client: Client, item: Item) -> None:
    """Tell Tatum what an item became; raises what the client does."""
    try:
        client.complete(item.id, item.tx_id)
    except RemoteError as error:
        if error.code in AWAY or not _is_completed(client, item):
            raise
    if item.withdrawal_id:
        client.complete_withdrawal(item.withdrawal_id, item.tx_id)


def _is_completed(client: Client, item: Item) -> bool:
    """Whether Tatum has completed it with our transaction id by itself."""
    try:
        listed = msgspec.json.decode(client.get(item.id), type=Listed)
    except (RemoteError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return listed.tx_id == item.tx_id


def _side_by_side(
    work: Callable[[Item], Outcome], items: Sequence[Item]
) -> list[Outcome]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(work, items))


def _lost(item: Item) -> tuple[Event, ...]:
    """Return what makes an item uncertain, unless it is."""
    return () if item.state is State.UNCERTAIN else (Event.LOSE,)


def _settles(found: Found, item: Item) -> bool:
    """Whether ``found`` says what became of an item.

    An earlier version that still waits does not: the newest one may take its place.
    """
    return found.is_confirmed or found.tx_id == item.tx_id


def _found(item: Item, tx_id: str, done: tuple[Event, ...] = ()) -> Change:
    """Return that the network has the version ``tx_id`` of an item."""
    change = _change(item, (Event.FIND, *done))
    return replace(change, values=dict(change.values) | {"tx_id": tx_id})


def _change(
    item: Item, events: tuple[Event, ...], error: AirgapError | None = None
) -> Change:
    """Return what became of an item, which was marked as being sent before."""
    old = State.BROADCASTING if item.state is State.SIGNED else item.state
    values = {
        "error_code": error.code if error else "",
        "error_message": error.message if error else "",
    }
    return Change(item.id, old, events, values)


def _counts(relay: Relay) -> dict[State, int]:
    counts = dict.fromkeys(State, 0)
    for summary in relay.journal.summaries():
        counts[summary.state] += 1
    return counts
