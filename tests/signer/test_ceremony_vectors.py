"""What Tatum's own signer made of its transactions, through the whole ceremony."""

import json
from pathlib import Path

import pytest

from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcore
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer.policy import Policy
from tests.signer.world import ALLOW, MNEMONIC, Vault, key_entry, wallet_entry
from tests.simulators.relay_side import key_of
from tests.vectors.authors import NOON

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/tatum/BTC.json").read_text())
SIGNED = [
    vector
    for vector in VECTORS
    if "signedHex" in vector and vector["inputsSigned"] == vector["inputsTotal"]
]
REFUSED = {
    "outputs-exceed-inputs": "refusal.outputs_exceed_inputs",
    "huge-fee": "refusal.policy.max_fee_rate",
    "p2pkh-partial-missing-key": "refusal.key_missing",
}
"""What Tatum's signer lets through and sense forbids."""


def names(vectors):
    return [f"{v['name']}-{'test' if v['testnet'] else 'main'}" for v in vectors]


def offchain_keys(pending):
    """Return the child's index of every answer that is an input."""
    (wallet,) = pending["hashes"]
    inputs = [a for a in pending["withdrawalResponses"] if a["vIn"] != "-1"]
    return [
        key_of(wallet, each.get("address", {}).get("derivationKey", 0))
        for each in inputs
    ]


def prepared(vector):
    """Return a signer with the vector's keys, and Tatum's transaction as an item."""
    network = "testnet" if vector["testnet"] else "mainnet"
    vault, pending = Vault(network), vector["pending"]
    if vector["signer"] == "onchain":
        for signature_id, text in vector["signatureIdToKey"].items():
            vault.add(key_entry(signature_id, text, network), text)
        references = [key_of(each) for each in pending["hashes"]]
    else:
        assert vector["mnemonic"] == MNEMONIC
        (wallet,) = pending["hashes"]
        vault.add(wallet_entry(wallet, MNEMONIC, network), MNEMONIC)
        references = offchain_keys(pending)
    read = bitcore.decode(pending["serializedTransaction"])
    said = tuple(PSBTInput(None, claimed) for claimed in read.coins)
    payload = PSBT(read.unsigned, said).encode()
    item = vault.relay.item_of("", payload, references, id=pending["id"])
    return vault, item


WORKING = [vector for vector in SIGNED if vector["name"] not in REFUSED]


@pytest.mark.parametrize("vector", WORKING, ids=names(WORKING))
def test_a_vector_is_signed_byte_for_byte(vector):
    vault, item = prepared(vector)
    (answer,) = vault.sign(item, policy=ALLOW)
    assert answer.refused == ""
    assert answer.signed.hex() == vector["signedHex"]
    assert answer.tx_id == vector["txid"]


@pytest.mark.parametrize("policy", [ALLOW, Policy()], ids=["allow", "default"])
@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if v["name"] in REFUSED],
    ids=names([v for v in VECTORS if v["name"] in REFUSED]),
)
def test_what_sense_forbids_is_refused_by_its_own_code(vector, policy):
    vault, item = prepared(vector)
    assert vault.code(item, policy) == REFUSED[vector["name"]]
    (answer,) = vault.sign(item, policy=policy)
    assert (answer.signed, answer.refused) == (b"", REFUSED[vector["name"]])


@pytest.mark.parametrize("vector", WORKING, ids=names(WORKING))
def test_by_default_only_a_single_committed_amount_is_taken_unproven(vector):
    vault, item = prepared(vector)
    coins = json.loads(vector["pending"]["serializedTransaction"])["inputs"]
    segwit = coins[0]["output"]["script"][:4] in ("0014", "a914")
    expected = "" if segwit and len(coins) == 1 else "refusal.policy.unproven_amounts"
    assert vault.code(item) == expected


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("changeIndex-inconsistent", "contract.tatum.change"),
        ("hash-mismatch", "contract.tatum.hash"),
    ],
)
def test_what_tatum_itself_refuses_never_becomes_an_item(name, code):
    for vector in (v for v in VECTORS if v["name"] == name):
        with pytest.raises(ContractError) as caught:
            prepared(vector)
        assert caught.value.code == code


def test_every_vector_is_used():
    used = {v["name"] for v in SIGNED} | set(REFUSED)
    used |= {"changeIndex-inconsistent", "hash-mismatch", "p2tr-input"}
    assert {v["name"] for v in VECTORS} == used
    assert len(SIGNED) == 29


def test_signing_again_gives_the_recorded_bytes():
    vault, item = prepared(SIGNED[0])
    first = vault.sign(item, policy=ALLOW)
    assert vault.sign(item, policy=ALLOW, now=NOON + 5) == first
    assert len(vault.history.records) == 1
