"""The relay's memory."""

import sqlite3

import pytest

from airgap_relay import journal
from airgap_relay.batching import Batch, Peer, StoredManifest
from airgap_relay.journal import encode_keys
from airgap_relay.lifecycle import Change, Event, Export, NewItem, Outcome, State
from airgap_shared.documents import Head, KeyReference
from airgap_shared.errors import FileError, JournalError

NOW = 1_700_000_000
SIGNATURE = "ab" * 64
KEY_ID = "742aad14-affc-4e95-a274-f8fb8ec486a3"


def new(number):
    return NewItem(f"{number:024x}", "BTC", "testnet", b"{}", "00" * 32)


def prepare(number, payload=b"psbt"):
    keys = encode_keys([KeyReference(signature_id=KEY_ID, index=3)])
    values = {"payload": payload, "keys": keys}
    return Change(new(number).id, State.SEEN, (Event.PREPARE,), values)


def export(memory, number, coins=("coin:0",)):
    return Export(memory.item(new(number).id), "", frozenset(coins))


def batch(id_="b" * 24, sequence=1, expires=NOW + 10):
    return Batch(id_, sequence, NOW, expires, "f" * 64, b"document")


@pytest.fixture
def memory(tmp_path):
    made = journal.create(tmp_path / "journal.db")
    yield made
    made.close()


def test_an_item_comes_back_as_it_was_stored(memory):
    assert memory.add_items([new(1)], NOW) == 1
    memory.apply([prepare(1)], NOW + 1)
    item = memory.item(new(1).id)
    assert (item.state, item.payload, item.pending) == (State.PREPARED, b"psbt", b"{}")
    assert item.keys == (KeyReference(signature_id=KEY_ID, index=3),)
    assert (item.created, item.updated) == (NOW, NOW + 1)


def test_an_unknown_item_is_none(memory):
    assert memory.item("0" * 24) is None
    assert memory.batch("0" * 24) is None
    assert memory.peer("signer") is None
    assert memory.manifest() is None
    assert memory.last_head() is None


def test_a_known_item_is_not_added_again(memory):
    memory.add_items([new(1)], NOW)
    memory.apply([prepare(1)], NOW)
    assert memory.add_items([new(1), new(2)], NOW) == 1
    assert memory.item(new(1).id).state is State.PREPARED


def test_a_change_from_a_state_that_has_passed_is_a_conflict(memory):
    memory.add_items([new(1)], NOW)
    memory.apply([prepare(1)], NOW)
    with pytest.raises(JournalError) as caught:
        memory.apply([prepare(1, b"other")], NOW)
    assert caught.value.code == "journal.conflict"
    assert memory.item(new(1).id).payload == b"psbt"


def test_a_group_of_changes_is_all_or_nothing(memory):
    memory.add_items([new(1)], NOW)
    with pytest.raises(JournalError):
        memory.apply([prepare(1), prepare(2)], NOW)
    assert memory.item(new(1).id).state is State.SEEN
    assert memory.history(new(1).id) == [(State.SEEN, NOW)]


def test_a_batch_is_stored_together_with_its_items(memory):
    memory.add_items([new(1)], NOW)
    with pytest.raises(JournalError):
        memory.add_batch(batch(), [export(memory, 1)])
    assert memory.batch("b" * 24) is None
    assert memory.versions(new(1).id) == memory.asked(new(1).id) == []


def test_two_batches_never_have_one_sequence(memory):
    memory.add_batch(batch(), [])
    with pytest.raises(JournalError) as caught:
        memory.add_batch(batch("c" * 24), [])
    assert caught.value.code == "journal.database"
    assert memory.next_sequence() == 2


def test_items_of_an_expired_batch_wait_again_until_it_is_answered(memory):
    memory.add_items([new(1)], NOW)
    memory.apply([prepare(1)], NOW)
    memory.add_batch(batch(), [export(memory, 1)])
    assert memory.waiting_for_signature(NOW + 9) == []
    assert [i.id for i in memory.waiting_for_signature(NOW + 10)] == [new(1).id]
    memory.answer_batch("b" * 24, [], [], {}, NOW + 11)
    assert memory.waiting_for_signature(NOW + 12) == []


def exported(memory, *ids, coins=("coin:0",)):
    """Put new items into one batch, each with the same coins."""
    for number in ids:
        memory.add_items([new(number)], NOW)
        memory.apply([prepare(number)], NOW)
    count = memory.next_sequence()
    made = batch(f"{count:024x}", count)
    memory.add_batch(made, [export(memory, number, coins) for number in ids])
    return made.id


def test_a_payload_is_kept_as_a_version_when_it_goes_into_its_first_batch(memory):
    exported(memory, 1)
    (version,) = memory.versions(new(1).id)
    item = memory.item(new(1).id)
    assert (version.payload, version.keys) == (item.payload, item.keys)
    assert (version.signed, version.tx_id, version.is_sent) == (b"", "", False)
    assert item.version == version.number
    memory.add_batch(batch("c" * 24, 2), [export(memory, 1)])
    assert memory.versions(new(1).id) == [version]
    assert [asked.version for asked in memory.asked(new(1).id)] == [version.number] * 2


def test_signed_bytes_stand_beside_what_they_sign_and_stay(memory):
    id_ = exported(memory, 1)
    for outcome in (
        Outcome(new(1).id, b"signed", "txid"),
        Outcome(new(1).id, b"other", "other"),
        Outcome(new(1).id),
    ):
        memory.answer_batch(id_, [outcome], [], {}, NOW)
    (version,) = memory.versions(new(1).id)
    assert (version.signed, version.tx_id) == (b"signed", "txid")
    assert [asked.outcome for asked in memory.asked(new(1).id)] == ["signed"]
    (trace,) = memory.traces([new(1).id])[new(1).id]
    assert (trace.tx_id, trace.is_sent) == ("txid", False)


def test_sending_is_noted_with_the_version(memory):
    id_ = exported(memory, 1)
    signed = Change(new(1).id, State.EXPORTED, (Event.SIGN,))
    outcome = Outcome(new(1).id, b"signed", "txid")
    memory.answer_batch(id_, [outcome], [signed], {}, NOW)
    memory.apply([Change(new(1).id, State.SIGNED, (Event.SEND,))], NOW)
    assert [version.is_sent for version in memory.versions(new(1).id)] == [True]


def test_a_coin_is_spent_by_what_was_exported_until_it_is_refused(memory):
    assert memory.spenders(["coin:0"]) == {"coin:0": set()}
    id_ = exported(memory, 1)
    found = memory.spenders(["coin:0", "coin:1"])
    assert found == {"coin:0": {new(1).id}, "coin:1": set()}
    memory.answer_batch(id_, [Outcome(new(1).id)], [], {}, NOW)
    assert memory.spenders(["coin:0"]) == {"coin:0": set()}


def test_an_item_is_told_once_in_each_state_and_never_before_its_batch(memory):
    memory.add_items([new(2)], NOW)
    exported(memory, 1)
    (item,) = memory.untold(10)
    assert item.id == new(1).id
    memory.add_receipt(1, b"receipt", [item])
    assert memory.untold(10) == []
    assert (memory.receipt(1), memory.receipt(2)) == (b"receipt", None)
    assert memory.next_receipt() == 2
    memory.apply([Change(new(1).id, State.EXPORTED, (Event.REFUSE,))], NOW)
    assert [item.state for item in memory.untold(10)] == [State.REFUSED]


def test_the_last_head_is_the_highest_that_is_signed(memory):
    heads = {
        5: Head(height=5, head="05" * 32, signature=SIGNATURE),
        6: Head(height=6, head="06" * 32, signature=""),
    }
    memory.answer_batch("none", [], [], heads, NOW)
    assert memory.last_head() == heads[5]
    signed = Head(height=6, head="06" * 32, signature=SIGNATURE)
    memory.answer_batch("none", [], [], {6: signed}, NOW)
    assert memory.last_head() == signed
    assert memory.heads(6, 9) == {6: "06" * 32}


def test_the_newest_manifest_replaces_the_one_before(memory):
    head = Head(height=1, head="01" * 32, signature=SIGNATURE)
    memory.add_manifest(StoredManifest(1, "f", b"one"), head)
    memory.add_manifest(StoredManifest(2, "g", b"two"), head)
    assert memory.manifest() == StoredManifest(2, "g", b"two")


def test_one_role_has_one_peer(memory):
    memory.add_peer(Peer("signer", "k", "f", "vault"))
    with pytest.raises(JournalError):
        memory.add_peer(Peer("signer", "other", "g", "other"))
    assert memory.peer("signer") == Peer("signer", "k", "f", "vault")


def test_a_journal_is_private_and_durable(tmp_path):
    path = tmp_path / "journal.db"
    made = journal.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    with made._engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    made.close()


def test_making_a_journal_twice_keeps_what_is_in_it(tmp_path):
    path = tmp_path / "journal.db"
    first = journal.create(path)
    first.add_items([new(1)], NOW)
    first.close()
    second = journal.create(path)
    assert second.item(new(1).id) is not None
    second.close()


def refused(path):
    with pytest.raises(JournalError) as caught:
        journal.open_(path)
    return caught.value


def test_a_missing_journal_is_refused(tmp_path):
    assert refused(tmp_path / "journal.db").code == "journal.missing"


def test_another_schema_is_refused_with_both_numbers(tmp_path):
    path = tmp_path / "journal.db"
    journal.create(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE setting SET value = ?", (b"7",))
    connection.close()
    error = refused(path)
    assert error.code == "journal.version"
    assert "schema 7" in error.message
    assert error.hint


def test_an_empty_database_is_no_journal(tmp_path):
    path = tmp_path / "journal.db"
    path.touch()
    assert refused(path).code == "journal.damaged"


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database at all" * 100)
    assert refused(path).code == "journal.database"


def test_a_full_disk_is_the_machine_and_not_the_journal(memory):
    with memory._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    big = NewItem("1" * 24, "BTC", "testnet", b"x" * 1_000_000, "00" * 32)
    with pytest.raises(FileError) as caught:
        memory.add_items([big], NOW)
    assert caught.value.code == "file.disk_full"
