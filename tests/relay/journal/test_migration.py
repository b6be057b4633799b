"""A journal that an earlier version wrote is taken over, and loses nothing."""

import sqlite3
from pathlib import Path

import pytest

from airgap_relay import journal
from airgap_relay.lifecycle import State
from airgap_shared.errors import JournalError

DUMP = Path(__file__).with_name("version1.sql")
"""Seven payments, each in another state; the fifth was exported twice."""


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "journal.db"
    connection = sqlite3.connect(made)
    connection.executescript(DUMP.read_text())
    connection.close()
    return made


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


COLUMNS = """id, chain, network, source, withdrawal_id, batch, tx_id, error_code,
    error_message, pending, payload, keys, signed, error_reported, created, updated"""
KEPT = [
    *(f"SELECT * FROM {t}" for t in ("batch", "head", "history", "manifest", "peer")),
    f"SELECT {COLUMNS} FROM item",
]


def test_everything_is_kept(path):
    before = [rows(path, query) for query in KEPT]
    journal.open_(path).close()
    assert [rows(path, query) for query in KEPT] == before
    assert rows(path, "SELECT value FROM setting") == [(b"2",)]


def test_what_was_exported_has_a_version_with_its_coins(path):
    memory = journal.open_(path)
    for item in memory.items(*State):
        versions = memory.versions(item.id)
        assert len(versions) == (1 if item.batch else 0)
        for version in versions:
            assert item.version == version.number
            assert (version.payload, version.keys) == (item.payload, item.keys)
            assert (version.signed, version.tx_id) == (item.signed, item.tx_id)
            sent = item.state in (State.COMPLETED, State.UNCERTAIN)
            assert version.is_sent == sent
    coins = rows(path, "SELECT reference FROM coin")
    spenders = memory.spenders(reference for (reference,) in coins)
    assert sum(map(len, spenders.values())) == 3
    memory.close()


def test_how_batches_were_answered_is_known(path):
    memory = journal.open_(path)
    outcomes = {
        item.state: [asked.outcome for asked in memory.asked(item.id)]
        for item in memory.items(*State)
        if item.batch
    }
    assert outcomes == {
        State.REFUSED: ["refused"],
        State.COMPLETED: ["signed"],
        State.UNCERTAIN: ["signed"],
        State.EXPORTED: ["", ""],
    }
    memory.close()


def test_it_is_taken_over_once_and_then_as_any_other(path):
    journal.open_(path).close()
    before = rows(path, "SELECT * FROM version")
    journal.open_(path).close()
    assert rows(path, "SELECT * FROM version") == before


def test_a_new_journal_has_the_same_tables_as_one_taken_over(path, tmp_path):
    journal.open_(path).close()
    journal.create(tmp_path / "new.db").close()
    query = "SELECT m.name, c.name, c.type, c.'notnull' FROM sqlite_master m, \
        pragma_table_info(m.name) c WHERE m.type = 'table'"
    assert set(rows(path, query)) == set(rows(tmp_path / "new.db", query))


def test_a_version_that_is_not_known_is_refused_and_left_alone(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE setting SET value = ?", (b"3",))
    connection.commit()
    connection.close()
    with pytest.raises(JournalError) as caught:
        journal.open_(path)
    assert caught.value.code == "journal.version"
    assert "version" not in [
        name
        for (name,) in rows(
            path,
            "SELECT name FROM \
        sqlite_master WHERE type = 'table'",
        )
    ]
