"""Withdrawals of virtual accounts, from a mnemonic wallet, through both programs."""

import pytest

from airgap_relay.sandbox.faults import Fault
from tests.e2e.world import STRANGER, World

INDEXES = (0, 3)


@pytest.fixture
def withdrawal(world):
    """A world whose wallet has coins of two of its keys, and a withdrawal of both."""
    wallet = world.signer.run("generatemanagedwallet", "BTC", "--testnet")
    id_ = wallet["signatureId"]
    world.signer.run("manifest", "-o", world.path("manifest-2"))
    world.relay.run("manifest", world.path("manifest-2"))
    senders = []
    for index in INDEXES:
        address = world.signer.run("getaddress", id_, str(index))["address"]
        world.tatum.post("/sandbox/fund", chain="BTC", address=address, amount="0.01")
        senders.append({"address": address, "derivationKey": index})
    reply = world.tatum.post(
        "/sandbox/withdrawal",
        chain="BTC",
        signatureId=id_,
        **{"from": senders},
        to=[{"address": STRANGER, "value": 0.015}],
        fee="0.00002",
        changeAddress=senders[0]["address"],
    )
    assert reply.status == 200, reply
    return world, reply.body["id"], reply.body["withdrawalId"]


def carry(world: World) -> None:
    told = world.sign(world.export())
    assert [item["outcome"] for item in told["items"]] == ["signed"]
    world.relay.run("import", world.path("signed"))


def settled(world: World, id_: str, withdrawal_id: str) -> None:
    """Mine, and see that the withdrawal was paid once and both ends know."""
    tatum = world.sandbox.tatum
    tx_id = world.show(id_)["txId"]
    assert world.show(id_)["state"] == "COMPLETED"
    pending = tatum.pending.find(id_)
    assert pending is not None
    assert pending["txId"] == tx_id
    assert tatum.withdrawals.states == {withdrawal_id: "Done"}
    assert tatum.withdrawals.tx_ids == {withdrawal_id: tx_id}
    assert list(tatum.ledgers["BTC"].mempool) == [tx_id]
    world.relay.run("sandbox-mine")
    assert tx_id in tatum.ledgers["BTC"].heights


def test_a_withdrawal_is_signed_by_the_keys_of_its_inputs_and_completed(withdrawal):
    world, id_, withdrawal_id = withdrawal
    carry(world)
    assert world.relay.run("broadcast")["completed"] == 1
    settled(world, id_, withdrawal_id)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(is_left_incomplete=True),
        Fault(drops_connection=True),
        Fault(answer_with=500),
        Fault(refuse_with=500),
    ],
    ids=["not-completed", "answer-lost", "error-after", "error-before"],
)
def test_a_fault_while_withdrawing_sends_once_and_completes_both(withdrawal, fault):
    world, id_, withdrawal_id = withdrawal
    carry(world)
    faults = [fault]
    sent = []

    def broadcast(request):
        sent.append(request.body["txData"])
        return faults.pop() if faults else Fault()

    world.lies.of_path["/withdrawal/broadcast"] = broadcast
    for _ in range(2):
        assert world.relay.try_("broadcast").status in (0, 7)
    assert len(set(sent)) == 1
    settled(world, id_, withdrawal_id)


def test_a_withdrawal_that_was_not_exported_is_given_back(withdrawal):
    world, id_, withdrawal_id = withdrawal
    world.relay.run("poll")
    asked = world.relay.try_("--json", "cancel", id_).json["error"]
    told = world.relay.run("cancel", id_, "--confirm", asked["confirm"])
    assert told["reverted"] is True
    assert world.sandbox.tatum.withdrawals.states == {withdrawal_id: "Reverted"}


def test_a_withdrawal_that_was_exported_is_never_given_back(withdrawal):
    world, id_, withdrawal_id = withdrawal
    told = world.sign(world.export(), "signed", "--veto", id_)
    assert told["refused"] == 1
    world.relay.run("import", world.path("signed"))
    asked = world.relay.try_("--json", "cancel", id_).json["error"]
    told = world.relay.run("cancel", id_, "--confirm", asked["confirm"])
    assert told["reverted"] is False
    assert world.sandbox.tatum.withdrawals.states == {withdrawal_id: "Cancelled"}


def test_the_fee_of_a_withdrawal_can_be_raised(withdrawal):
    world, id_, withdrawal_id = withdrawal
    carry(world)
    world.relay.run("broadcast")
    first = world.show(id_)["txId"]
    asked = world.relay.try_("--json", "replace", id_).json["error"]
    world.relay.run("replace", id_, "--confirm", asked["confirm"])
    batch = world.export("unsigned-2")
    world.sign(batch, "signed-2", "--replace", id_)
    world.relay.run("import", world.path("signed-2"))
    assert world.relay.run("broadcast")["completed"] == 1
    assert world.show(id_)["txId"] != first
    settled(world, id_, withdrawal_id)
