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
VECTORS = json.loads((Path(__file__).parents[3] / "vectors/tatum/BTC.json").read_text())
REFUSED = {
    "p2tr-input": "contract.tatum.key_missing",
    "changeIndex-inconsistent": "contract.tatum.change",
    "hash-mismatch": "contract.tatum.hash",
    # The original signs what it can and emits the rest unsigned.
    "p2pkh-partial-missing-key": "contract.tatum.key_missing",
}


def name_of(vector):
    return f"{vector['name']}-{'testnet' if vector['testnet'] else 'mainnet'}"


def network_of(vector):
    return "testnet" if vector["testnet"] else "mainnet"


def entries_of(vector):
    """Return the manifest entries of a vector's keys."""
    return {
        id_: Entry(
            signature_id=id_,
            chain="BTC",
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
    signer.add_wallet(vector["pending"]["hashes"][0], seed)
    return signer


def prepared(vector, entries):
    pending = decode_pending(json.dumps(vector["pending"]).encode())
    chain = lookup("BTC", network_of(vector))
    FAMILY.needs(pending)
    return FAMILY.prepare(pending, {}, entries, chain)


ON_CHAIN = [v for v in VECTORS if v["signer"] == "onchain"]
WITHDRAWALS = [v for v in VECTORS if v["signer"] != "onchain"]
SIGNABLE = [v for v in ON_CHAIN if v["name"] not in REFUSED]


@pytest.mark.parametrize("vector", SIGNABLE, ids=name_of)
def test_a_vector_is_prepared_signed_and_matched(vector):
    made = prepared(vector, entries_of(vector))
    container = psbt.decode(made.payload)
    secrets = [
        secret_of_wif(vector["signatureIdToKey"][key.signature_id]) for key in made.keys
    ]
    signed = sign_transaction(container.unsigned, coins_of(container), secrets)
    assert signed.encode().hex() == vector["signedHex"]
    assert FAMILY.matches(made.payload, signed.encode()) == vector["txid"]


@pytest.mark.parametrize("vector", WITHDRAWALS, ids=name_of)
def test_a_withdrawal_is_prepared_signed_and_matched(vector):
    signer = wallet_of(vector)
    made = prepared(vector, {e.signature_id: e for e in signer.entries})
    container = psbt.decode(made.payload)
    secrets = [signer.secrets[key.signature_id][key.index] for key in made.keys]
    signed = sign_transaction(container.unsigned, coins_of(container), secrets)
    assert signed.encode().hex() == vector["signedHex"]
    assert FAMILY.matches(made.payload, signed.encode()) == vector["txid"]


@pytest.mark.parametrize(
    "vector", [v for v in ON_CHAIN if v["name"] in REFUSED], ids=name_of
)
def test_a_vector_that_cannot_be_signed_is_refused(vector):
    with pytest.raises(ContractError) as caught:
        prepared(vector, entries_of(vector))
    assert caught.value.code == REFUSED[vector["name"]]
