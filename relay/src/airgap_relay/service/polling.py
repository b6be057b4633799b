"""Tatum's pending list → journal → what can be exported."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec

from airgap_relay.chains.base import Family, Listed, Pending, decode_pending
from airgap_relay.journal import encode_keys
from airgap_relay.lifecycle import Change, Event, Item, NewItem, State
from airgap_relay.service.looking import Found, look_up
from airgap_relay.service.relay import Relay
from airgap_relay.tatum import Client
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry
from airgap_shared.errors import AirgapError, ContractError, RemoteError, printable
from airgap_shared.limits import MAX_TATUM_JSON_BYTES

GROUP = 200
"""Items prepared in one go: one durable write, and their previous transactions fit
in memory."""

LOOKUPS = 8
"""Previous transactions asked for side by side; the answer's delay dominates."""

MAX_CHAIN_NAME = 16
"""Characters kept of a chain's name that is none of ours."""


@dataclass(frozen=True, slots=True)
class Polled:
    """How many pending transactions Tatum listed, and how many are new."""

    seen: int
    new: int


def poll(
    relay: Relay,
    client: Client,
    codes: Sequence[str],
    wallets: Collection[str] = (),
    transaction_ids: Collection[str] = (),
) -> Polled:
    """Fetch pending transactions into the journal, and prepare what can be.

    Empty ``wallets`` and ``transaction_ids`` mean all.
    """
    manifest = relay.manifest()
    seen = new = 0
    for code in codes:
        chain, _family = relay.chain(code)
        ids = _signature_ids(manifest.entries, chain, wallets)
        listed = _listed(relay, client.pending(chain, ids) if ids else [], chain)
        if transaction_ids:
            listed = [item for item in listed if item.id in transaction_ids]
        seen += len(listed)
        new += relay.journal.add_items(listed, relay.now())
    prepare(relay, client, {e.signature_id: e for e in manifest.entries})
    return Polled(seen, new)


def prepare(relay: Relay, client: Client, entries: Mapping[str, Entry]) -> None:
    """Prepare every item that is SEEN; one that fails never holds up the others."""
    items = relay.journal.items(State.SEEN)
    for start in range(0, len(items), GROUP):
        relay.progress("preparing", start, len(items))
        group = items[start : start + GROUP]
        changes = list(_prepared(relay, client, group, entries))
        relay.journal.apply(changes, relay.now())
    if items:
        relay.progress("preparing", len(items), len(items))


def _signature_ids(
    entries: Sequence[Entry], chain: Chain, wallets: Collection[str]
) -> list[str]:
    return [
        entry.signature_id
        for entry in entries
        if (entry.chain, entry.network) == (chain.code, chain.network)
        and (not wallets or entry.signature_id in wallets)
    ]


def _listed(relay: Relay, answers: Sequence[bytes], chain: Chain) -> list[NewItem]:
    """Return what is pending, each once; what has no readable id is left out."""
    items: dict[str, NewItem] = {}
    for raw in answers:
        try:
            listed = msgspec.json.decode(raw, type=Listed)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            relay.note(f"Tatum lists a {chain.code} transaction without a valid id")
            continue
        if listed.tx_id or listed.id in items:
            continue
        if len(raw) > MAX_TATUM_JSON_BYTES:
            relay.note(
                f"transaction {listed.id} has {len(raw)} bytes, too many to keep"
            )
            continue
        items[listed.id] = NewItem(
            id=listed.id,
            chain=printable(listed.chain, MAX_CHAIN_NAME),
            network=chain.network,
            pending=raw,
            source=hashlib.sha256(raw).hexdigest(),
            withdrawal_id=printable(listed.withdrawal_id or "", 128),
        )
    return list(items.values())


@dataclass(frozen=True, slots=True)
class _Readable:
    """A pending transaction that could be read, and what it needs."""

    item: Item
    pending: Pending
    chain: Chain
    family: Family
    needs: frozenset[str]


def _prepared(
    relay: Relay, client: Client, group: Sequence[Item], entries: Mapping[str, Entry]
) -> Iterator[Change]:
    readable = []
    for item in group:
        try:
            readable.append(_read(relay, item))
        except Exception as error:  # noqa: BLE001 - one item must not hold up the others
            yield _set_aside(item, error)
    found = _previous(client, readable)
    for ready in readable:
        unknown = [e for id_ in ready.needs if isinstance(e := found[id_], RemoteError)]
        if unknown:
            yield _waits(ready.item, unknown[0])
            continue
        previous = {i: b for i in ready.needs if isinstance(b := found[i], bytes)}
        try:
            yield _prepare(ready, previous, entries)
        except Exception as error:  # noqa: BLE001 - likewise
            yield _set_aside(ready.item, error)


def _read(relay: Relay, item: Item) -> _Readable:
    pending = decode_pending(item.pending)
    chain, family = relay.chain(pending.chain)
    return _Readable(item, pending, chain, family, family.needs(pending))


def _previous(
    client: Client, readable: Sequence[_Readable]
) -> dict[str, bytes | RemoteError | None]:
    """Return each needed transaction: its bytes, not found, or why it is not known."""
    wanted = {id_: ready for ready in readable for id_ in ready.needs}

    def fetch(id_: str) -> bytes | RemoteError | None:
        found = look_up(client, wanted[id_].chain, wanted[id_].family, id_)
        return found.data if isinstance(found, Found) else found

    with ThreadPoolExecutor(LOOKUPS) as pool:
        return dict(zip(wanted, pool.map(fetch, wanted), strict=True))


def _prepare(
    ready: _Readable, previous: Mapping[str, bytes], entries: Mapping[str, Entry]
) -> Change:
    prepared = ready.family.prepare(ready.pending, previous, entries, ready.chain)
    values = {
        "payload": prepared.payload,
        "keys": encode_keys(prepared.keys),
        "error_code": "",
        "error_message": "",
    }
    return Change(ready.item.id, State.SEEN, (Event.PREPARE,), values)


def _set_aside(item: Item, error: Exception) -> Change:
    if not isinstance(error, AirgapError):
        what = f"{type(error).__name__} in our own reader"
        error = ContractError("contract.tatum.unreadable", what)
    values = {"error_code": error.code, "error_message": error.message}
    return Change(item.id, State.SEEN, (Event.SET_ASIDE,), values)


def _waits(item: Item, error: RemoteError) -> Change:
    """Keep the item SEEN, and say why."""
    values = {"error_code": error.code, "error_message": error.message}
    return Change(item.id, State.SEEN, (), values)
