"""Retry, replace, cancel, resolve, and receipts, by hand."""

import pytest

from airgap_shared import commandline, documents
from airgap_shared.documents import Receipt
from airgap_shared.errors import FileError
from tests.relay.cli.shell import payment, relay_key, sign
from tests.simulators.tatum import Fault


@pytest.fixture
def carried(paired, signer, tmp_path):
    """Return what carries the next batch to the signer and its answer back."""
    key = relay_key(paired, tmp_path)
    numbers = iter(range(100))

    def carry():
        number = next(numbers)
        unsigned, signed = tmp_path / f"u{number}", tmp_path / f"s{number}"
        paired("export", "-o", str(unsigned))
        sign(signer, unsigned, signed, key)
        return paired("import", str(signed))

    return carry


@pytest.fixture
def paid(paired, tatum, carried):
    """A completed payment's id."""
    id_ = payment(tatum, change=20_000)
    paired("poll")
    carried()
    paired("broadcast")
    return id_


def item(paired, id_):
    (shown,) = paired("show", id_)["transactions"]
    return shown


def confirmed(paired, *arguments):
    """Run a command that a person confirms: ask for the code, then give it."""
    asked = paired(*arguments, status=3)["error"]
    assert asked["code"] == "refusal.confirmation_required"
    wrong = "0000-0000" if asked["confirm"] != "0000-0000" else "1111-1111"
    refused = paired(*arguments, "--confirm", wrong, status=3)["error"]
    assert refused["code"] == "refusal.confirmation_wrong"
    return paired(*arguments, "--confirm", asked["confirm"])


def test_a_refused_one_is_retried(paired, tatum, signer, carried):
    id_ = payment(tatum)
    paired("poll")
    signer.refuse[id_] = "refusal.operator"
    assert carried()["refused"] == 1
    assert paired("retry", id_) == {"id": id_, "state": "SEEN"}
    assert item(paired, id_)["error"] is None
    error = paired("retry", id_, status=3)["error"]
    assert error["code"] == "refusal.retry"
    assert paired("retry", "0" * 24, status=2)["error"]["code"] == "usage.id"


def test_a_fee_is_raised_after_a_person_has_confirmed_it(paired, tatum, paid, carried):
    before = item(paired, paid)["txId"]
    told = confirmed(paired, "replace", paid)
    assert told == {
        "id": paid,
        "state": "PREPARED",
        "replaces": "fee",
        "fee": "0.00002",
        "oldFee": "0.00001",
    }
    assert "the fee was 0.00001, it will be 0.00002" in paired.shown
    assert "pays 0.00019 BTC to tb1q" in paired.shown
    assert carried()["signed"] == 1
    assert paired("broadcast")["completed"] == 1
    shown = item(paired, paid)
    assert shown["replaces"] == "fee"
    assert [version["txId"] for version in shown["versions"]] == [
        before,
        shown["txId"],
    ]
    assert "version" in paired.plain("show", paid)
    assert tatum.completed[paid] == shown["txId"]


def test_a_fee_and_a_rate_and_a_cancellation_can_be_given(paired, paid):
    assert confirmed(paired, "replace", paid, "--fee", "0.0001")["fee"] == "0.0001"
    assert confirmed(paired, "replace", paid, "--fee-rate", "20")["fee"] == "0.0000282"
    told = confirmed(paired, "replace", paid, "--cancel")
    assert told["replaces"] == "cancel"


@pytest.mark.parametrize(
    ("options", "code", "status"),
    [
        (("--fee", "0.0001", "--fee-rate", "5"), "usage.options", 2),
        (("--fee", "1e-4"), "usage.amount", 2),
        (("--fee", "0.000000001"), "usage.amount", 2),
        (("--fee-rate", "0"), "usage", 2),
        (("--fee", "0.00001"), "refusal.replace.fee", 3),
        (("--fee-rate", "5000"), "refusal.replace.max_fee", 3),
        (("--fee", "0.000999"), "refusal.replace.change", 3),
    ],
)
def test_an_impossible_fee_is_refused_and_changes_nothing(
    paired, paid, options, code, status
):
    error = paired("replace", paid, *options, status=status)["error"]
    assert error["code"] == code
    assert item(paired, paid)["state"] == "COMPLETED"


def test_what_was_never_exported_is_cancelled_and_given_back(paired, tatum):
    id_ = payment(tatum)
    paired("poll")
    told = confirmed(paired, "cancel", id_)
    assert told == {
        "id": id_,
        "state": "CANCELLED",
        "reverted": True,
        "conflict": None,
    }
    assert tatum.cancelled == {id_: True}


def test_what_is_signed_is_not_cancelled(paired, paid):
    error = paired("cancel", paid, status=3)["error"]
    assert error["code"] == "refusal.cancel.exported"
    assert "--cancel" in error["hint"]
    error = paired("cancel", paid, "--conflict", "AB" * 32, status=3)["error"]
    assert error["code"] == "refusal.cancel.conflict"


@pytest.fixture
def lost(paired, tatum, carried):
    """An uncertain payment's id."""
    id_ = payment(tatum, change=20_000)
    paired("poll")
    carried()
    tatum.fail("broadcast", Fault.LOST_BEFORE)
    assert paired("broadcast")["uncertain"] == 1
    return id_


def test_an_uncertain_one_is_found(paired, tatum, signer, lost):
    assert paired("resolve", lost, status=3)["error"]["code"] == "refusal.resolve.open"
    (answer,) = signer.answers.values()
    tx_id = item(paired, lost)["txId"]
    tatum.known[tx_id] = answer.items[0].signed
    told = {"id": lost, "state": "COMPLETED", "txId": tx_id}
    assert paired("resolve", lost) == told


def test_a_person_vouches_for_what_was_sent(paired, tatum, lost):
    tx_id = item(paired, lost)["txId"]
    told = confirmed(paired, "resolve", lost, "--sent", tx_id.upper())
    assert told == {"id": lost, "state": "COMPLETED", "txId": tx_id}
    assert tatum.completed == {lost: tx_id}


def test_a_conflict_settles_it_too(paired, tatum, lost):
    other = payment(tatum, 1)
    del tatum.listed[other]
    error = paired("resolve", lost, "--conflict", "ab" * 32, status=3)["error"]
    assert error["code"] == "refusal.cancel.conflict"
    both = ("--sent", "ab" * 32, "--conflict", "ab" * 32)
    assert paired("resolve", lost, *both, status=2)["error"]["code"] == "usage.options"


def test_only_an_uncertain_one_is_resolved(paired, paid):
    for more in ((), ("--conflict", "ab" * 32)):
        error = paired("resolve", paid, *more, status=3)["error"]
        assert error["code"] == "refusal.resolve.state"


def test_a_receipt_tells_of_changes_once(paired, paid, tmp_path):
    output = tmp_path / "receipt"
    assert paired("receipt", "-o", str(output)) == {"number": 1, "items": 1}
    key = relay_key(paired, tmp_path)
    receipt = documents.unseal(output.read_bytes(), Receipt, [key]).document
    assert [(told.id, told.state) for told in receipt.items] == [(paid, "COMPLETED")]
    none = tmp_path / "none"
    assert paired("receipt", "-o", str(none)) == {"number": None, "items": 0}
    assert not none.exists()
    again = tmp_path / "again"
    told = paired("receipt", "--number", "1", "-o", str(again))
    assert told == {"number": 1, "items": 1}
    assert again.read_bytes() == output.read_bytes()
    error = paired("receipt", "--number", "2", "-o", str(none), status=2)["error"]
    assert error["code"] == "usage.receipt"
    assert paired("receipt", "-o", str(again), status=2)["error"]["code"] == (
        "file.exists"
    )


@pytest.mark.usefixtures("paid")
def test_a_receipt_that_cannot_be_written_is_not_lost(paired, tmp_path, monkeypatch):
    def full(*_arguments):
        raise FileError("file.disk_full", "no space left")

    output = str(tmp_path / "receipt")
    with monkeypatch.context() as patch:
        patch.setattr(commandline.Invocation, "write", full)
        error = paired("receipt", "-o", output, status=9)["error"]
    assert "receipt --number 1" in error["hint"]
    assert paired("receipt", "--number", "1", "-o", output)["items"] == 1
