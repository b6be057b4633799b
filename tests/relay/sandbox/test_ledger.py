"""What the sandbox's chain takes and what it refuses, with the real script engine."""

from dataclasses import replace

import pytest

from airgap_shared.formats.bitcoin.transaction import Input, OutPoint, Output
from tests.relay.sandbox.conftest import NOON
from tests.relay.sandbox.purse import (
    P2PKH,
    P2SH_P2WPKH,
    P2WPKH,
    STRANGER,
    address,
    sign,
    spend,
)

MILLION = 1_000_000
"""Base units of a coin in these tests: 0.01."""

KINDS = pytest.mark.parametrize(
    "script",
    [P2PKH, P2WPKH, P2SH_P2WPKH],
    ids=["p2pkh", "p2wpkh", "p2sh-p2wpkh"],
)


def paid(caller, script=P2WPKH, amount=900_000, **how):
    """A signed transaction that spends a fresh coin of ``script``."""
    unsigned = spend([caller.fund(script)], amount, **how)
    return sign(unsigned, [Output(MILLION, script)])


def refusal(reply):
    assert reply.status == 403, reply
    assert reply.body["statusCode"] == 403
    assert reply.body["errorCode"] == "btc.broadcast.failed"
    return reply.body["message"].removeprefix(
        "Unable to broadcast transaction. Error from blockchain: "
    )


@KINDS
def test_a_well_signed_transaction_is_taken_and_mined(caller, script):
    transaction = paid(caller, script)
    reply = caller.broadcast(transaction)
    assert (reply.status, reply.body) == (200, {"txId": transaction.tx_id()})
    before = caller.get(f"/v3/bitcoin/transaction/{transaction.tx_id()}").body
    height = caller.mine()
    after = caller.get(f"/v3/bitcoin/transaction/{transaction.tx_id()}").body
    assert (before["blockNumber"], after["blockNumber"]) == (None, height - 1)
    assert after["hex"] == transaction.encode().hex()
    assert after["block"]


@KINDS
def test_a_payment_changed_after_signing_is_refused(caller, script):
    transaction = paid(caller, script)
    tampered = replace(transaction, outputs=(Output(900_001, STRANGER),))
    assert "script-verify" in refusal(caller.broadcast(tampered))


def test_an_unsigned_transaction_is_refused(caller):
    unsigned = spend([caller.fund(P2WPKH)], 900_000)
    assert "script-verify" in refusal(caller.broadcast(unsigned))


def test_a_segwit_signature_over_another_amount_is_refused(caller):
    unsigned = spend([caller.fund(P2WPKH)], 900_000)
    lied_to = sign(unsigned, [Output(MILLION - 1, P2WPKH)])
    assert "script-verify" in refusal(caller.broadcast(lied_to))


def test_a_second_input_is_verified_too(caller):
    points = [caller.fund(P2WPKH), caller.fund(P2PKH)]
    coins = [Output(MILLION, P2WPKH), Output(MILLION, P2PKH)]
    signed = sign(spend(points, 1_900_000), coins)
    half = (signed.inputs[0], replace(signed.inputs[1], script_sig=b""))
    assert "input 1" in refusal(caller.broadcast(replace(signed, inputs=half)))
    assert caller.broadcast(signed).status == 200


def test_the_same_transaction_again_is_answered_again_until_it_is_mined(caller):
    transaction = paid(caller)
    assert caller.broadcast(transaction) == caller.broadcast(transaction)
    caller.mine()
    assert "already in utxo set" in refusal(caller.broadcast(transaction))


def test_a_mined_coin_is_not_spent_twice(caller):
    first = paid(caller)
    caller.broadcast(first)
    caller.mine()
    second = spend([first.inputs[0].out_point], 100_000)
    signed = sign(second, [Output(MILLION, P2WPKH)])
    assert "missingorspent" in refusal(caller.broadcast(signed))


@pytest.mark.parametrize("amount", [900_000, 900_001])
def test_a_waiting_coin_is_not_spent_again_for_no_more(caller, amount):
    first = paid(caller)
    caller.broadcast(first)
    second = spend([first.inputs[0].out_point], amount, to=P2PKH)
    signed = sign(second, [Output(MILLION, P2WPKH)])
    assert "insufficient fee" in refusal(caller.broadcast(signed))


def test_a_higher_fee_replaces_what_waits_and_all_that_builds_on_it(caller):
    first = paid(caller, to=P2WPKH)
    child = sign(spend([OutPoint(first.tx_id(), 0)], 890_000), list(first.outputs))
    for transaction in (first, child):
        assert caller.broadcast(transaction).status == 200
    second = spend([first.inputs[0].out_point], 880_000)
    signed = sign(second, [Output(MILLION, P2WPKH)])
    assert caller.broadcast(signed).status == 200
    for gone in (first, child):
        assert caller.get(f"/v3/bitcoin/transaction/{gone.tx_id()}").status == 404
    assert "missingorspent" in refusal(caller.broadcast(child))


def test_a_replacement_pays_for_the_children_it_displaces(caller):
    first = paid(caller, to=P2WPKH)
    child = sign(spend([OutPoint(first.tx_id(), 0)], 700_000), list(first.outputs))
    for transaction in (first, child):
        caller.broadcast(transaction)
    second = spend([first.inputs[0].out_point], 800_000)
    signed = sign(second, [Output(MILLION, P2WPKH)])
    assert "insufficient fee" in refusal(caller.broadcast(signed))


def test_a_replacement_does_not_spend_what_it_displaces(caller):
    first = paid(caller, to=P2WPKH)
    caller.broadcast(first)
    points = [first.inputs[0].out_point, OutPoint(first.tx_id(), 0)]
    coins = [Output(MILLION, P2WPKH), *first.outputs]
    signed = sign(spend(points, 100_000), coins)
    assert "spends-conflicting" in refusal(caller.broadcast(signed))


def test_outputs_above_inputs_are_refused(caller):
    assert "in-belowout" in refusal(caller.broadcast(paid(caller, amount=MILLION + 1)))


def test_a_fee_that_no_node_relays_is_refused(caller):
    assert "min relay fee" in refusal(caller.broadcast(paid(caller, amount=999_950)))


def test_an_unknown_coin_is_refused(caller):
    unsigned = spend([OutPoint("ab" * 32, 0)], 1)
    assert "missingorspent" in refusal(caller.broadcast(unsigned))


def test_the_same_coin_twice_is_refused(caller):
    point = caller.fund(P2WPKH)
    signed = sign(spend([point, point], 1_900_000), [Output(MILLION, P2WPKH)] * 2)
    assert "inputs-duplicate" in refusal(caller.broadcast(signed))


def test_a_coinbase_is_refused(caller):
    transaction = paid(caller)
    made_up = Input(OutPoint("00" * 32, 0xFFFFFFFF), 0xFFFFFFFF, b"\x01\x01")
    reply = caller.broadcast(replace(transaction, inputs=(made_up,)))
    assert refusal(reply) == "coinbase"


@pytest.mark.parametrize(
    ("lock_time", "status"),
    [(0, 200), (1, 403), (2, 403), (NOON - 1, 200), (NOON, 403)],
)
def test_a_lock_must_have_passed(caller, lock_time, status):
    transaction = paid(caller, lock_time=lock_time)
    assert caller.broadcast(transaction).status == status


def test_a_lock_counts_for_nothing_when_every_sequence_is_final(caller):
    transaction = paid(caller, lock_time=500, sequence=0xFFFFFFFF)
    assert caller.broadcast(transaction).status == 200


def test_a_relative_lock_must_have_passed(caller):
    transaction = paid(caller, sequence=2)
    assert "BIP68" in refusal(caller.broadcast(transaction))
    caller.mine(1)
    assert caller.broadcast(transaction).status == 200


def test_a_relative_lock_in_time_must_have_passed(caller):
    transaction = paid(caller, sequence=(1 << 22) + 1)
    assert "BIP68" in refusal(caller.broadcast(transaction))


def test_coins_are_funded_exactly_and_told_apart(caller):
    first, second = caller.fund(P2WPKH, "0.00000001"), caller.fund(P2WPKH, "0.00000001")
    assert first != second
    coin = caller.get(f"/v3/bitcoin/utxo/{first.tx_id}/0")
    assert (coin.body["value"], coin.body["address"]) == (1, address(P2WPKH))


def test_a_spent_coin_is_not_found(caller):
    transaction = paid(caller)
    point = transaction.inputs[0].out_point
    path = f"/v3/bitcoin/utxo/{point.tx_id}/{point.index}"
    assert caller.get(path).status == 200
    caller.broadcast(transaction)
    assert caller.get(path).status == 404
    assert caller.get(f"/v3/bitcoin/utxo/{point.tx_id}/9").status == 404
