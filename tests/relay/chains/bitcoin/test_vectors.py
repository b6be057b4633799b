"""The golden vectors of Tatum's own signers, byte for byte."""

import json
from pathlib import Path

import pytest
from embit import bip39

from airgap_relay.chains.base import decode_pending
from airgap_relay.chains.bitcoin import BitcoinFamily
from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.documents import Entry
from airgap_shared.errors import ContractError
from airgap_shared.formats import psbt
from tests.simulators.signer import (
    FakeSigner,
    coins_of,
    secret_of_wif,
    sign_transaction,
)

FAMILY = BitcoinFamily()
TATUM = Path(__file__).parents[3] / "vectors/tatum"
CODES = ("BTC", "LTC", "DOGE", "BCH")
VECTORS = [
    vector
    for code in CODES
    for vector in json.loads((TATUM / f"{code}.json").read_text())
]

SCRIPT, KEY = "contract.bitcoin.script", "contract.tatum.key_missing"
SEGWIT = (
    "mix-p2pkh-p2wpkh-nested-3keys",
    "p2sh-p2wpkh-1in",
    "p2tr-input",
    "p2wpkh-1in-1out",
    "p2wpkh-2in-2keys-change",
    "p2wpkh-locktime-time",
)
BITCORE = {
    "changeIndex-inconsistent": "contract.tatum.change",
    "hash-mismatch": "contract.tatum.hash",
    "input-without-output-info": "contract.tatum.no_coin",
    # The original signs what it can and, but for DOGE, emits the rest unsigned.
    "p2pkh-partial-missing-key": KEY,
}
REFUSED = {
    "BTC": BITCORE | {"p2tr-input": KEY},
    "LTC": BITCORE | {"p2tr-input": SCRIPT},
    "DOGE": BITCORE
    | dict.fromkeys(SEGWIT, SCRIPT)
    | {"fee-field-inconsistent": "contract.tatum.fee"},
    "BCH": {
        "missing-key-for-second-input": KEY,
        "more-keys-than-inputs": "contract.tatum.key_surplus",
        "amount-missing": "contract.tatum.malformed",
    },
}

BEYOND = {
    "2in-same-key": "each input has its own key, the same one twice if need be",
    "doge-modern-fee-0.01-per-kB": "Dogecoin Core relays it since 1.14.5",
    "doge-output-below-1-DOGE": "Dogecoin Core's dust limit is lower since 1.14.5",
}
"""What the original refuses and we sign, and why."""

OFFLINE = {
    "absurd-fee": "the signer's largest fee rate",
    "huge-fee": "the signer's largest fee rate",
    "zero-fee": "the signer's rule on fees",
    "outputs-exceed-inputs": "the signer refuses what creates money",
    "dust-output": "the signer's least output",
}
"""What the original refuses on some chain, and our signer, but not our relay."""


def name_of(vector):
    return f"{vector['chain']}-{network_of(vector)}-{vector['name']}"


def network_of(vector):
    return "testnet" if vector["testnet"] else "mainnet"


def entries_of(vector):
    """Return the manifest entries of a vector's keys."""
    return {
        id_: Entry(
            signature_id=id_,
            chain=vector["chain"],
            network=network_of(vector),
            kind="privateKey",
            public_key=secp256k1.public_key(secret_of_wif(wif)).hex(),
        )
        for id_, wif in vector.get("signatureIdToKey", {}).items()
    }


def wallet_of(vector):
    """Return a signer that holds the mnemonic wallet of a withdrawal's vector."""
    signer = FakeSigner(network=network_of(vector))
    seed = bip39.mnemonic_to_seed(vector["mnemonic"])
    wallet = vector["pending"]["hashes"][0]
    signer.add_wallet(wallet, seed, chain=vector["chain"])
    return signer


def chain_of(vector):
    return lookup(vector["chain"], network_of(vector))


def prepared(vector, entries):
    pending = decode_pending(json.dumps(vector["pending"]).encode())
    chain = chain_of(vector)
    FAMILY.needs(pending)
    return FAMILY.prepare(pending, {}, entries, chain)


def is_refused(vector):
    return vector["name"] in REFUSED[vector["chain"]]


ON_CHAIN = [v for v in VECTORS if v["signer"] == "onchain"]
WITHDRAWALS = [v for v in VECTORS if v["signer"] != "onchain"]
SIGNABLE = [v for v in ON_CHAIN if not is_refused(v)]


def signed_by(vector, made, secrets):
    """Check what the keys make of a prepared transaction; return its bytes."""
    container = psbt.decode(made.payload)
    coins = coins_of(container)
    signed = sign_transaction(container.unsigned, coins, secrets, vector["chain"])
    tx_id = FAMILY.matches(made.payload, signed.encode(), chain_of(vector))
    assert tx_id == signed.tx_id()
    return signed.encode().hex()


@pytest.mark.parametrize("vector", SIGNABLE, ids=name_of)
def test_a_vector_is_prepared_signed_and_matched(vector):
    made = prepared(vector, entries_of(vector))
    secrets = [
        secret_of_wif(vector["signatureIdToKey"][key.signature_id]) for key in made.keys
    ]
    data = signed_by(vector, made, secrets)
    if "error" in vector:
        assert vector["name"] in BEYOND | OFFLINE
    else:
        assert data == vector["signedHex"]


@pytest.mark.parametrize("vector", WITHDRAWALS, ids=name_of)
def test_a_withdrawal_is_prepared_signed_and_matched(vector):
    signer = wallet_of(vector)
    made = prepared(vector, {e.signature_id: e for e in signer.entries})
    secrets = [signer.secrets[key.signature_id][key.index] for key in made.keys]
    assert signed_by(vector, made, secrets) == vector["signedHex"]


@pytest.mark.parametrize("vector", [v for v in ON_CHAIN if is_refused(v)], ids=name_of)
def test_a_vector_that_cannot_be_signed_is_refused(vector):
    with pytest.raises(ContractError) as caught:
        prepared(vector, entries_of(vector))
    assert caught.value.code == REFUSED[vector["chain"]][vector["name"]]


def test_every_name_above_is_a_vectors():
    names = {vector["name"] for vector in VECTORS}
    assert names >= {*BEYOND, *OFFLINE, *SEGWIT}
    assert all(names >= set(refused) for refused in REFUSED.values())
    assert {v["name"] for v in SIGNABLE if "error" in v} <= {*BEYOND, *OFFLINE}
