"""Tatum's calls, as a KMS makes them: pending list, transfers, completion, errors."""

import json
from decimal import Decimal

import pytest

from airgap_relay.sandbox.server import Sandbox
from airgap_shared import chains
from airgap_shared.formats import bitcore
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.transaction import OutPoint
from tests.relay.sandbox.purse import (
    P2PKH,
    P2WPKH,
    STRANGER,
    WALLET,
    Caller,
    address,
    sign_pending,
)

OTHER_WALLET = "bc78b115-539b-45c5-a6dc-331a3e43c563"
NOBODY = "0" * 24


def started(caller, script=P2WPKH, **more):
    """A funded transfer's pending transaction."""
    caller.fund(script)
    reply = caller.transfer(script, **more)
    assert reply.status == 200, reply
    return caller.get(f"/v3/kms/{reply.body['signatureId']}").body


def waiting(caller, *ids):
    return caller.post("/v3/kms/pending/BTC", signatureIds=list(ids)).body


def test_a_transfer_waits_for_the_wallet_it_names_and_no_other(caller):
    pending = started(caller)
    assert waiting(caller, WALLET, OTHER_WALLET) == [pending]
    assert waiting(caller, OTHER_WALLET) == waiting(caller) == []
    assert caller.get(f"/v3/kms/pending/BTC?signatures=x,{WALLET}").body == [pending]
    assert caller.get(f"/v3/kms/pending/BTC?signatures={OTHER_WALLET}").body == []
    assert caller.get("/v3/kms/pending/BTC").body == [pending]


def test_a_pending_transaction_has_the_fields_that_tatum_sends(caller):
    pending = started(caller)
    assert list(pending) == [
        "withdrawalId",
        "chain",
        "serializedTransaction",
        "hashes",
        "index",
        "withdrawalResponses",
        "id",
    ]
    assert pending["hashes"] == [WALLET]
    serialized = json.loads(pending["serializedTransaction"])
    assert list(serialized) == [
        "hash",
        "version",
        "inputs",
        "outputs",
        "nLockTime",
        "changeScript",
        "changeIndex",
        "fee",
    ]
    assert list(serialized["inputs"][0]) == [
        "prevTxId",
        "outputIndex",
        "sequenceNumber",
        "script",
        "scriptString",
        "output",
    ]
    assert serialized["changeIndex"] == 1
    assert serialized["changeScript"] == f"OP_0 20 0x{P2WPKH[2:].hex()}"


def test_a_wallet_with_an_index_is_named_among_the_signatures(caller):
    pending = started(caller, index=3)
    assert (pending["hashes"], pending["signatures"]) == (
        [],
        [{"id": WALLET, "index": 3}],
    )
    assert waiting(caller, WALLET) == [pending]


@pytest.mark.parametrize("script", [P2PKH, P2WPKH], ids=["p2pkh", "p2wpkh"])
def test_sending_with_the_pending_id_completes_it(caller, script):
    pending = started(caller, script)
    signed = sign_pending(pending)
    reply = caller.broadcast(signed, signatureId=pending["id"])
    assert reply.body == {"txId": signed.tx_id()}
    assert caller.get(f"/v3/kms/{pending['id']}").body["txId"] == signed.tx_id()
    assert waiting(caller, WALLET) == []


def test_sending_for_an_unknown_id_sends_but_says_failed(caller):
    pending = started(caller)
    signed = sign_pending(pending)
    reply = caller.broadcast(signed, signatureId=NOBODY)
    assert reply.body == {"txId": signed.tx_id(), "failed": True}
    assert caller.find(signed.tx_id()) == signed
    assert waiting(caller, WALLET) == [pending]


def test_a_pending_transaction_can_be_completed_by_hand_and_anew(caller):
    id_ = started(caller)["id"]
    assert caller.call("PUT", f"/v3/kms/{id_}/{'ab' * 32}").status == 204
    assert caller.call("PUT", f"/v3/kms/{id_}/{'ab' * 32}").status == 204
    assert caller.get(f"/v3/kms/{id_}").body["txId"] == "ab" * 32
    # A replacement may have won: the last word counts.
    assert caller.call("PUT", f"/v3/kms/{id_}/{'cd' * 32}").status == 204
    assert caller.get(f"/v3/kms/{id_}").body["txId"] == "cd" * 32
    assert waiting(caller, WALLET) == []


def test_a_deleted_one_is_gone_and_its_coin_is_free_again(caller):
    pending = started(caller)
    assert caller.transfer(P2WPKH).status == 400
    assert caller.call("DELETE", f"/v3/kms/{pending['id']}?revert=false").status == 204
    assert caller.get(f"/v3/kms/{pending['id']}").status == 403
    assert caller.transfer(P2WPKH).status == 200


def test_two_transfers_in_a_row_spend_different_coins(caller):
    first, second = started(caller), started(caller)
    spent = [
        bitcore.decode(pending["serializedTransaction"]).unsigned.inputs[0].out_point
        for pending in (first, second)
    ]
    assert len(set(spent)) == 2


@pytest.mark.parametrize("call", ["GET", "DELETE"])
def test_an_unknown_pending_id_is_missing(caller, call):
    reply = caller.call(call, f"/v3/kms/{NOBODY}")
    assert reply.status == 403
    assert reply.body == {
        "statusCode": 403,
        "errorCode": "kms.missing",
        "message": f"No such KMS signature with id '{NOBODY}'.",
    }


def test_without_or_with_a_wrong_key_nothing_is_answered(sandbox):
    for key, code in ((None, None), ("wrong", "subscription.invalid")):
        reply = Caller(sandbox.url, key).get("/v3/kms/pending/BTC")
        assert reply.status == reply.body["statusCode"] == 401
        assert reply.body.get("errorCode") == code


def test_reported_errors_are_kept(sandbox, caller):
    errors = [{"signatureId": NOBODY, "error": "refusal.policy.max_fee"}]
    assert caller.post("/v3/tatum/kms/batch", errors=errors).status == 204
    assert sandbox.tatum.pending.reported == errors


def test_change_goes_where_it_is_asked_to_and_the_fee_is_as_given(caller):
    point = caller.fund(P2WPKH)
    reply = caller.post(
        "/v3/bitcoin/transaction",
        fromAddress=[{"address": address(P2WPKH), "signatureId": WALLET}],
        to=[{"address": address(STRANGER), "value": 0.0015}],
        fee="0.0001",
        changeAddress=address(P2PKH),
    )
    pending = caller.get(f"/v3/kms/{reply.body['signatureId']}").body
    unsigned = bitcore.decode(pending["serializedTransaction"]).unsigned
    assert [i.out_point for i in unsigned.inputs] == [point]
    assert [(o.amount, o.script) for o in unsigned.outputs] == [
        (150_000, STRANGER),
        (840_000, P2PKH),
    ]


def test_change_below_dust_is_left_to_the_miner(caller):
    pending = started(caller, amount=0.009992)
    serialized = json.loads(pending["serializedTransaction"])
    assert "changeIndex" not in serialized
    assert serialized["fee"] == 1_000_000 - 999_200
    assert caller.broadcast(sign_pending(pending)).status == 200


def test_coins_can_be_named(caller):
    points = [caller.fund(P2WPKH), caller.fund(P2WPKH)]
    reply = caller.post(
        "/v3/bitcoin/transaction",
        fromUTXO=[
            {"txHash": p.tx_id, "index": p.index, "signatureId": WALLET} for p in points
        ],
        to=[{"address": address(STRANGER), "value": 0.001}],
    )
    pending = caller.get(f"/v3/kms/{reply.body['signatureId']}").body
    assert pending["hashes"] == [WALLET, WALLET]
    unsigned = bitcore.decode(pending["serializedTransaction"]).unsigned
    assert [i.out_point for i in unsigned.inputs] == points


TO = [{"address": address(STRANGER), "value": 0.001}]
FUND = {"chain": "BTC", "address": address(P2WPKH)}
FROM = [{"address": address(P2WPKH), "signatureId": WALLET}]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("fromAddress", {"to": TO}),
        ("fromAddress", {"fromAddress": FROM}),
        ("fromAddress", {"fromAddress": "x", "to": TO}),
        ("to", {"fromAddress": FROM, "to": ["x"]}),
        ("fee", {"fromAddress": FROM, "to": TO, "fee": "0.1"}),
        ("address", {"fromAddress": FROM, "to": [{"address": "x", "value": 1}]}),
        ("value", {"fromAddress": FROM, "to": [{**TO[0], "value": -1}]}),
        ("value", {"fromAddress": FROM, "to": [{**TO[0], "value": 1e-9}]}),
        ("value", {"fromAddress": FROM, "to": [{"address": address(STRANGER)}]}),
        ("index", {"fromAddress": [{**FROM[0], "index": "1"}], "to": TO}),
        ("signatureId", {"fromAddress": [{"address": address(P2WPKH)}], "to": TO}),
        ("fromUTXO", {"fromUTXO": [{"txHash": "ab" * 32, "index": 0}], "to": TO}),
    ],
)
def test_a_transfer_that_does_not_fit_is_refused_by_field(caller, field, body):
    caller.fund(P2WPKH)
    reply = caller.call("POST", "/v3/bitcoin/transaction", body)
    assert (reply.status, reply.body["errorCode"]) == (400, "validation.failed")
    assert reply.body["data"][0]["property"] == field
    assert waiting(caller, WALLET) == []


def test_a_transfer_above_the_coins_is_refused(caller):
    caller.fund(P2WPKH)
    reply = caller.transfer(P2WPKH, 0.01)
    assert reply.status == 400
    assert "do not cover 1000000" in json.dumps(reply.body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v3/kms/pending/BTC", {}),
        ("/v3/kms/pending/XYZ", {"signatureIds": []}),
        ("/v3/kms/pending/BTC", [1]),
        ("/v3/kms/pending/BTC", {"signatureIds": [{}]}),
        ("/v3/tatum/kms/batch", {"errors": [1]}),
        ("/v3/bitcoin/broadcast", {"txData": "xyz"}),
        ("/v3/bitcoin/broadcast", {}),
        ("/sandbox/mine", {"count": 0}),
        ("/sandbox/mine", {"count": 10**9}),
        ("/sandbox/fund", {"chain": "BTC", "address": "x", "amount": "1"}),
        ("/sandbox/fund", {**FUND, "amount": "21000001"}),
        ("/sandbox/fund", {**FUND, "amount": 1e30}),
        ("/sandbox/fund", {"chain": "XYZ", "address": "x", "amount": "1"}),
    ],
)
def test_a_body_that_does_not_fit_is_refused(caller, path, body):
    reply = caller.call("POST", path, body)
    assert (reply.status, reply.body["errorCode"]) == (400, "validation.failed")


def test_bytes_that_are_no_transaction_are_refused(caller):
    reply = caller.post("/v3/bitcoin/broadcast", txData="00")
    assert (reply.status, reply.body["errorCode"]) == (
        403,
        "blockchain.broadcast.error",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v3/bitcoin/broadcast"),
        ("POST", "/v3/nochain/broadcast"),
        ("GET", f"/v3/bitcoin/transaction/{'ab' * 32}"),
        ("GET", f"/v3/bitcoin/utxo/{'ab' * 32}/0"),
    ],
)
def test_what_is_not_there_is_not_found(caller, method, path):
    reply = caller.call(method, path, {} if method == "POST" else None)
    assert reply.status == reply.body["statusCode"] == 404


def test_a_transaction_is_described_as_tatum_does(caller):
    pending = started(caller)
    signed = sign_pending(pending)
    caller.broadcast(signed)
    described = caller.get(f"/v3/bitcoin/transaction/{signed.tx_id()}").body
    assert described["hash"] == signed.tx_id()
    assert described["witnessHash"] != signed.tx_id()
    point = signed.inputs[0].out_point
    spent = described["inputs"][0]
    assert spent["prevout"] == {"hash": point.tx_id, "index": point.index}
    assert spent["coin"]["value"] == 1_000_000
    assert spent["witness"].startswith("0247304402") or spent["witness"][:2] == "02"
    assert described["outputs"][0] == {
        "value": 100_000,
        "script": STRANGER.hex(),
        "address": address(STRANGER),
    }
    funding = caller.get(f"/v3/bitcoin/transaction/{point.tx_id}").body
    assert funding["inputs"][0]["coin"] is None


def test_the_node_gives_raw_transactions(caller):
    point = caller.fund(P2WPKH)
    path = "/v3/blockchain/node/bitcoin-testnet"
    request = {"jsonrpc": "2.0", "id": 7, "method": "getrawtransaction"}
    reply = caller.post(path, **request, params=[point.tx_id, False]).body
    assert bytes.fromhex(reply["result"]) == caller.find(point.tx_id).encode()
    assert reply["id"] == 7
    missing = caller.post(path, **request, params=["ab" * 32]).body
    assert (missing["result"], missing["error"]["code"]) == (None, -5)
    other = caller.post(path, id=1, method="stop").body
    assert other["error"]["code"] == -32601


def test_mainnet_addresses_may_rehearse_too(caller):
    mainnet = scripts.address(P2WPKH, chains.lookup("BTC", "mainnet").bitcoin)
    reply = caller.post("/sandbox/fund", chain="BTC", address=mainnet, amount="0.5")
    described = caller.get(f"/v3/bitcoin/transaction/{reply.body['txId']}").body
    assert described["outputs"][0]["address"] == mainnet


def test_amounts_are_exact_whatever_their_form(caller):
    for amount, expected in (("0.10000000", 10**7), (0.1, 10**7), (1, 10**8)):
        body = {"chain": "BTC", "address": address(P2WPKH), "amount": amount}
        tx_id = caller.call("POST", "/sandbox/fund", body).body["txId"]
        assert caller.find(tx_id).outputs[0].amount == expected, Decimal(expected)


def test_a_child_of_a_waiting_transaction_is_built_and_taken(caller):
    parent = sign_pending(started(caller))
    caller.broadcast(parent)
    reply = caller.transfer(P2WPKH, 0.0001)
    child = caller.get(f"/v3/kms/{reply.body['signatureId']}").body
    signed = sign_pending(child)
    assert signed.inputs[0].out_point == OutPoint(parent.tx_id(), 1)
    assert caller.broadcast(signed).status == 200


def test_everything_is_there_again_after_a_restart(tmp_path):
    folder = tmp_path / "state"
    with Sandbox(folder) as sandbox:
        caller = Caller(sandbox.url, sandbox.api_key)
        done, left = started(caller), started(caller)
        caller.broadcast(sign_pending(done), signatureId=done["id"])
        caller.mine(2)
        waits = started(caller)
        mempool = sign_pending(waits)
        caller.broadcast(mempool)
        errors = [{"signatureId": left["id"], "error": "x"}]
        caller.post("/v3/tatum/kms/batch", errors=errors)
        key = sandbox.api_key
        before = snapshot(caller, done, left, mempool)
    with Sandbox(folder) as sandbox:
        assert sandbox.api_key == key
        caller = Caller(sandbox.url, key)
        assert snapshot(caller, done, left, mempool) == before
        assert sandbox.tatum.pending.reported == errors
        assert caller.mine() == sandbox.tatum.ledgers["BTC"].height == 6
        assert caller.broadcast(sign_pending(left)).status == 200


def snapshot(caller, done, left, mempool):
    """What the API says about everything that the test made."""
    completed = caller.get(f"/v3/kms/{done['id']}")
    return (
        completed,
        caller.get(f"/v3/bitcoin/transaction/{completed.body['txId']}"),
        caller.get(f"/v3/kms/{left['id']}"),
        caller.get(f"/v3/bitcoin/transaction/{mempool.tx_id()}"),
        waiting(caller, WALLET),
    )
