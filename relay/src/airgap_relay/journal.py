"""The relay's memory: the only module that speaks SQL.

Everything is written here before it has an effect outside. A change of state names
the state that it was decided on, and fails when that is no longer the one stored, so
that nothing is ever sent or exported twice by two processes. Groups of changes are
one durable transaction.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from airgap_relay.batching import Batch, Peer, StoredManifest
from airgap_relay.lifecycle import (
    FAILED,
    Change,
    Item,
    NewItem,
    State,
    Summary,
    advance,
)
from airgap_shared.documents import Head, KeyReference
from airgap_shared.errors import AirgapError, FileError, JournalError

SCHEMA_VERSION = 1
"""Grows with every change of the tables below; another version is refused."""

BUSY_MILLISECONDS = 10_000
"""How long SQLite waits for another process; its transactions take milliseconds."""

_META = sa.MetaData()


def _key(name: str, kind: type[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String, nullable=False, default="") for name in names]


def _bytes(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(n, sa.LargeBinary, nullable=False, default=b"") for n in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


_SETTING = sa.Table("setting", _META, _key("name", sa.String), *_bytes("value"))
_PEER = sa.Table(
    "peer", _META, _key("role", sa.String), *_texts("key", "fingerprint", "name")
)
_MANIFEST = sa.Table(
    "manifest",
    _META,
    _key("number", sa.BigInteger),
    *_texts("fingerprint"),
    *_bytes("document"),
)
_HEAD = sa.Table(
    "head", _META, _key("height", sa.BigInteger), *_texts("head", "signature")
)
_BATCH = sa.Table(
    "batch",
    _META,
    _key("id", sa.String),
    sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
    *_numbers("created", "expires"),
    *_texts("fingerprint"),
    *_bytes("document"),
    sa.Column("answered", sa.BigInteger),
)
_ITEM = sa.Table(
    "item",
    _META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("state", sa.String, nullable=False, index=True),
    *_texts("chain", "network", "source", "withdrawal_id", "batch", "tx_id"),
    *_texts("error_code", "error_message"),
    *_bytes("pending", "payload", "keys", "signed"),
    sa.Column("error_reported", sa.Boolean, nullable=False, default=False),
    *_numbers("created", "updated"),
)
_HISTORY = sa.Table(
    "history",
    _META,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("item", sa.String, nullable=False, index=True),
    *_texts("state"),
    *_numbers("at"),
)

_Keys = tuple[KeyReference, ...]
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
            new = [item for item in items if _row(connection, item.id) is None]
            if new:
                common = {"state": State.SEEN.value, "created": at, "updated": at}
                rows = [asdict(item) | common for item in new]
                connection.execute(sa.insert(_ITEM), rows)
                _note(connection, [(item.id, State.SEEN) for item in new], at)
        return len(new)

    def apply(self, changes: Sequence[Change], at: int) -> None:
        """Make all ``changes`` or none; raises ``journal.conflict``."""
        with self._begin() as connection:
            _apply(connection, changes, at)

    def items(self, *states: State) -> list[Item]:
        """Return the items in one of ``states``, oldest first."""
        names = [state.value for state in states]
        query = sa.select(_ITEM).where(_ITEM.c.state.in_(names))
        return [_item(row) for row in self._rows(query.order_by(_ITEM.c.number))]

    def waiting_for_signature(self, now: int) -> list[Item]:
        """Return what is prepared, or lies in a batch that expired unanswered."""
        lost = sa.select(_BATCH.c.id).where(
            _BATCH.c.expires <= now, _BATCH.c.answered.is_(None)
        )
        in_lost = sa.and_(
            _ITEM.c.state == State.EXPORTED.value, _ITEM.c.batch.in_(lost)
        )
        query = sa.select(_ITEM).where(
            sa.or_(_ITEM.c.state == State.PREPARED.value, in_lost)
        )
        return [_item(row) for row in self._rows(query.order_by(_ITEM.c.number))]

    def unreported(self) -> list[Item]:
        """Return the failed items that Tatum was not told of yet."""
        failed = [state.value for state in FAILED]
        query = sa.select(_ITEM).where(
            _ITEM.c.state.in_(failed), _ITEM.c.error_reported.is_(False)
        )
        return [_item(row) for row in self._rows(query.order_by(_ITEM.c.number))]

    def item(self, id_: str) -> Item | None:
        """Return one item."""
        return self.items_by_id([id_]).get(id_)

    def items_by_id(self, ids: Iterable[str]) -> dict[str, Item]:
        """Return those of ``ids`` that are known."""
        with self._begin() as connection:
            rows = (_row(connection, id_) for id_ in ids)
            return {row["id"]: _item(row) for row in rows if row is not None}

    def summaries(self) -> list[Summary]:
        """Return every item in short, oldest first."""
        columns = [_ITEM.c[name] for name in _SUMMARY]
        rows = self._rows(sa.select(*columns).order_by(_ITEM.c.number))
        return [Summary(**_with_state(row)) for row in rows]

    def history(self, id_: str) -> list[tuple[State, int]]:
        """Return the states of an item and when it came to them."""
        query = sa.select(_HISTORY.c.state, _HISTORY.c.at)
        query = query.where(_HISTORY.c.item == id_).order_by(_HISTORY.c.number)
        return [(State(row["state"]), row["at"]) for row in self._rows(query)]

    def next_sequence(self) -> int:
        """Return the number of the next batch."""
        query = sa.select(sa.func.coalesce(sa.func.max(_BATCH.c.sequence), 0))
        with self._begin() as connection:
            return int(connection.execute(query).scalar_one()) + 1

    def add_batch(self, batch: Batch, changes: Sequence[Change]) -> None:
        """Store a batch and the export of its items, before any file is written."""
        with self._begin() as connection:
            connection.execute(sa.insert(_BATCH), [asdict(batch)])
            _apply(connection, changes, batch.created)

    def batch(self, id_: str) -> Batch | None:
        """Return one batch."""
        rows = self._rows(sa.select(_BATCH).where(_BATCH.c.id == id_))
        return Batch(**rows[0]) if rows else None

    def answer_batch(
        self, id_: str, changes: Sequence[Change], heads: Mapping[int, Head], at: int
    ) -> None:
        """Store a signer's answer: what it signed and refused, and its journal."""
        with self._begin() as connection:
            _apply(connection, changes, at)
            _add_heads(connection, heads)
            connection.execute(
                sa.update(_BATCH)
                .where(_BATCH.c.id == id_, _BATCH.c.answered.is_(None))
                .values(answered=at)
            )

    def heads(self, lowest: int, highest: int) -> dict[int, str]:
        """Return the signer's journal heads known in a range of heights."""
        query = sa.select(_HEAD).where(_HEAD.c.height.between(lowest, highest))
        return {row["height"]: row["head"] for row in self._rows(query)}

    def last_head(self) -> Head | None:
        """Return the highest head that the signer has signed."""
        query = sa.select(_HEAD).where(_HEAD.c.signature != "")
        rows = self._rows(query.order_by(_HEAD.c.height.desc()).limit(1))
        return Head(**rows[0]) if rows else None

    def peer(self, role: str) -> Peer | None:
        """Return whom this relay trusts in ``role``."""
        rows = self._rows(sa.select(_PEER).where(_PEER.c.role == role))
        return Peer(**rows[0]) if rows else None

    def add_peer(self, peer: Peer) -> None:
        """Trust ``peer`` from now on."""
        with self._begin() as connection:
            connection.execute(sa.insert(_PEER), [asdict(peer)])

    def manifest(self) -> StoredManifest | None:
        """Return the last manifest."""
        query = sa.select(_MANIFEST).order_by(_MANIFEST.c.number.desc()).limit(1)
        rows = self._rows(query)
        return StoredManifest(**rows[0]) if rows else None

    def add_manifest(self, manifest: StoredManifest, head: Head) -> None:
        """Store the newest manifest and the head that it vouches for."""
        with self._begin() as connection:
            connection.execute(sa.delete(_MANIFEST))
            connection.execute(sa.insert(_MANIFEST), [asdict(manifest)])
            _add_heads(connection, {head.height: head})

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        with _journal_errors(), self._engine.begin() as connection:
            yield connection

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        with self._begin() as connection:
            return connection.execute(query).mappings().all()


def create(path: Path) -> Journal:
    """Make an empty journal at ``path``, or take one that ``init`` left behind."""
    engine = _engine(path)
    with _journal_errors(), engine.begin() as connection:
        if not sa.inspect(connection).has_table(_SETTING.name):
            _META.create_all(connection)
            row = {"name": "schema", "value": str(SCHEMA_VERSION).encode()}
            connection.execute(sa.insert(_SETTING), [row])
    path.chmod(0o600)
    return Journal(engine)


def open_(path: Path) -> Journal:
    """Return the journal at ``path``.

    Raises ``journal.missing``, ``journal.damaged`` and ``journal.version``.
    """
    if not path.is_file():
        raise JournalError(
            "journal.missing",
            f"the journal {path} is missing",
            "restore it; a relay without its journal would send things twice",
        )
    engine = _engine(path)
    with _journal_errors(), engine.begin() as connection:
        if not sa.inspect(connection).has_table(_SETTING.name):
            raise JournalError("journal.damaged", f"{path} is no journal of a relay")
        query = sa.select(_SETTING.c.value).where(_SETTING.c.name == "schema")
        found = connection.execute(query).scalar_one_or_none()
    if found != str(SCHEMA_VERSION).encode():
        raise JournalError(
            "journal.version",
            f"the journal has schema {(found or b'?').decode('ascii', 'replace')}, "
            f"this program uses {SCHEMA_VERSION}",
            "use the version of Airgap KMS that wrote it",
        )
    return Journal(engine)


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"isolation_level": None},
    )
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: DBAPIConnection, _record: object) -> None:
    """Make commits durable: FULL syncs the log before each commit returns."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _on_begin(connection: sa.Connection) -> None:
    """Take the write lock at once: what was read cannot change before the write."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _journal_errors() -> Iterator[None]:
    """Name the database's failures; the machine's full disk is not the journal's."""
    try:
        yield
    except AirgapError:
        raise
    except SQLAlchemyError as error:
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        if "full" in text:
            raise FileError(
                "file.disk_full", "no space left for the journal"
            ) from error
        raise JournalError("journal.database", f"the journal fails: {text}") from error


def _apply(connection: sa.Connection, changes: Sequence[Change], at: int) -> None:
    reached = []
    for change in changes:
        new = advance(change.old, *change.events)
        done = connection.execute(
            sa.update(_ITEM)
            .where(_ITEM.c.id == change.id, _ITEM.c.state == change.old.value)
            .values(state=new.value, updated=at, **change.values)
        )
        if done.rowcount != 1:
            raise JournalError(
                "journal.conflict",
                f"transaction {change.id} is no longer {change.old.value}",
                "another process is at work on this journal; try again",
            )
        if change.events:
            reached.append((change.id, new))
    _note(connection, reached, at)


def _note(
    connection: sa.Connection, reached: Sequence[tuple[str, State]], at: int
) -> None:
    rows = [{"item": id_, "state": state.value, "at": at} for id_, state in reached]
    if rows:
        connection.execute(sa.insert(_HISTORY), rows)


def _add_heads(connection: sa.Connection, heads: Mapping[int, Head]) -> None:
    """Store ``heads``; one known already keeps its place, and gains a signature."""
    for height, head in heads.items():
        query = sa.select(_HEAD.c.head).where(_HEAD.c.height == height)
        known = connection.execute(query).scalar_one_or_none()
        if known is None:
            connection.execute(sa.insert(_HEAD), [msgspec.to_builtins(head)])
        elif head.signature:
            statement = sa.update(_HEAD).where(_HEAD.c.height == height)
            connection.execute(statement.values(signature=head.signature))


def _row(connection: sa.Connection, id_: str) -> sa.RowMapping | None:
    query = sa.select(_ITEM).where(_ITEM.c.id == id_)
    return connection.execute(query).mappings().one_or_none()


def _with_state(row: sa.RowMapping) -> dict[str, Any]:
    return dict(row) | {"state": State(row["state"])}


def _item(row: sa.RowMapping) -> Item:
    values = _with_state(row)
    del values["number"]
    keys = msgspec.json.decode(values["keys"] or b"[]", type=_Keys)
    return Item(**values | {"keys": keys})


def encode_keys(keys: Sequence[KeyReference]) -> bytes:
    """Return ``keys`` as the journal stores them."""
    return msgspec.json.encode(keys)
