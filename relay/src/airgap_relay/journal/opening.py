"""Where a journal's file is made, opened and brought up to date."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from airgap_relay.journal import migration
from airgap_relay.journal.errors import journal_errors
from airgap_relay.journal.store import Journal
from airgap_relay.journal.tables import META, SCHEMA_VERSION, SETTING
from airgap_shared.errors import JournalError

BUSY_MILLISECONDS = 10_000
"""How long SQLite waits for another process; its transactions take milliseconds."""


def create(path: Path) -> Journal:
    """Make an empty journal at ``path``, or take one that ``init`` left behind."""
    engine = _engine(path)
    with journal_errors(), engine.begin() as connection:
        if not sa.inspect(connection).has_table(SETTING.name):
            META.create_all(connection)
            row = {"name": "schema", "value": str(SCHEMA_VERSION).encode()}
            connection.execute(sa.insert(SETTING), [row])
    path.chmod(0o600)
    return Journal(engine)


def open_(path: Path) -> Journal:
    """Return the journal at ``path``.

    One of an earlier schema is brought up to date, wholly or not at all.

    Raises ``journal.missing``, ``journal.damaged`` and ``journal.version``.
    """
    if not path.is_file():
        raise JournalError(
            "journal.missing",
            f"the journal {path} is missing",
            "restore it; a relay without its journal would send things twice",
        )
    engine = _engine(path)
    with journal_errors(), engine.begin() as connection:
        if not sa.inspect(connection).has_table(SETTING.name):
            raise JournalError("journal.damaged", f"{path} is no journal of a relay")
        query = sa.select(SETTING.c.value).where(SETTING.c.name == "schema")
        found = connection.execute(query).scalar_one_or_none() or b"?"
        number = int(found) if found.isdigit() else 0
        if number != SCHEMA_VERSION and not migration.migrate(connection, number):
            raise JournalError(
                "journal.version",
                f"the journal has schema {found.decode('ascii', 'replace')}, "
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
