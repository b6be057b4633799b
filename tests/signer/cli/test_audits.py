"""Commands on the journal."""

import sqlite3

from tests.signer.world import payment


def change(home, statement):
    database = sqlite3.connect(home.journal)
    with database:
        assert database.execute(statement).rowcount
    database.close()


def sign(signer, home, stick):
    stick.put(payment(home.relay))
    signer("sign", stick.path, "-o", stick.signed, "--confirm", stick.code)


def test_every_entry_is_shown_with_its_head(signer, home, stick):
    sign(signer, home, stick)
    entries = signer("audit", "show").json["entries"]
    assert [entry["kind"] for entry in entries] == ["pair", "sign"]
    assert entries[-1]["head"] == stick.answer().head.head
    assert entries[-1]["detail"]["unsigned"] == stick.fingerprint


def test_an_intact_journal_is_compared_with_what_was_signed(signer, home, stick):
    assert signer("audit", "verify").json["signedHeight"] is None
    sign(signer, home, stick)
    result = signer("audit", "verify").json
    assert (result["height"], result["signedHeight"]) == (2, 2)
    assert result["head"] == stick.answer().head.head


def test_it_needs_no_password(run, home):
    assert run("--home", home.path, "audit", "verify").status == 0


def test_a_changed_row_is_found(signer, home, stick):
    sign(signer, home, stick)
    change(home, "UPDATE coin SET amount = '1'")
    done = signer("audit", "verify")
    assert (done.status, done.error["code"]) == (6, "safety.journal_changed")


def test_an_answer_that_the_signer_did_not_make_is_found(signer, home, stick):
    sign(signer, home, stick)
    change(home, "UPDATE answer SET document = x'7b7d'")
    done = signer("audit", "verify")
    assert (done.status, done.error["code"]) == (6, "safety.journal_changed")


def test_an_older_journal_beside_a_newer_answer_is_found(signer, home, stick):
    sign(signer, home, stick)
    for table in ("entry", "item", "coin", "payment"):
        change(home, f"DELETE FROM {table} WHERE height = 2")
    done = signer("audit", "verify")
    assert (done.status, done.error["code"]) == (6, "safety.journal_changed")
