"""Withdrawals of virtual accounts: whose key signs which input."""

import json

import pytest

from airgap_relay.chains.base import decode_pending
from airgap_relay.chains.bitcoin import BitcoinFamily
from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.documents import KeyReference
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.relay.world import KEY_ID, SOMEBODY, WALLET_ID, pending_json
from tests.simulators.signer import FakeSigner, secret

SIGNER = FakeSigner()
SIGNER.add_private_key(KEY_ID, secret("hot"))
SIGNER.add_wallet(WALLET_ID, secret("wallet seed"))
ENTRIES = {entry.signature_id: entry for entry in SIGNER.entries}
KEYS = (3, 0, 3)
"""Which child of the wallet each input belongs to."""


def script_of(index):
    key = secp256k1.public_key(SIGNER.secrets[WALLET_ID][index])
    return script.p2wpkh(script.hash160(key))


COINS = [Output(1_000, script_of(index)) for index in KEYS]
POINTS = [OutPoint("ab" * 32, 0), OutPoint("ab" * 32, 1), OutPoint("cd" * 32, 0)]
CHANGE = {"vIn": "-1", "vInIndex": -1, "amount": "0"}


def responses():
    told = [
        {
            "vIn": point.tx_id,
            "vInIndex": point.index,
            "amount": "0.00001",
            "address": {"address": "x", "currency": "BTC", "derivationKey": key},
        }
        for point, key in zip(POINTS, KEYS, strict=True)
    ]
    return [*told, CHANGE]


def prepare(**more):
    inputs = tuple(Input(point, 0xFFFFFFFF) for point in POINTS)
    unsigned = Transaction(2, inputs, (Output(2_000, SOMEBODY),), 0)
    fields = {
        "hashes": [WALLET_ID],
        "withdrawalId": "b" * 24,
        "withdrawalResponses": responses(),
    }
    pending = pending_json("a" * 24, unsigned, COINS) | fields | more
    decoded = decode_pending(json.dumps(pending).encode())
    return BitcoinFamily().prepare(decoded, {}, ENTRIES, lookup("BTC", "testnet"))


def code_of(**more):
    with pytest.raises(ContractError) as caught:
        prepare(**more)
    return caught.value.code


def test_each_input_has_the_child_that_its_response_names():
    assert prepare().keys == (
        KeyReference(signature_id=WALLET_ID, index=3),
        KeyReference(signature_id=WALLET_ID, index=0),
    )


def test_responses_are_matched_by_their_coin_and_not_by_their_place():
    assert prepare(withdrawalResponses=responses()[::-1]).keys == prepare().keys


@pytest.mark.parametrize("key", [0, None])
def test_a_missing_derivation_key_is_the_first_child(key):
    told = responses()
    told[1]["address"] = {"derivationKey": key}
    assert prepare(withdrawalResponses=told).keys == prepare().keys
    told[1]["address"] = None
    assert prepare(withdrawalResponses=told).keys == prepare().keys
    del told[1]["address"]
    assert prepare(withdrawalResponses=told).keys == prepare().keys


REFUSED = {
    "null": None,
    "none": [],
    "no array": {},
    "one too few": responses()[1:],
    "one too many": [*responses(), {"vIn": "ef" * 32, "vInIndex": 0}],
    "the same twice": [*responses(), responses()[0]],
    "another output": [responses()[0] | {"vInIndex": 7}, *responses()[1:]],
    "no output": [responses()[0] | {"vInIndex": None}, *responses()[1:]],
    "no coin": [{}, *responses()],
    "a negative key": [
        responses()[0] | {"address": {"derivationKey": -1}},
        *responses()[1:],
    ],
}


@pytest.mark.parametrize("told", REFUSED.values(), ids=list(REFUSED))
def test_responses_that_do_not_name_each_input_once_are_refused(told):
    assert code_of(withdrawalResponses=told) == "contract.tatum.withdrawal"


def test_another_key_than_the_coins_own_is_refused():
    told = responses()
    told[0]["address"]["derivationKey"] = 5
    assert code_of(withdrawalResponses=told) == "contract.tatum.key_missing"


@pytest.mark.parametrize("hashes", [[KEY_ID], ["unknown"], [], None])
def test_only_a_mnemonic_wallet_of_the_signer_withdraws(hashes):
    assert code_of(hashes=hashes) == "contract.tatum.withdrawal"


@pytest.mark.parametrize("id_", ["b" * 23, "B" * 24, "b" * 24 + "\n", "../" * 8])
def test_a_withdrawal_id_that_is_no_id_never_enters_a_path(id_):
    assert code_of(withdrawalId=id_) == "contract.tatum.withdrawal"


def test_responses_of_what_is_no_withdrawal_are_not_looked_at():
    found = code_of(withdrawalId=None, hashes=[KEY_ID], withdrawalResponses=7)
    assert found == "contract.tatum.key_missing"
