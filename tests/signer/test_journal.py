"""The journal: a hash chain that any change breaks."""

import os
import sqlite3
import stat

import pytest

from airgap_shared.documents import next_head
from airgap_shared.errors import SafetyError
from airgap_signer.journal import Journal, genesis
from airgap_signer.memory import Paid, Record, SpentCoin
from tests.simulators.relay_side import SOMEBODY, tatum_id
from tests.vectors.authors import NOON, digest

FINGERPRINT = digest("signer")
GENESIS = genesis(FINGERPRINT)
KEY = b"k" * 32


def record(name, *references):
    coins = tuple(SpentCoin(r, 10**25, b"\x00" + r.encode()) for r in references)
    return Record(
        tatum_id=tatum_id(name),
        chain="BTC",
        network="testnet",
        request=digest(f"request {name}"),
        tx_id=digest(f"tx {name}"),
        signed=f"signed {name}".encode(),
        fee=2**70,
        coins=coins,
        payments=(Paid(SOMEBODY, 2**66), Paid(b"", 0)),
    )


RECORDS = {
    2: [record("a", "x:0", "y:1"), record("b", "z:0")],
    4: [record("c", "w:0")],
}


@pytest.fixture
def path(tmp_path):
    """A journal of five entries, two of which signed something."""
    path = tmp_path / "journal"
    Journal.create(path)
    with opened(path) as journal:
        for height in range(1, 6):
            kind = "sign" if height in RECORDS else "other"
            journal.append(NOON + height, kind, f"[{height}]", RECORDS.get(height, []))
        journal.keep_answer(digest("batch"), 2, b"document")
    return path


class opened:  # noqa: N801 - reads as a verb
    """An open journal that closes itself."""

    def __init__(self, path, key=KEY, start=GENESIS):
        self.journal = Journal(path, start, key)

    def __enter__(self):
        return self.journal

    def __exit__(self, *_):
        self.journal.close()


def head_at(path, height):
    with opened(path) as journal:
        return journal.head_at(height)


def verify(path, height=5, head=None, key=KEY, start=GENESIS):
    """Return why the journal is refused; empty when it is not."""
    try:
        with opened(path, key, start) as journal:
            if head is None:
                head = journal.head_at(height) or "00" * 32
            journal.verify(height, head)
    except SafetyError as error:
        return error.code.removeprefix("safety.journal_")
    return ""


class TestReadingAndWriting:
    def test_an_empty_journal_begins_at_the_signers_own_head(self, tmp_path):
        path = tmp_path / "journal"
        Journal.create(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with opened(path) as journal:
            assert journal.tip() == (tip := journal.tip())
            assert (tip.height, tip.head, tip.at) == (0, GENESIS, 0)
            assert journal.head_at(0) == GENESIS
            assert journal.head_at(1) is None
            assert journal.last_answer() is None
            assert journal.memory([tatum_id("a")], ["x:0"]).by_tatum_id == {}
            journal.verify(0, GENESIS)

    def test_a_journal_is_never_made_twice(self, path):
        with pytest.raises(FileExistsError):
            Journal.create(path)

    def test_each_head_follows_from_the_last_and_the_entrys_link(self, path):
        with opened(path) as journal:
            links = journal.links(0)
            assert len(links) == 5
            head = GENESIS
            for height, link in enumerate(links, start=1):
                head = next_head(head, link)
                assert journal.head_at(height) == head
            assert journal.tip().head == head
            assert journal.links(3) == links[3:]
            assert journal.links(5) == []
            assert journal.recompute()[-1] == head

    def test_records_come_back_by_tatum_id_and_by_coin(self, path):
        with opened(path) as journal:
            found = journal.memory(
                [tatum_id("a"), tatum_id("no")], ["z:0", "y:1", "y:1", "no:0"]
            )
        a, b = RECORDS[2]
        assert found.by_tatum_id == {tatum_id("a"): [a]}
        assert found.by_coin == {"z:0": [b], "y:1": [a]}

    def test_more_values_than_sqlite_takes_at_once_are_looked_up(self, path):
        many = [f"no:{number}" for number in range(1_200)]
        with opened(path) as journal:
            found = journal.memory([], [*many, "w:0"])
        assert list(found.by_coin) == ["w:0"]

    def test_details_are_by_kind_oldest_first(self, path):
        with opened(path) as journal:
            assert journal.details("sign") == ["[2]", "[4]"]
            assert journal.details("no") == []

    def test_an_answer_is_kept_and_replaced(self, path):
        with opened(path) as journal:
            assert journal.answer(digest("batch")) == b"document"
            assert journal.answer(digest("other")) is None
            journal.keep_answer(digest("batch"), 4, b"another")
            journal.keep_answer(digest("older"), 3, b"older")
            assert journal.answer(digest("batch")) == b"another"
            assert journal.last_answer() == b"another"

    def test_an_entry_that_fails_leaves_nothing_behind(self, path):
        broken = record("d", "v:0")
        object.__setattr__(broken, "tx_id", None)
        with opened(path) as journal:
            with pytest.raises(sqlite3.IntegrityError):
                journal.append(NOON, "sign", "[]", [record("e", "u:0"), broken])
            assert journal.tip().height == 5
        assert verify(path) == ""

    def test_two_signers_never_share_a_head(self, path):
        assert genesis(digest("other")) != GENESIS
        assert verify(path, start=genesis(digest("other"))) == "changed"

    def test_entries_are_listed_for_the_auditor(self, path):
        with opened(path) as journal:
            entries = journal.entries()
        assert [e.height for e in entries] == [1, 2, 3, 4, 5]
        assert (entries[1].kind, entries[1].detail) == ("sign", "[2]")


class TestSeal:
    @pytest.mark.parametrize("height", range(6))
    def test_a_seal_over_any_entry_of_the_chain_fits(self, path, height):
        assert verify(path, height, head_at(path, height)) == ""

    def test_a_seal_beyond_the_end_means_an_older_journal(self, path):
        assert verify(path, 6) == "rolled_back"

    def test_a_seal_over_another_head_means_another_journal(self, path):
        assert verify(path, 3, head_at(path, 4)) == "changed"

    def test_an_entry_beyond_the_seal_needs_this_signers_mac(self, path):
        """Else whoever writes the disk could append entries as if after a crash."""
        assert verify(path, 4, head_at(path, 4), key=b"x" * 32) == "changed"
        assert verify(path, 5, head_at(path, 5), key=b"x" * 32) == ""

    @pytest.mark.parametrize("mac", ["", "\N{LATIN SMALL LETTER E WITH ACUTE}", "00"])
    def test_no_mac_at_all_is_none_of_ours(self, path, mac):
        tamper(path, "UPDATE entry SET mac = ? WHERE height = 5", mac)
        assert verify(path, 4, head_at(path, 4)) == "changed"


def tamper(path, statement, *values):
    database = sqlite3.connect(path)
    with database:
        assert database.execute(statement, values).rowcount != 0
    database.close()


CHANGES = [
    "UPDATE entry SET at = at + 1 WHERE height = 3",
    "UPDATE entry SET kind = 'sign' WHERE height = 3",
    "UPDATE entry SET detail = detail || ' ' WHERE height = 3",
    "UPDATE entry SET link = head WHERE height = 3",
    "UPDATE entry SET head = link WHERE height = 3",
    "UPDATE entry SET height = 9 WHERE height = 5",
    "UPDATE item SET height = 3 WHERE height = 4",
    "UPDATE item SET position = 7 WHERE position = 1",
    "UPDATE item SET tatum_id = 'x' WHERE height = 4",
    "UPDATE item SET chain = 'LTC' WHERE height = 4",
    "UPDATE item SET network = 'mainnet' WHERE height = 4",
    "UPDATE item SET request = tx_id WHERE height = 4",
    "UPDATE item SET tx_id = request WHERE height = 4",
    "UPDATE item SET signed = x'00' WHERE height = 4",
    "UPDATE item SET fee = '1' WHERE height = 4",
    "UPDATE coin SET reference = 'q:0' WHERE reference = 'y:1'",
    "UPDATE coin SET amount = '9' WHERE reference = 'y:1'",
    "UPDATE coin SET script = x'51' WHERE reference = 'y:1'",
    "UPDATE coin SET number = 5 WHERE reference = 'y:1'",
    "UPDATE coin SET position = 5 WHERE reference = 'w:0'",
    "UPDATE coin SET height = 3 WHERE reference = 'w:0'",
    "UPDATE payment SET amount = '1' WHERE height = 4",
    "UPDATE payment SET script = x'51' WHERE height = 4 AND number = 0",
    "DELETE FROM entry WHERE height = 1",
    "DELETE FROM entry WHERE height = 3",
    "DELETE FROM entry",
    "DELETE FROM item WHERE height = 4",
    "DELETE FROM item",
    "DELETE FROM coin WHERE reference = 'x:0'",
    "DELETE FROM coin WHERE height = 4",
    "DELETE FROM coin",
    "DELETE FROM payment WHERE height = 4",
    "INSERT INTO item VALUES (5, 0, 'x', 'BTC', 'testnet', '', '', x'00', '1')",
    "INSERT INTO item VALUES (0, 0, 'x', 'BTC', 'testnet', '', '', x'00', '1')",
    "INSERT INTO item VALUES (6, 0, 'x', 'BTC', 'testnet', '', '', x'00', '1')",
    "INSERT INTO item VALUES (4, 1, 'x', 'BTC', 'testnet', '', '', x'00', '1')",
    "INSERT INTO coin VALUES (4, 0, 1, 'q:0', '1', x'51')",
    "INSERT INTO coin VALUES (6, 0, 0, 'q:0', '1', x'51')",
    "INSERT INTO coin VALUES (-1, 0, 0, 'q:0', '1', x'51')",
    "INSERT INTO payment VALUES (4, 0, 9, x'51', '1')",
    "INSERT INTO payment VALUES (7, 0, 9, x'51', '1')",
    "INSERT INTO entry VALUES (0, 1, 'sign', '[]', '', '', '')",
    "INSERT INTO entry VALUES (6, 1, 'sign', '[]', '', '', '')",
    "PRAGMA user_version = 2",
    "DROP INDEX coin_reference",
    "DROP INDEX item_tatum_id",
    "DROP TABLE answer",
    "DROP TABLE payment",
    "CREATE TABLE surprise (x)",
    "CREATE TRIGGER t AFTER INSERT ON coin BEGIN DELETE FROM coin; END",
    "CREATE VIEW v AS SELECT * FROM coin",
    "ALTER TABLE item ADD COLUMN more TEXT",
]


class TestChanges:
    @pytest.mark.parametrize("statement", CHANGES)
    def test_whatever_is_changed_added_or_removed_stops_the_signer(
        self, path, statement
    ):
        head = head_at(path, 5)
        assert verify(path, 5, head) == ""
        tamper(path, statement)
        assert verify(path, 5, head) in ("changed", "rolled_back")

    def test_an_index_that_forgets_a_coin_stops_the_signer(self, path):
        """The chain is read from the table, conflicts are found by the index.

        An index that looks right but points to an empty tree would let the coin
        be signed a second time.
        """
        head = head_at(path, 5)
        database = sqlite3.connect(path)
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "CREATE TABLE empty (height INTEGER NOT NULL, position INTEGER NOT NULL, "
            "number INTEGER NOT NULL, reference TEXT NOT NULL, "
            "PRIMARY KEY (height, position, number)) STRICT, WITHOUT ROWID"
        )
        database.execute("CREATE INDEX i ON empty (reference)")
        (root,) = database.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'i'"
        ).fetchone()
        with database:
            database.execute("DELETE FROM sqlite_schema WHERE name IN ('i', 'empty')")
            database.execute(
                "UPDATE sqlite_schema SET rootpage = ? WHERE name = 'coin_reference'",
                (root,),
            )
        database.close()
        blind = sqlite3.connect(path)
        by_index = "SELECT count(*) FROM coin WHERE reference = 'y:1'"
        assert blind.execute(by_index).fetchone() == (0,)
        every = "SELECT reference FROM coin ORDER BY height, position, number"
        assert len(blind.execute(every).fetchall()) == 4
        blind.close()
        assert verify(path, 5, head) == "changed"

    @pytest.mark.parametrize("size", [0, 1, 50, 99, 100, 512, 4096, 8191, -4096])
    def test_a_truncated_file_stops_the_signer(self, path, size):
        head, data = head_at(path, 5), path.read_bytes()
        path.write_bytes(data[:size])
        assert verify(path, 5, head) == "changed"

    @pytest.mark.parametrize("filler", [b"", b"\x00" * 4096, b"garbage" * 1000])
    def test_another_file_in_its_place_stops_the_signer(self, path, filler):
        path.write_bytes(filler)
        assert verify(path, 0, GENESIS) == "changed"

    def test_a_journal_that_is_gone_stops_the_signer(self, path):
        os.unlink(path)
        assert verify(path) == "missing"

    def test_flipped_bytes_never_escape_as_anything_but_a_safety_stop(self, path):
        head = head_at(path, 5)
        data = path.read_bytes()
        stopped = 0
        for position in range(0, len(data), 997):
            flipped = bytearray(data)
            flipped[position] ^= 0xFF
            path.write_bytes(flipped)
            stopped += verify(path, 5, head) != ""
        assert stopped
