"""Payments that take each other's place: of all versions, one is ever confirmed."""

import pytest

from airgap_relay.sandbox.faults import Fault
from airgap_shared.formats.bitcoin.transaction import Transaction
from tests.e2e.world import STRANGER, World


def confirmed(world: World, *tx_ids: str) -> str:
    """Mine, and return the only one of ``tx_ids`` that is confirmed then."""
    world.relay.run("sandbox-mine")
    ledger = world.sandbox.tatum.ledgers["BTC"]
    assert not ledger.mempool
    (winner,) = [tx_id for tx_id in tx_ids if tx_id in ledger.heights]
    return winner


def transaction(world: World, tx_id: str) -> Transaction:
    return world.sandbox.tatum.ledgers["BTC"].transactions[tx_id]


def accept(world: World, *command: str):
    """Run a command of the relay that a person must confirm, as that person."""
    asked = world.relay.try_("--json", *command)
    assert asked.status == 3, asked
    assert asked.json["error"]["code"] == "refusal.confirmation_required", asked
    code = asked.json["error"]["confirm"]
    return world.relay.run(*command, "--confirm", code)


def carry(world: World, name: str, *more: str):
    """Export, sign, import; return what the signer says."""
    batch = world.export(f"unsigned-{name}")
    told = world.sign(batch, f"signed-{name}", *more)
    world.relay.run("import", world.path(f"signed-{name}"))
    return told


@pytest.fixture
def paid(world):
    """A world with a payment that is broadcast, and not confirmed; its item."""
    world.fund()
    id_ = world.transfer()
    carry(world, "first")
    assert world.relay.run("broadcast")["completed"] == 1
    return world, world.show(id_)


def pending_tx_id(world: World, id_: str) -> str:
    found = world.sandbox.tatum.pending.find(id_)
    assert found is not None
    return str(found["txId"])


def test_a_fee_is_raised_while_the_payment_waits(paid):
    world, before = paid
    id_ = before["id"]
    told = accept(world, "replace", id_)
    assert float(told["fee"]) == 2 * float(told["oldFee"])
    carry(world, "second", "--replace", id_)
    assert world.relay.run("broadcast")["completed"] == 1
    after = world.show(id_)
    assert (after["state"], pending_tx_id(world, id_)) == ("COMPLETED", after["txId"])
    sent = transaction(world, after["txId"])
    assert {spent.sequence for spent in sent.inputs} == {0xFFFFFFFD}
    assert sent.outputs[0].amount == 400_000
    assert confirmed(world, before["txId"], after["txId"]) == after["txId"]
    assert world.relay.run("broadcast")["completed"] == 0


def test_without_a_persons_word_the_signer_refuses_and_the_first_one_counts(paid):
    world, before = paid
    id_ = before["id"]
    accept(world, "replace", id_)
    told = carry(world, "second")
    assert [item["outcome"] for item in told["items"]] == ["refused"]
    assert world.show(id_)["state"] == "UNCERTAIN"
    world.relay.run("broadcast")
    after = world.show(id_)
    assert (after["state"], after["txId"]) == ("COMPLETED", before["txId"])
    assert confirmed(world, before["txId"]) == before["txId"]


def test_the_first_one_is_confirmed_before_its_replacement_is_sent(paid):
    world, before = paid
    id_ = before["id"]
    accept(world, "replace", id_)
    told = carry(world, "second", "--replace", id_)
    second = told["items"][0]["txId"]
    winner = confirmed(world, before["txId"], second)
    assert winner == before["txId"]
    world.relay.run("broadcast")
    after = world.show(id_)
    assert (after["state"], after["txId"]) == ("COMPLETED", winner)
    assert pending_tx_id(world, id_) == winner


def test_a_replacement_whose_answer_is_lost_is_found(paid):
    world, before = paid
    id_ = before["id"]
    accept(world, "replace", id_, "--fee-rate", "40")
    carry(world, "second", "--replace", id_)
    world.lies.of_path["/broadcast"] = lambda _request: Fault(drops_connection=True)
    world.relay.try_("broadcast")
    world.lies.of_path.clear()
    world.relay.run("broadcast")
    after = world.show(id_)
    assert after["state"] == "COMPLETED"
    assert confirmed(world, before["txId"], after["txId"]) == after["txId"]


def test_tatum_issues_a_payment_anew_over_the_same_coins(paid):
    world, before = paid
    spent = transaction(world, before["txId"]).inputs
    coins = [
        {
            "txHash": each.out_point.tx_id,
            "index": each.out_point.index,
            "signatureId": world.keys[0]["signatureId"],
        }
        for each in spent
    ]
    reply = world.tatum.post(
        "/v3/bitcoin/transaction",
        fromUTXO=coins,
        to=[{"address": STRANGER, "value": 0.004}],
        fee="0.0001",
        changeAddress=world.keys[0]["address"],
    )
    id_ = reply.body["signatureId"]
    told = carry(world, "anew")
    assert [item["error"]["code"] for item in told["items"]] == [
        "refusal.conflict.coin"
    ]
    # Nothing signs it as it was asked: it is retried, and replaces by a person's word.
    assert world.relay.run("retry", id_)["state"] == "SEEN"
    told = carry(world, "again", "--replace", id_)
    assert [item["outcome"] for item in told["items"]] == ["signed"]
    assert world.relay.run("broadcast")["completed"] == 1
    after = world.show(id_)
    assert confirmed(world, before["txId"], after["txId"]) == after["txId"]
    # The first payment can now be given up: another one is confirmed in its place.
    gone = accept(world, "cancel", before["id"])
    assert (gone["state"], gone["conflict"]) == ("CANCELLED", after["txId"])


def test_a_payment_is_cancelled_by_paying_ourselves(paid):
    world, before = paid
    id_ = before["id"]
    refused = world.relay.try_("--json", "cancel", id_)
    assert refused.json["error"]["code"] == "refusal.cancel.exported"
    assert accept(world, "replace", id_, "--cancel")["replaces"] == "cancel"
    carry(world, "back", "--replace", id_)
    assert world.relay.run("broadcast")["completed"] == 1
    after = world.show(id_)
    assert confirmed(world, before["txId"], after["txId"]) == after["txId"]
    sent = transaction(world, after["txId"])
    coin = transaction(world, sent.inputs[0].out_point.tx_id)
    (back,) = sent.outputs
    assert back.script == coin.outputs[0].script
    assert accept(world, "cancel", id_)["conflict"] == after["txId"]


def test_a_receipt_tells_the_signer_which_version_it_was(paid):
    world, before = paid
    id_ = before["id"]
    accept(world, "replace", id_)
    carry(world, "second", "--replace", id_)
    world.relay.run("broadcast")
    told = world.relay.run("receipt", "-o", world.path("receipt"))
    assert told == {"number": 1, "items": 1}
    read = world.signer.run("receipt", world.path("receipt"))
    (item,) = read["items"]
    assert (item["id"], item["state"], item["matches"]) == (id_, "COMPLETED", True)
    assert item["txId"] == world.show(id_)["txId"] != before["txId"]
    again = world.signer.try_("--json", "receipt", world.path("receipt"))
    assert again.json["error"]["code"] == "refusal.replay"
    assert confirmed(world, before["txId"], item["txId"]) == item["txId"]


def test_a_refused_payment_is_retried_and_paid(world):
    world.fund()
    id_ = world.transfer()
    carry(world, "first", "--veto", id_)
    assert world.show(id_)["state"] == "REFUSED"
    assert world.sandbox.tatum.pending.reported
    assert world.relay.run("retry", id_)["state"] == "SEEN"
    carry(world, "second")
    assert world.relay.run("broadcast")["completed"] == 1
    tx_id = world.show(id_)["txId"]
    assert confirmed(world, tx_id) == tx_id


def test_a_payment_that_nobody_signs_is_cancelled_at_tatum(world):
    world.fund()
    id_ = world.transfer()
    carry(world, "first", "--veto", id_)
    told = accept(world, "cancel", id_)
    assert (told["state"], told["reverted"]) == ("CANCELLED", False)
    assert world.sandbox.tatum.pending.find(id_) is None
    other = world.transfer()
    world.relay.run("poll")
    assert accept(world, "cancel", other)["reverted"] is True
    assert world.sandbox.tatum.pending.find(other) is None
    result = world.relay.try_("export", "-o", world.path("nothing"))
    assert "nothing to sign" in result.stdout
    world.relay.run("sandbox-mine")
    assert len(world.sandbox.tatum.ledgers["BTC"].transactions) == 1


def test_an_uncertain_payment_is_settled_by_a_confirmed_conflict(world):
    world.fund()
    id_ = world.transfer()
    carry(world, "first")
    world.lies.of_path["/broadcast"] = lambda _request: Fault(refuse_with=500)
    world.relay.try_("broadcast")
    assert world.show(id_)["state"] == "UNCERTAIN"
    world.lies.of_path.clear()
    first = world.show(id_)["txId"]
    accept(world, "replace", id_, "--cancel")
    told = carry(world, "back", "--replace", id_)
    second = told["items"][0]["txId"]
    world.lies.of_path["/broadcast"] = lambda _request: Fault(drops_connection=True)
    world.lies.of_path[second] = lambda _request: Fault(refuse_with=503)
    world.relay.try_("broadcast")
    world.lies.of_path.clear()
    assert world.show(id_)["state"] == "UNCERTAIN"
    assert confirmed(world, first, second) == second
    gone = accept(world, "resolve", id_, "--conflict", second)
    assert (gone["state"], gone["txId"]) == ("CANCELLED", second)
