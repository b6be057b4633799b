"""An edge: the journal of what was signed, a hash chain in SQLite.

Every entry's link is the digest of its rows, and every head the digest of the last
head and that link; opening recomputes them all, so a row that was changed, removed
or added on the disk is a safety stop. See ``docs/spec/journal.md``.
"""

import hashlib
import hmac
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from airgap_shared.documents import next_head
from airgap_shared.errors import SafetyError
from airgap_signer.memory import Memory, Paid, Record, SpentCoin

SCHEMA_VERSION = 1
_CHUNK = 500
"""Values in one IN (...): SQLite takes 999 in its oldest builds."""

_SCHEMA = f"""
PRAGMA user_version = {SCHEMA_VERSION};
-- Amounts are decimal text: wei do not fit into 64 bits.
CREATE TABLE entry (
    height INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
    detail TEXT NOT NULL, link TEXT NOT NULL, head TEXT NOT NULL, mac TEXT NOT NULL
) STRICT;
CREATE TABLE item (
    height INTEGER NOT NULL, position INTEGER NOT NULL, tatum_id TEXT NOT NULL,
    chain TEXT NOT NULL, network TEXT NOT NULL, request TEXT NOT NULL,
    tx_id TEXT NOT NULL, signed BLOB NOT NULL, fee TEXT NOT NULL,
    PRIMARY KEY (height, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_tatum_id ON item (tatum_id);
CREATE TABLE coin (
    height INTEGER NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL,
    reference TEXT NOT NULL, amount TEXT NOT NULL, script BLOB NOT NULL,
    PRIMARY KEY (height, position, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX coin_reference ON coin (reference);
CREATE TABLE payment (
    height INTEGER NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL,
    script BLOB NOT NULL, amount TEXT NOT NULL,
    PRIMARY KEY (height, position, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE answer (
    fingerprint TEXT PRIMARY KEY, height INTEGER NOT NULL, document BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""

_BROKEN = (sqlite3.DatabaseError, TypeError, UnicodeDecodeError)
_MADE = (
    "SELECT type, name, tbl_name, sql FROM sqlite_schema "
    "UNION SELECT 'version', user_version, '', '' FROM pragma_user_version"
)
_ALL_ITEMS = "SELECT * FROM item ORDER BY height, position"
_ALL_COINS = "SELECT * FROM coin ORDER BY height, position, number"
_ALL_PAYMENTS = "SELECT * FROM payment ORDER BY height, position, number"

_ITEM_AT = (
    "SELECT tatum_id, chain, network, request, tx_id, signed, fee FROM item "
    "WHERE height = ? AND position = ?"
)
_COINS_AT = (
    "SELECT reference, amount, script FROM coin "
    "WHERE height = ? AND position = ? ORDER BY number"
)
_PAYMENTS_AT = (
    "SELECT script, amount FROM payment "
    "WHERE height = ? AND position = ? ORDER BY number"
)
_INSERTS = (
    "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO coin VALUES (?, ?, ?, ?, ?, ?)",
    "INSERT INTO payment VALUES (?, ?, ?, ?, ?)",
)

Row = tuple[object, ...]
Rows = tuple[list[Row], list[Row], list[Row]]
"""Rows of item, coin and payment."""


@dataclass(frozen=True, slots=True)
class Tip:
    """The journal's end."""

    height: int
    head: str
    at: int
    """When the last entry was written; 0 in an empty journal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, without the items that it signed."""

    height: int
    at: int
    kind: str
    detail: str
    head: str


def genesis(fingerprint: str) -> str:
    """Return the head of a signer's empty journal."""
    return hashlib.sha256(b"airgap.journal.v1" + bytes.fromhex(fingerprint)).hexdigest()


class Journal:
    """An open journal. One writer at a time: the storage's lock sees to that."""

    def __init__(self, path: Path, genesis_head: str, key: bytes) -> None:
        """Open the journal at ``path``, whose MACs are under ``key``."""
        if not path.exists():
            raise SafetyError(
                "safety.journal_missing",
                f"{path} is gone: nothing says any more what was signed",
                "put the journal back that belongs to this wallet storage",
            )
        self._genesis = genesis_head
        self._key = key
        try:
            self._database = _connect(path)
            _check_structure(self._database)
        except _BROKEN as error:
            raise _changed(f"it cannot be read: {error}") from error

    @staticmethod
    def create(path: Path) -> None:
        """Make an empty journal at ``path``, readable by its owner alone."""
        path.touch(mode=0o600, exist_ok=False)
        database = _connect(path)
        database.executescript(_SCHEMA)
        database.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def verify(self, sealed_height: int, sealed_head: str) -> None:
        """Recompute the whole chain and compare it with the state seal.

        Raises ``safety.journal_changed`` and ``safety.journal_rolled_back``.
        """
        heads = self.recompute()
        tip = self.tip()
        if sealed_height >= len(heads):
            raise SafetyError(
                "safety.journal_rolled_back",
                f"the journal ends at height {tip.height}, "
                f"height {sealed_height} was written before",
                "an older copy was put back; find out by whom before going on",
            )
        if heads[sealed_height] != sealed_head:
            raise _changed("it is not the one that was sealed")
        rows = self._database.execute(
            "SELECT height, head, mac FROM entry WHERE height > ?", (sealed_height,)
        )
        # What the seal covers needs no MAC; what came after it, in a crash, does.
        for height, head, mac in rows:
            if not hmac.compare_digest(mac.encode(), self._mac(height, head).encode()):
                raise _changed(f"entry {height} is not this signer's")

    def recompute(self) -> list[str]:
        """Return the head at each height, recomputed from the rows alone.

        Raises ``safety.journal_changed`` when they do not give the stored heads.
        """
        try:
            heads = [self._genesis, *self._recomputed_heads()]
        except _BROKEN as error:
            raise _changed(f"it cannot be read: {error}") from error
        return heads

    def tip(self) -> Tip:
        """Return the journal's end."""
        row = self._database.execute(
            "SELECT height, head, at FROM entry ORDER BY height DESC LIMIT 1"
        ).fetchone()
        return Tip(*row) if row else Tip(0, self._genesis, 0)

    def head_at(self, height: int) -> str | None:
        """Return the head at ``height``; ``None`` beyond the end."""
        if height == 0:
            return self._genesis
        row = self._database.execute(
            "SELECT head FROM entry WHERE height = ?", (height,)
        ).fetchone()
        return str(row[0]) if row else None

    def links(self, after: int) -> list[str]:
        """Return the links of all entries above height ``after``."""
        rows = self._database.execute(
            "SELECT link FROM entry WHERE height > ? ORDER BY height", (after,)
        )
        return [link for (link,) in rows]

    def answer(self, fingerprint: str) -> bytes | None:
        """Return the signed batch that answered an unsigned one."""
        row = self._database.execute(
            "SELECT document FROM answer WHERE fingerprint = ?", (fingerprint,)
        ).fetchone()
        return bytes(row[0]) if row else None

    def keep_answer(self, fingerprint: str, height: int, document: bytes) -> None:
        """Keep the signed batch for when it is asked for again."""
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO answer VALUES (?, ?, ?)",
                (fingerprint, height, document),
            )

    def details(self, kind: str) -> list[str]:
        """Return the details of all entries of ``kind``, oldest first."""
        rows = self._database.execute(
            "SELECT detail FROM entry WHERE kind = ? ORDER BY height", (kind,)
        )
        return [detail for (detail,) in rows]

    def entries(self) -> list[Entry]:
        """Return every entry, oldest first."""
        rows = self._database.execute(
            "SELECT height, at, kind, detail, head FROM entry ORDER BY height"
        )
        return [Entry(*row) for row in rows]

    def last_answer(self) -> bytes | None:
        """Return the newest signed batch."""
        row = self._database.execute(
            "SELECT document FROM answer ORDER BY height DESC LIMIT 1"
        ).fetchone()
        return bytes(row[0]) if row else None

    def memory(self, tatum_ids: Iterable[str], references: Iterable[str]) -> Memory:
        """Return every record that shares a Tatum id or a coin with these."""
        by_id = self._places("item", "tatum_id", tatum_ids)
        by_coin = self._places("coin", "reference", references)
        places = {
            place for group in (by_id, by_coin) for p in group.values() for place in p
        }
        records = {place: self._record(*place) for place in places}
        return Memory(
            {key: [records[p] for p in group] for key, group in by_id.items()},
            {key: [records[p] for p in group] for key, group in by_coin.items()},
        )

    def append(
        self, at: int, kind: str, detail: str, records: Sequence[Record] = ()
    ) -> Tip:
        """Append one entry with its items, durably; return the new end."""
        tip = self.tip()
        height = tip.height + 1
        rows = _rows(height, records)
        link = _link(at, kind, detail, rows)
        head = next_head(tip.head, link)
        with self._database:
            self._database.execute(
                "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)",
                (height, at, kind, detail, link, head, self._mac(height, head)),
            )
            for insert, table in zip(_INSERTS, rows, strict=True):
                self._database.executemany(insert, table)
        return Tip(height, head, at)

    def _mac(self, height: int, head: str) -> str:
        return hmac.new(self._key, f"{height} {head}".encode(), "sha256").hexdigest()

    def _recomputed_heads(self) -> Iterator[str]:
        """Yield the head after each entry, recomputed from its rows."""
        items = _RowsByHeight(self._database.execute(_ALL_ITEMS))
        coins = _RowsByHeight(self._database.execute(_ALL_COINS))
        payments = _RowsByHeight(self._database.execute(_ALL_PAYMENTS))
        head = self._genesis
        entries = self._database.execute(
            "SELECT height, at, kind, detail, link, head FROM entry ORDER BY height"
        )
        for number, (height, at, kind, detail, *stored) in enumerate(entries, start=1):
            rows = items.pop(height), coins.pop(height), payments.pop(height)
            link = _link(at, kind, detail, rows)
            head = next_head(head, link)
            if (height, stored) != (number, [link, head]):
                raise _changed(f"entry {height} is not what was written")
            yield head
        if items.left() or coins.left() or payments.left():
            raise _changed("it has rows that belong to no entry")

    def _places(
        self, table: str, column: str, values: Iterable[str]
    ) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), _CHUNK):
            chunk = wanted[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            rows = self._database.execute(
                f"SELECT {column}, height, position FROM {table} "  # noqa: S608 - names are ours
                f"WHERE {column} IN ({marks}) ORDER BY height, position",
                chunk,
            )
            for value, height, position in rows:
                found.setdefault(value, []).append((height, position))
        return found

    def _record(self, height: int, position: int) -> Record:
        place = (height, position)
        item: tuple[Any, ...] = self._database.execute(_ITEM_AT, place).fetchone()
        coins = self._database.execute(_COINS_AT, place)
        spent = tuple(
            SpentCoin(each, int(paid), script) for each, paid, script in coins
        )
        payments = self._database.execute(_PAYMENTS_AT, place)
        paid = tuple(Paid(script, int(amount)) for script, amount in payments)
        *names, signed, fee = item
        said = {"signed": signed, "fee": int(fee), "coins": spent, "payments": paid}
        return Record(*names, **said)


class _RowsByHeight:
    """Takes the rows of one table off an ordered query, height after height."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._groups = itertools.groupby(rows, key=lambda row: row[0])
        self._advance()

    def _advance(self) -> None:
        height, rows = next(self._groups, (None, ()))
        self._height, self._rows = height, list(rows)

    def pop(self, height: int) -> list[Row]:
        """Return the rows of ``height``."""
        if self._height != height:
            return []
        rows = self._rows
        self._advance()
        return rows

    def left(self) -> bool:
        """Whether rows are left that nobody took."""
        return self._height is not None


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level="IMMEDIATE")
    database.execute("PRAGMA synchronous = FULL")
    return database


def _check_structure(database: sqlite3.Connection) -> None:
    """Refuse tables, indexes and triggers that are not as they were made.

    The chain is recomputed from the tables, but conflicts are found by the indexes:
    an entry missing there would let a coin be signed a second time.
    """
    expected = sqlite3.connect(":memory:")
    expected.executescript(_SCHEMA)
    schemas = [set(each.execute(_MADE)) for each in (database, expected)]
    expected.close()
    if schemas[0] != schemas[1]:
        raise _changed("its tables are not as they were made")
    if database.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise _changed("its tables and indexes do not agree")


def _rows(height: int, records: Sequence[Record]) -> Rows:
    items: list[Row] = []
    coins: list[Row] = []
    payments: list[Row] = []
    for place, r in enumerate(records):
        names = r.tatum_id, r.chain, r.network, r.request, r.tx_id
        items.append((height, place, *names, r.signed, str(r.fee)))
        coins += (
            (height, place, number, coin.reference, str(coin.amount), coin.script)
            for number, coin in enumerate(r.coins)
        )
        payments += (
            (height, place, number, paid.script, str(paid.amount))
            for number, paid in enumerate(r.payments)
        )
    return items, coins, payments


def _link(at: int, kind: str, detail: str, rows: Rows) -> str:
    """Return the digest of an entry and all its rows, as canonical JSON."""
    content = msgspec.json.encode((at, kind, detail, *rows))
    return hashlib.sha256(content).hexdigest()


def _changed(why: str) -> SafetyError:
    return SafetyError(
        "safety.journal_changed",
        f"the journal was changed on the disk: {why}",
        "stop using this machine until somebody has found out how",
    )
