"""Older copies, missing files, changed rows: all stop the signer."""

import sqlite3

import pytest

from airgap_shared.errors import SafetyError
from airgap_signer import session, storage
from tests.signer.sessions import (
    grow,
    sign,
    stopped,
)
from tests.signer.world import PASSWORD, payment

FILES = ["wallet.airgap", "wallet.airgap.journal", "wallet.airgap.seal"]


class TestRollback:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("wallet.airgap", "safety.storage_rolled_back"),
            ("wallet.airgap.journal", "safety.journal_rolled_back"),
            ("wallet.airgap.seal", "safety.seal_rolled_back"),
        ],
    )
    def test_an_older_copy_of_one_file_stops_the_signer(self, home, name, code):
        kept = home.keep()
        grow(home)
        home.put_back(kept, name)
        assert stopped(home) == code

    @pytest.mark.parametrize("left_out", FILES)
    def test_older_copies_of_two_files_stop_the_signer(self, home, left_out):
        kept = home.keep()
        grow(home)
        home.put_back(kept, *(set(FILES) - {left_out}))
        assert stopped(home).startswith("safety.")

    def test_an_older_copy_of_everything_is_found_by_what_the_relay_saw(self, home):
        kept = home.keep()
        _, answer = sign(home, home.relay.batch_file(payment(home.relay, "one")))
        home.put_back(kept)
        home.beside("1").unlink(missing_ok=True)
        data = home.relay.batch_file(payment(home.relay, "two"), seen=answer.head)
        with pytest.raises(SafetyError) as caught:
            sign(home, data)
        assert caught.value.code == "safety.journal_forked"

    @pytest.mark.parametrize(
        ("name", "code", "status"),
        [
            ("wallet.airgap", "storage.missing", 5),
            ("wallet.airgap.journal", "safety.journal_missing", 6),
            ("wallet.airgap.seal", "safety.storage_changed", 6),
        ],
    )
    def test_a_file_that_is_gone_stops_the_signer(self, home, name, code, status):
        (home.path / name).unlink()
        assert stopped(home, status) == code

    def test_another_signers_files_do_not_fit(self, home, tmp_path):
        other = tmp_path / "other.airgap"
        session.create(other, PASSWORD, "other", b"\x01" * 32, 64)
        journal = storage.beside(other, "journal").read_bytes()
        home.journal.write_bytes(journal)
        assert stopped(home) == "safety.journal_rolled_back"
        home.seal.write_bytes(storage.beside(other, "seal").read_bytes())
        assert stopped(home) == "safety.storage_changed"

    def test_a_journal_that_was_changed_stops_the_signer(self, home):
        sign(home, home.relay.batch_file(payment(home.relay)))
        database = sqlite3.connect(home.journal)
        with database:
            database.execute("DELETE FROM coin")
        database.close()
        assert stopped(home) == "safety.journal_changed"


class TestAnswers:
    def tampered(self, home, statement, *values):
        database = sqlite3.connect(home.journal)
        with database:
            database.execute(statement, values)
        database.close()

    def test_a_changed_answer_stops_the_signer(self, home):
        data = home.relay.batch_file(payment(home.relay))
        answer, _ = sign(home, data)
        self.tampered(
            home,
            "UPDATE answer SET document = ?",
            answer.replace(b'"batch"', b'"BATCH"'),
        )
        with pytest.raises(SafetyError) as caught:
            sign(home, data)
        assert caught.value.code == "safety.journal_changed"

    def test_an_answer_to_another_batch_stops_the_signer(self, home):
        one = home.relay.batch_file(payment(home.relay, "one"))
        two = home.relay.batch_file(payment(home.relay, "two"))
        _, first = sign(home, one)
        other, _ = sign(home, two)
        self.tampered(
            home,
            "UPDATE answer SET document = ? WHERE fingerprint = ?",
            other,
            first.unsigned,
        )
        with pytest.raises(SafetyError) as caught:
            sign(home, one)
        assert caught.value.code == "safety.journal_changed"

    def test_an_answer_that_is_gone_is_made_again_from_the_records(self, home):
        data = home.relay.batch_file(payment(home.relay))
        _, first = sign(home, data)
        self.tampered(home, "DELETE FROM answer")
        _, second = sign(home, data)
        assert second.items == first.items
        assert second.head.height == first.head.height + 1
