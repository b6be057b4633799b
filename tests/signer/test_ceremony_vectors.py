"""What Tatum's own signer made of its transactions, through the whole ceremony."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from airgap_shared.derivation import ExtendedKey
from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcore
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.script import hash160, p2pkh
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer.policy import Policy
from tests.signer.world import ALLOW, MNEMONIC, Vault, key_entry, wallet_entry
from tests.simulators.relay_side import key_of
from tests.vectors.authors import NOON

FOLDER = Path(__file__).parents[1] / "vectors/tatum"
CODES = ("BTC", "LTC", "DOGE", "BCH")
VECTORS = [
    vector
    for code in CODES
    for vector in json.loads((FOLDER / f"{code}.json").read_text())
]
SIGNED = [
    vector
    for vector in VECTORS
    if "signedHex" in vector and vector["inputsSigned"] == vector["inputsTotal"]
]
REFUSED = {
    "outputs-exceed-inputs": "refusal.outputs_exceed_inputs",
    "huge-fee": "refusal.policy.max_fee_rate",
    "p2pkh-partial-missing-key": "refusal.key_missing",
    "zero-fee": "refusal.policy.zero_fee",
    "missing-key-for-second-input": "refusal.key_missing",
    "absurd-fee": "refusal.policy.max_fee_rate",
}
"""What sense forbids, whether Tatum's signer does or not."""
WORKING = [vector for vector in SIGNED if vector["name"] not in REFUSED]


def names(vectors):
    return [
        f"{v['chain']}-{v['name']}-{'test' if v['testnet'] else 'main'}"
        for v in vectors
    ]


def offchain_keys(pending):
    """Return the child's index of every answer that is an input."""
    (wallet,) = pending["hashes"]
    inputs = [a for a in pending["withdrawalResponses"] if a["vIn"] != "-1"]
    return [
        key_of(wallet, each.get("address", {}).get("derivationKey", 0))
        for each in inputs
    ]


def bitcoin_cash(text, keys):
    """Return what Tatum sends for BCH: bytes and amounts; key i has input i."""
    data, _, amounts = text.partition(":")
    unsigned = replace(transaction.decode(bytes.fromhex(data)), version=2)
    scripts = (p2pkh(hash160(key)) for key in keys)
    # Where a key is missing, anything but a key of ours.
    scripts = itertools.chain(scripts, itertools.repeat(p2pkh(b"\x05" * 20)))
    claims = map(Output, json.loads(amounts), scripts)
    return unsigned, tuple(itertools.islice(claims, len(unsigned.inputs)))


def prepared(vector):
    """Return a signer with the vector's keys, and Tatum's transaction as an item."""
    network = "testnet" if vector["testnet"] else "mainnet"
    vault, pending, code = Vault(network), vector["pending"], vector["chain"]
    if vector["signer"] == "onchain":
        for signature_id, text in vector["signatureIdToKey"].items():
            vault.add(key_entry(signature_id, text, network, code), text)
        references = [key_of(each) for each in pending["hashes"]]
    else:
        assert vector["mnemonic"] == MNEMONIC
        (wallet,) = pending["hashes"]
        vault.add(wallet_entry(wallet, MNEMONIC, network, code), MNEMONIC)
        references = offchain_keys(pending)
    text = pending["serializedTransaction"]
    if code == "BCH":
        unsigned, claims = bitcoin_cash(text, public_keys(vault, references))
    else:
        read = bitcore.decode(text)
        unsigned, claims = read.unsigned, read.coins
    said = tuple(PSBTInput(None, claimed, code == "BCH") for claimed in claims)
    payload = PSBT(unsigned, said).encode()
    item = vault.relay.item_of("", payload, references, id=pending["id"], chain=code)
    return vault, item


def public_keys(vault, references):
    found = []
    for each in references:
        entry = vault.public.entries[each.signature_id]
        key = bytes.fromhex(entry.public_key)
        found.append(key or ExtendedKey(entry.xpub).child(each.index))
    return found


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
    (judged,) = vault.judged(item)
    coins = judged.reading.intent.coins
    committed = vector["chain"] == "BCH" or coins[0].script[:2] in (
        b"\x00\x14",
        b"\xa9\x14",
    )
    fine = committed and len(coins) == 1
    expected = "" if fine else "refusal.policy.unproven_amounts"
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


def test_the_four_chains_have_their_vectors():
    counts = {code: sum(v["chain"] == code for v in WORKING) for code in CODES}
    assert counts == {"BTC": 26, "LTC": 34, "DOGE": 24, "BCH": 14}


def test_signing_again_gives_the_recorded_bytes():
    vault, item = prepared(SIGNED[0])
    first = vault.sign(item, policy=ALLOW)
    assert vault.sign(item, policy=ALLOW, now=NOON + 5) == first
    assert len(vault.history.records) == 1
