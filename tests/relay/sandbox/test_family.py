"""What the sandbox's other chains do otherwise than Bitcoin."""

from dataclasses import replace

import pytest

from airgap_relay.sandbox.coins import BY_CODE
from airgap_shared import chains, secp256k1
from airgap_shared.formats import bitcash
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.transaction import (
    OutPoint,
    Output,
    Transaction,
    decode,
)
from tests.relay.sandbox.purse import P2PKH, P2WPKH, SECRET, spend
from tests.simulators.signer import secret, sign_transaction

MILLION = 10**9
FOREIGN = scripts.p2pkh(b"\x22" * 20)


def address(code, script=P2PKH, network="testnet"):
    return scripts.address(script, chains.lookup(code, network).bitcoin)


def path(code):
    return f"/v3/{chains.lookup(code, 'testnet').tatum_path}"


def funded(caller, code, script=P2PKH):
    body = {"chain": code, "address": address(code, script), "amount": "10"}
    return OutPoint(caller.post("/sandbox/fund", **body).body["txId"], 0)


def signed(caller, code, amount=900_000_000, script=P2PKH):
    unsigned = spend([funded(caller, code, script)], amount, to=FOREIGN)
    return sign_transaction(unsigned, (Output(MILLION, script),), [SECRET], code)


def send(caller, code, transaction):
    return caller.post(f"{path(code)}/broadcast", txData=transaction.encode().hex())


@pytest.mark.parametrize("code", ["LTC", "DOGE", "BCH"])
def test_a_well_signed_payment_is_taken_and_a_changed_one_is_not(caller, code):
    made = signed(caller, code)
    changed = replace(made, outputs=(Output(900_000_001, FOREIGN),))
    reply = send(caller, code, changed)
    assert (reply.status, reply.body["errorCode"]) == (
        403,
        f"{code.lower()}.broadcast.failed",
    )
    assert send(caller, code, made).body == {"txId": made.tx_id()}
    node = f"/v3/blockchain/node/{BY_CODE[code].node}-testnet"
    call = {"method": "getrawtransaction", "params": [made.tx_id(), False]}
    told = caller.post(node, **call).body["result"]
    assert decode(bytes.fromhex(told)) == made


def test_signatures_of_bitcoin_are_none_of_bitcoin_cash(caller):
    unsigned = spend([funded(caller, "BCH")], 900_000_000, to=FOREIGN)
    made = sign_transaction(unsigned, (Output(MILLION, P2PKH),), [SECRET], "BTC")
    assert "not validly signed" in send(caller, "BCH", made).body["message"]


def test_dogecoin_takes_no_witness(caller):
    unsigned = spend([funded(caller, "DOGE")], 900_000_000, to=FOREIGN)
    made = sign_transaction(unsigned, (Output(MILLION, P2WPKH),), [SECRET], "LTC")
    assert "witness" in send(caller, "DOGE", made).body["message"]


@pytest.mark.parametrize(
    ("code", "status"), [("LTC", 200), ("DOGE", 403), ("BCH", 403)]
)
def test_what_was_seen_first_stays_where_nothing_is_replaced(caller, code, status):
    made = signed(caller, code)
    assert send(caller, code, made).status == 200
    less = replace(made.unsigned(), outputs=(Output(800_000_000, FOREIGN),))
    other = sign_transaction(less, (Output(MILLION, P2PKH),), [SECRET], code)
    assert send(caller, code, other).status == status


@pytest.mark.parametrize("code", ["DOGE", "BCH"])
def test_amounts_are_told_to_the_last_digit(sandbox, caller, code):
    amount = "12345678.12345678"
    body = {"chain": code, "address": address(code), "amount": amount}
    tx_id = caller.post("/sandbox/fund", **body).body["txId"]
    told = caller.get(f"{path(code)}/transaction/{tx_id}").body
    assert told["vout"][0]["scriptPubKey"]["addresses"] == [address(code)]
    known = sandbox.tatum.ledgers[code].coin(OutPoint(tx_id, 0))
    assert known.amount == 1_234_567_812_345_678
    assert f"{told['vout'][0]['value']:.8f}" == amount


def test_bitcoin_cash_is_asked_for_as_hex_and_amounts(caller):
    point = funded(caller, "BCH")
    sender = {"address": address("BCH"), "signatureId": "wallet", "index": 1}
    to = [{"address": address("BCH", FOREIGN, "mainnet"), "value": 4}]
    reply = caller.post(f"{path('BCH')}/transaction", fromAddress=[sender], to=to)
    pending = caller.get(f"/v3/kms/{reply.body['signatureId']}").body
    found = bitcash.decode(pending["serializedTransaction"])
    assert found.amounts == (MILLION,)
    assert [spent.out_point for spent in found.unsigned.inputs] == [point]


def test_dogecoins_builder_leaves_change_below_a_coin_to_the_miner(caller):
    funded(caller, "DOGE")
    sender = {"address": address("DOGE"), "signatureId": "wallet"}
    to = [{"address": address("DOGE", FOREIGN), "value": 9}]
    reply = caller.post(f"{path('DOGE')}/transaction", fromAddress=[sender], to=to)
    pending = caller.get(f"/v3/kms/{reply.body['signatureId']}").body
    unsigned = BY_CODE["DOGE"].unsigned(pending["serializedTransaction"])
    assert isinstance(unsigned, Transaction)
    assert (unsigned.version, len(unsigned.outputs)) == (1, 1)
    assert f'"fee":{MILLION - 900_000_000}' in pending["serializedTransaction"]


def test_one_script_has_its_name_on_each_chain(caller):
    key = secp256k1.public_key(secret("name"))
    script = scripts.p2pkh(scripts.hash160(key))
    for code in ("LTC", "BCH"):
        point = funded(caller, code, script)
        found = caller.get(f"{path(code)}/utxo/{point.tx_id}/0").body
        assert found["address"] == address(code, script)
