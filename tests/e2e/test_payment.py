"""A payment's way there and back, when something is repeated, lost or goes wrong."""

from pathlib import Path

import pytest

from airgap_relay.sandbox.faults import Fault
from tests.e2e.world import STRANGER

ONE_DONE = {"completed": 1, "waiting": 0, "uncertain": 0, "rejected": 0}


def finish(world):
    """Import what was signed and send until it is completed; return the item."""
    world.relay.run("import", world.path("signed"))
    item = None
    for _ in range(3):
        sent = world.relay.try_("broadcast")
        assert sent.status in (0, 7), sent
        (item,) = world.relay.run("status")["transactions"]
        if item["state"] == "COMPLETED":
            break
    assert item is not None
    assert item["state"] == "COMPLETED"
    return item


def test_a_signed_payment_is_sent_completed_and_mined(signed_world):
    world = signed_world
    item = finish(world)
    pending = world.sandbox.tatum.pending.find(item["id"])
    assert pending is not None
    assert pending["txId"] == item["txId"]
    assert world.relay.run("sandbox-mine")["height"] == 2
    ledger = world.sandbox.tatum.ledgers["BTC"]
    assert ledger.heights[item["txId"]] == 1
    assert world.relay.run("broadcast") == dict.fromkeys(ONE_DONE, 0)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drops_connection=True),
        Fault(answer_with=500),
        Fault(refuse_with=500),
        Fault(refuse_with=429),
        Fault(is_left_incomplete=True),
    ],
    ids=["answer-lost", "error-after", "error-before", "busy", "not-completed"],
)
def test_a_fault_while_sending_sends_once_and_completes(signed_world, fault):
    world = signed_world
    faults = [fault]
    sent = []

    def broadcast(request):
        sent.append(request.body["txData"])
        return faults.pop() if faults else Fault()

    world.lies.of_path["/broadcast"] = broadcast
    item = finish(world)
    assert len(set(sent)) == 1
    assert world.sandbox.tatum.pending.find(item["id"])["txId"] == item["txId"]
    assert list(world.sandbox.tatum.ledgers["BTC"].mempool) == [item["txId"]]


def test_importing_twice_changes_nothing(signed_world):
    world = signed_world
    first = world.relay.run("import", world.path("signed"))
    assert world.relay.run("import", world.path("signed")) == first
    world.relay.run("broadcast")
    assert world.relay.run("import", world.path("signed")) == first
    assert world.relay.run("broadcast")["completed"] == 0


def test_a_signed_batch_is_answered_again_byte_for_byte(signed_world):
    world = signed_world
    again = world.sign(world.path("unsigned"), "again")
    assert (again["signed"], again["refused"]) == (1, 0)
    first = Path(world.path("signed")).read_bytes()
    assert Path(world.path("again")).read_bytes() == first


def test_an_exported_batch_can_be_written_again_byte_for_byte(signed_world):
    world = signed_world
    (item,) = world.relay.run("status")["transactions"]
    world.relay.run("export", "--batch", item["batch"], "-o", world.path("again"))
    first = Path(world.path("unsigned")).read_bytes()
    assert Path(world.path("again")).read_bytes() == first


def test_nothing_to_sign_writes_nothing_and_is_no_error(signed_world):
    world = signed_world
    world.relay.run("poll")
    result = world.relay.try_("export", "-o", world.path("empty"))
    assert result.status == 0
    assert not Path(world.path("empty")).exists()


def test_outputs_are_never_overwritten(signed_world):
    world = signed_world
    for machine, command in (
        (world.signer, ("sign", world.path("unsigned"), "-o", world.path("signed"))),
        (world.signer, ("manifest", "-o", world.path("signed"))),
        (world.relay, ("export", "-o", world.path("signed"))),
        (world.relay, ("identity", "-o", world.path("signed"))),
    ):
        before = machine.state()
        result = machine.try_(*command)
        assert result.status == 2, (command, result)
        assert machine.state() == before


def test_signing_without_a_confirmation_changes_nothing(world):
    world.fund()
    world.transfer()
    batch = world.export()
    before = world.signer.state()
    command = ("sign", batch, "-o", world.path("signed"))
    asked = world.signer.try_("--json", *command)
    assert asked.status == 3
    assert asked.json["error"]["code"] == "refusal.confirmation_required"
    code = asked.json["error"]["confirm"]
    assert f"airgap-signer: confirm: {code}" in asked.stderr
    wrong = "0000-0000" if code != "0000-0000" else "1111-1111"
    refused = world.signer.try_("--json", *command, "--confirm", wrong)
    assert refused.status == 3
    assert world.signer.state() == before
    assert not Path(world.path("signed")).exists()
    done = world.signer.run(*command, "--confirm", code)
    assert (done["signed"], done["items"][0]["outcome"]) == (1, "signed")


def test_of_three_payments_one_is_vetoed_and_the_others_are_sent(world):
    ids = []
    for key in (0, 1, 1):
        world.fund(key)
        ids.append(world.transfer(0.001, key))
    answer = world.sign(world.export(), "signed", "--veto", ids[0])
    outcomes = {item["id"]: item["outcome"] for item in answer["items"]}
    assert outcomes == {ids[0]: "refused", ids[1]: "signed", ids[2]: "signed"}
    taken = world.relay.run("import", world.path("signed"))
    assert (taken["signed"], taken["refused"]) == (2, 1)
    assert world.relay.run("broadcast")["completed"] == 2
    assert len(world.sandbox.tatum.ledgers["BTC"].mempool) == 2
    items = {i["id"]: i for i in world.relay.run("status")["transactions"]}
    assert [items[id_]["state"] for id_ in ids] == ["REFUSED"] + ["COMPLETED"] * 2
    assert [report["signatureId"] for report in world.sandbox.tatum.pending.reported]


def test_a_child_of_a_mnemonic_wallet_pays_by_its_index(world):
    wallet = world.signer.run("generatemanagedwallet", "BTC", "--testnet")
    id_ = wallet["signatureId"]
    address = world.signer.run("getaddress", id_, "3")["address"]
    world.signer.run("manifest", "-o", world.path("manifest-2"))
    world.relay.run("manifest", world.path("manifest-2"))
    world.relay.run("sandbox-fund", "BTC", address, "0.5")
    to, change = f"{STRANGER}=0.1", world.keys[0]["address"]
    pending = world.relay.run(
        *("transfer", "BTC", "--from", f"{address}={id_}:3", "--to", to),
        *("--fee", "0.00002", "--change", change),
    )["id"]
    answer = world.sign(world.export())
    assert [item["outcome"] for item in answer["items"]] == ["signed"]
    assert finish(world)["id"] == pending
    (transaction,) = world.sandbox.tatum.ledgers["BTC"].mempool.values()
    assert [o.amount for o in transaction.outputs] == [10_000_000, 39_998_000]


def test_a_higher_fee_replaces_a_payment_when_a_person_says_so(signed_world):
    world = signed_world
    first = finish(world)
    (earlier,) = world.sandbox.tatum.ledgers["BTC"].mempool.values()
    point, sender = earlier.inputs[0].out_point, world.keys[0]
    coin = {"txHash": point.tx_id, "index": point.index}
    id_ = world.tatum.post(
        "/v3/bitcoin/transaction",
        fromUTXO=[{**coin, "signatureId": sender["signatureId"]}],
        to=[{"address": STRANGER, "value": 0.004}],
        fee="0.00002",
        changeAddress=sender["address"],
    ).body["signatureId"]
    batch = world.export("second")
    answer = world.sign(batch, "signed-2", "--replace", id_)
    assert [item["outcome"] for item in answer["items"]] == ["signed"], answer
    world.relay.run("import", world.path("signed-2"))
    assert world.relay.run("broadcast")["completed"] == 1
    (tx_id,) = world.sandbox.tatum.ledgers["BTC"].mempool
    assert tx_id == world.show(id_)["txId"] != first["txId"]


def test_a_wrong_password_is_its_own_status_and_changes_nothing(world):
    world.fund()
    world.transfer()
    batch = world.export()
    other = Path(world.path("other-password"))
    other.touch(mode=0o600)
    other.write_text("not this one\n")
    before = world.signer.state()
    command = ("sign", batch, "-o", world.path("signed"), "--confirm", "0000-0000")
    result = world.signer.try_(*command, "--password-file", str(other))
    assert result.status == 5, result
    assert "Traceback" not in result.stderr
    assert world.signer.state() == before
    assert not Path(world.path("signed")).exists()


def test_a_password_file_that_others_can_read_is_refused(world):
    Path(world.path("password")).chmod(0o644)
    assert world.signer.try_("report").status in (2, 5)
