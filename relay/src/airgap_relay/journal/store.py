"""The relay's memory: what it knows and how that changes.

Everything is written here before it has an effect outside. A change of state names
the state that it was decided on, and fails when that is no longer the one stored, so
that nothing is ever sent or exported twice by two processes. Groups of changes are
one durable transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from airgap_relay.batching import Batch, Peer, StoredManifest
from airgap_relay.journal.errors import journal_errors
from airgap_relay.journal.rows import find_row, item_of, version_of, with_state
from airgap_relay.journal.tables import (
    ASKED,
    BATCH,
    COIN,
    HEAD,
    HISTORY,
    ITEM,
    MANIFEST,
    PEER,
    RECEIPT,
    VERSION,
)
from airgap_relay.journal.writing import add_heads, apply, freeze, note, note_outcome
from airgap_relay.lifecycle import (
    FAILED,
    Asked,
    Change,
    Event,
    Export,
    Item,
    NewItem,
    Outcome,
    State,
    Summary,
    Trace,
    Version,
)
from airgap_shared.documents import Head

_TO_TELL = ITEM.c.state + " " + ITEM.c.tx_id
"""What a receipt says of an item, to be compared with what was said before."""

MAX_VALUES = 500
"""Values in one query; SQLite takes 32,766, older ones 999."""

_SUMMARY = tuple(field.name for field in fields(Summary))


class Journal:
    """All tables of one relay, behind one engine."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use ``engine``, whose tables are there."""
        self._engine = engine

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()

    def add_items(self, items: Sequence[NewItem], at: int) -> int:
        """Store those of ``items`` that are new, as SEEN; return how many."""
        with self._begin() as connection:
            new = [item for item in items if find_row(connection, item.id) is None]
            if new:
                common = {"state": State.SEEN.value, "created": at, "updated": at}
                rows = [asdict(item) | common for item in new]
                connection.execute(sa.insert(ITEM), rows)
                note(connection, [(item.id, State.SEEN) for item in new], at)
        return len(new)

    def apply(self, changes: Sequence[Change], at: int) -> None:
        """Make all ``changes`` or none; raises ``journal.conflict``."""
        with self._begin() as connection:
            apply(connection, changes, at)

    def items(self, *states: State) -> list[Item]:
        """Return the items in one of ``states``, oldest first."""
        names = [state.value for state in states]
        query = sa.select(ITEM).where(ITEM.c.state.in_(names))
        return [item_of(row) for row in self._rows(query.order_by(ITEM.c.number))]

    def waiting_for_signature(self, now: int) -> list[Item]:
        """Return what is prepared, or lies in a batch that expired unanswered."""
        lost = sa.select(BATCH.c.id).where(
            BATCH.c.expires <= now, BATCH.c.answered.is_(None)
        )
        in_lost = sa.and_(ITEM.c.state == State.EXPORTED.value, ITEM.c.batch.in_(lost))
        query = sa.select(ITEM).where(
            sa.or_(ITEM.c.state == State.PREPARED.value, in_lost)
        )
        return [item_of(row) for row in self._rows(query.order_by(ITEM.c.number))]

    def unreported(self) -> list[Item]:
        """Return the failed items that Tatum was not told of yet."""
        failed = [state.value for state in FAILED]
        query = sa.select(ITEM).where(
            ITEM.c.state.in_(failed), ITEM.c.error_reported.is_(False)
        )
        return [item_of(row) for row in self._rows(query.order_by(ITEM.c.number))]

    def item(self, id_: str) -> Item | None:
        """Return one item."""
        return self.items_by_id([id_]).get(id_)

    def items_by_id(self, ids: Iterable[str]) -> dict[str, Item]:
        """Return those of ``ids`` that are known."""
        with self._begin() as connection:
            rows = (find_row(connection, id_) for id_ in ids)
            return {row["id"]: item_of(row) for row in rows if row is not None}

    def summaries(self) -> list[Summary]:
        """Return every item in short, oldest first."""
        columns = [ITEM.c[name] for name in _SUMMARY]
        rows = self._rows(sa.select(*columns).order_by(ITEM.c.number))
        return [Summary(**with_state(row)) for row in rows]

    def history(self, id_: str) -> list[tuple[State, int]]:
        """Return the states of an item and when it came to them."""
        query = sa.select(HISTORY.c.state, HISTORY.c.at)
        query = query.where(HISTORY.c.item == id_).order_by(HISTORY.c.number)
        return [(State(row["state"]), row["at"]) for row in self._rows(query)]

    def next_sequence(self) -> int:
        """Return the number of the next batch."""
        query = sa.select(sa.func.coalesce(sa.func.max(BATCH.c.sequence), 0))
        with self._begin() as connection:
            return int(connection.execute(query).scalar_one()) + 1

    def add_batch(self, batch: Batch, exports: Sequence[Export]) -> None:
        """Store a batch and the export of its items, before any file is written."""
        with self._begin() as connection:
            connection.execute(sa.insert(BATCH), [asdict(batch)])
            for export in exports:
                number = export.item.version or freeze(connection, export, batch)
                asked = {"batch": batch.id, "item": export.item.id, "version": number}
                connection.execute(sa.insert(ASKED), [asked])
                values = {"batch": batch.id, "version": number}
                values["replaces"] = export.replaces
                events = (Event.EXPORT,)
                change = Change(export.item.id, export.item.state, events, values)
                apply(connection, [change], batch.created)

    def batch(self, id_: str) -> Batch | None:
        """Return one batch."""
        rows = self._rows(sa.select(BATCH).where(BATCH.c.id == id_))
        return Batch(**rows[0]) if rows else None

    def answer_batch(
        self,
        id_: str,
        outcomes: Sequence[Outcome],
        changes: Sequence[Change],
        heads: Mapping[int, Head],
        at: int,
    ) -> None:
        """Store a signer's answer: what it signed and refused, and its journal."""
        with self._begin() as connection:
            for outcome in outcomes:
                note_outcome(connection, id_, outcome)
            apply(connection, changes, at)
            add_heads(connection, heads)
            connection.execute(
                sa.update(BATCH)
                .where(BATCH.c.id == id_, BATCH.c.answered.is_(None))
                .values(answered=at)
            )

    def versions(self, id_: str) -> list[Version]:
        """Return every payload of an item that was ever in a batch, oldest first."""
        query = sa.select(VERSION).where(VERSION.c.item == id_)
        return [version_of(row) for row in self._rows(query.order_by(VERSION.c.number))]

    def version(self, number: int) -> Version | None:
        """Return one version."""
        rows = self._rows(sa.select(VERSION).where(VERSION.c.number == number))
        return version_of(rows[0]) if rows else None

    def traces(self, ids: Sequence[str]) -> dict[str, list[Trace]]:
        """Return the signed versions of each of ``ids``, newest first."""
        columns = VERSION.c.item, VERSION.c.tx_id, VERSION.c.is_sent
        query = sa.select(*columns).where(
            VERSION.c.item.in_(ids), VERSION.c.tx_id != ""
        )
        traces: dict[str, list[Trace]] = {id_: [] for id_ in ids}
        for row in self._rows(query.order_by(VERSION.c.number.desc())):
            traces[row["item"]].append(Trace(**row))
        return traces

    def asked(self, id_: str) -> list[Asked]:
        """Return every batch that an item was in, and how it was answered."""
        rows = self._rows(sa.select(ASKED).where(ASKED.c.item == id_))
        return [Asked(**row) for row in rows]

    def asked_in(self, batch: str) -> dict[str, Asked]:
        """Return the items of a batch."""
        rows = self._rows(sa.select(ASKED).where(ASKED.c.batch == batch))
        return {row["item"]: Asked(**row) for row in rows}

    def spenders(self, coins: Iterable[str]) -> dict[str, set[str]]:
        """Return for each of ``coins`` the items that may be signed to spend it.

        That is every item that was in a batch which did not refuse it.
        """
        wanted = list(coins)
        found: dict[str, set[str]] = {coin: set() for coin in wanted}
        query = (
            sa.select(COIN.c.reference, ASKED.c.item)
            .join(ASKED, ASKED.c.version == COIN.c.version)
            .where(ASKED.c.outcome != "refused")
        )
        for start in range(0, len(wanted), MAX_VALUES):
            part = wanted[start : start + MAX_VALUES]
            for row in self._rows(query.where(COIN.c.reference.in_(part))):
                found[row["reference"]].add(row["item"])
        return found

    def untold(self, limit: int) -> list[Item]:
        """Return the items of batches that changed since the signer was told."""
        in_batches = sa.select(ASKED.c.item)
        query = (
            sa.select(ITEM)
            .where(ITEM.c.id.in_(in_batches), ITEM.c.told != _TO_TELL)
            .order_by(ITEM.c.updated, ITEM.c.number)
            .limit(limit)
        )
        return [item_of(row) for row in self._rows(query)]

    def next_receipt(self) -> int:
        """Return the number of the next receipt."""
        query = sa.select(sa.func.coalesce(sa.func.max(RECEIPT.c.number), 0))
        with self._begin() as connection:
            return int(connection.execute(query).scalar_one()) + 1

    def add_receipt(self, number: int, document: bytes, items: Sequence[Item]) -> None:
        """Store a receipt and that its items were told, before any file is written."""
        with self._begin() as connection:
            row = {"number": number, "document": document}
            connection.execute(sa.insert(RECEIPT), [row])
            for item in items:
                told = f"{item.state.value} {item.tx_id}"
                update = sa.update(ITEM).where(ITEM.c.id == item.id)
                connection.execute(update.values(told=told))

    def receipt(self, number: int) -> bytes | None:
        """Return an earlier receipt."""
        query = sa.select(RECEIPT.c.document).where(RECEIPT.c.number == number)
        rows = self._rows(query)
        return bytes(rows[0]["document"]) if rows else None

    def heads(self, lowest: int, highest: int) -> dict[int, str]:
        """Return the signer's journal heads known in a range of heights."""
        query = sa.select(HEAD).where(HEAD.c.height.between(lowest, highest))
        return {row["height"]: row["head"] for row in self._rows(query)}

    def last_head(self) -> Head | None:
        """Return the highest head that the signer has signed."""
        query = sa.select(HEAD).where(HEAD.c.signature != "")
        rows = self._rows(query.order_by(HEAD.c.height.desc()).limit(1))
        return Head(**rows[0]) if rows else None

    def peer(self, role: str) -> Peer | None:
        """Return whom this relay trusts in ``role``."""
        rows = self._rows(sa.select(PEER).where(PEER.c.role == role))
        return Peer(**rows[0]) if rows else None

    def add_peer(self, peer: Peer) -> None:
        """Trust ``peer`` from now on."""
        with self._begin() as connection:
            connection.execute(sa.insert(PEER), [asdict(peer)])

    def manifest(self) -> StoredManifest | None:
        """Return the last manifest."""
        query = sa.select(MANIFEST).order_by(MANIFEST.c.number.desc()).limit(1)
        rows = self._rows(query)
        return StoredManifest(**rows[0]) if rows else None

    def add_manifest(self, manifest: StoredManifest, head: Head) -> None:
        """Store the newest manifest and the head that it vouches for."""
        with self._begin() as connection:
            connection.execute(sa.delete(MANIFEST))
            connection.execute(sa.insert(MANIFEST), [asdict(manifest)])
            add_heads(connection, {head.height: head})

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        with journal_errors(), self._engine.begin() as connection:
            yield connection

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        with self._begin() as connection:
            return connection.execute(query).mappings().all()
