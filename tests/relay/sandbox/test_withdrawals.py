"""Withdrawals of virtual accounts, as a KMS meets them."""

import pytest

from airgap_relay.sandbox.server import Sandbox
from tests.relay.sandbox.purse import (
    P2WPKH,
    STRANGER,
    WALLET,
    Caller,
    address,
    sign_pending,
)

NOBODY = "0" * 24


@pytest.fixture
def started(caller):
    """A funded withdrawal's pending transaction."""
    caller.fund(P2WPKH)
    caller.fund(P2WPKH, "0.002")
    return start(caller)


def start(caller, amount=0.011):
    reply = caller.post(
        "/sandbox/withdrawal",
        chain="BTC",
        signatureId=WALLET,
        **{"from": [{"address": address(P2WPKH), "derivationKey": 4}]},
        to=[{"address": address(STRANGER), "value": amount}],
    )
    assert reply.status == 200, reply
    pending = caller.get(f"/v3/kms/{reply.body['id']}").body
    assert pending["withdrawalId"] == reply.body["withdrawalId"]
    return pending


def send(caller, pending, **changes):
    body = {
        "currency": "BTC",
        "signatureId": pending["id"],
        "withdrawalId": pending["withdrawalId"],
        "txData": sign_pending(pending).encode().hex(),
    }
    return caller.post("/v3/offchain/withdrawal/broadcast", **body | changes)


def test_it_names_the_wallet_and_for_each_input_the_key(caller, started):
    assert started["hashes"] == [WALLET]
    assert "signatures" not in started
    *inputs, change = started["withdrawalResponses"]
    assert change == {"vIn": "-1", "vInIndex": -1, "amount": "0"}
    assert [each["address"]["derivationKey"] for each in inputs] == [4, 4]
    assert [each["amount"] for each in inputs] == ["0.01", "0.002"]
    waiting = caller.post("/v3/kms/pending/BTC", signatureIds=[WALLET])
    assert waiting.body == [started]


def test_sending_it_completes_both(sandbox, caller, started):
    tx_id = sign_pending(started).tx_id()
    assert send(caller, started).body == {"txId": tx_id, "completed": True}
    assert caller.get(f"/v3/kms/{started['id']}").body["txId"] == tx_id
    assert sandbox.tatum.withdrawals.states == {started["withdrawalId"]: "Done"}
    again = send(caller, started)
    assert (again.status, again.body["errorCode"]) == (
        403,
        "withdrawal.unexpected.state",
    )


def test_sent_but_not_completed_it_is_completed_by_hand(sandbox, caller, started):
    reply = send(caller, started, signatureId=NOBODY)
    assert reply.body["completed"] is False
    id_, tx_id = started["withdrawalId"], reply.body["txId"]
    for _ in range(2):
        path = f"/v3/offchain/withdrawal/{id_}/{tx_id}"
        assert caller.call("PUT", path).status == 204
    assert sandbox.tatum.withdrawals.tx_ids == {id_: tx_id}


@pytest.mark.parametrize(
    ("query", "state"),
    [("", "Reverted"), ("?revert=true", "Reverted"), ("?revert=false", "Cancelled")],
)
@pytest.mark.parametrize("path", ["/v3/kms/{id}", "/v3/offchain/withdrawal/{wid}"])
def test_deleting_it_gives_it_back_unless_told_not_to(
    sandbox, caller, started, path, query, state
):
    place = path.format(id=started["id"], wid=started["withdrawalId"])
    assert caller.call("DELETE", place + query).status == 204
    assert sandbox.tatum.withdrawals.states == {started["withdrawalId"]: state}


def test_an_unknown_withdrawal_is_refused(caller, started):
    assert send(caller, started, withdrawalId=NOBODY).status == 403
    path = f"/v3/offchain/withdrawal/{NOBODY}"
    assert caller.call("PUT", f"{path}/{'ab' * 32}").status == 403
    assert caller.call("DELETE", path).status == 403


def test_its_state_outlives_the_sandbox(sandbox, caller, tmp_path):
    caller.fund(P2WPKH)
    pending = start(caller, 0.001)
    send(caller, pending)
    sandbox.stop()
    with Sandbox(tmp_path / "sandbox") as again:
        assert again.tatum.withdrawals.states == {pending["withdrawalId"]: "Done"}
        other = Caller(again.url, again.api_key)
        assert other.get(f"/v3/kms/{pending['id']}").body["txId"]
