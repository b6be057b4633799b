"""What Tatum's signers made of Litecoin, Dogecoin and Bitcoin Cash, and our keys."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airgap_shared import secp256k1
from airgap_shared.chains import Network, lookup
from airgap_shared.derivation import ExtendedKey
from airgap_shared.formats import bitcore
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer import chains, keys
from tests.signer.world import ALLOW, Vault, key_entry, wallet_entry
from tests.simulators.relay_side import key_of

FOLDER = Path(__file__).parents[1] / "vectors/tatum"
VECTORS = {
    code: json.loads((FOLDER / f"{code}.json").read_text())
    for code in ("LTC", "DOGE", "BCH")
}
DERIVATION = json.loads((FOLDER / "derivation.json").read_text())

BEYOND = {
    ("BCH", "2in-same-key"): "hashes[i] belongs to input i, repeats included",
    ("DOGE", "doge-modern-fee-0.01-per-kB"): "what nodes take today",
    ("DOGE", "doge-output-below-1-DOGE"): "dust is below 0.001 DOGE today",
}
"""What is signed though the original refused it, and why."""

REFUSED = {
    "outputs-exceed-inputs": "refusal.outputs_exceed_inputs",
    "huge-fee": "refusal.policy.max_fee_rate",
    "absurd-fee": "refusal.policy.max_fee_rate",
    "zero-fee": "refusal.policy.zero_fee",
    "dust-output": "refusal.dust",
    "p2pkh-partial-missing-key": "refusal.key_missing",
    "p2tr-input": "contract.bitcoin.script",
}
SEGWIT_ON_DOGE = "contract.bitcoin.script"

NOT_OURS = {
    "changeIndex-inconsistent",
    "hash-mismatch",
    "input-without-output-info",
    "fee-field-inconsistent",
    "missing-key-for-second-input",
    "more-keys-than-inputs",
    "amount-missing",
}
"""Refused by the relay before they become items."""


def is_signed(vector):
    """Whether the original's bytes are wanted: dust is refused on Dogecoin alone."""
    sensible = vector["name"] not in REFUSED or vector["name"] == "dust-output"
    return "signedHex" in vector and sensible


def names(rows):
    return [f"{c}-{v['name']}-{'test' if v['testnet'] else 'main'}" for c, v in rows]


ROWS = [
    (code, vector)
    for code, vectors in VECTORS.items()
    for vector in vectors
    if vector["name"] not in NOT_OURS or "signedHex" in vector
]
SIGNED = [(code, vector) for code, vector in ROWS if is_signed(vector)]
OTHERS = [(code, vector) for code, vector in ROWS if not is_signed(vector)]


def offchain_keys(pending):
    (wallet,) = pending["hashes"]
    answers = [a for a in pending["withdrawalResponses"] if a["vIn"] != "-1"]
    return [
        key_of(wallet, each.get("address", {}).get("derivationKey") or 0)
        for each in answers
    ]


def container(code, pending, public_keys):
    """Return the PSBT that a relay makes without any previous transaction."""
    if code != "BCH":
        read = bitcore.decode(pending["serializedTransaction"])
        said = tuple(PSBTInput(None, claimed) for claimed in read.coins)
        return PSBT(read.unsigned, said)
    text, amounts = pending["serializedTransaction"].split(":")
    unsigned = replace(transaction.decode(bytes.fromhex(text)), version=2).unsigned()
    coins = (
        Output(amount, script.p2pkh(script.hash160(key)))
        for amount, key in zip(json.loads(amounts), public_keys, strict=True)
    )
    return PSBT(
        unsigned, tuple(PSBTInput(None, coin, has_fork_id=True) for coin in coins)
    )


def prepared(code, vector):
    """Return a signer with the vector's keys, and Tatum's transaction as an item."""
    network: Network = "testnet" if vector["testnet"] else "mainnet"
    vault, pending = Vault(network), vector["pending"]
    chain = lookup(code, network)
    if vector["signer"] == "onchain":
        for signature_id, text in vector["signatureIdToKey"].items():
            vault.add(key_entry(signature_id, text, network, code), text)
        references = [key_of(each) for each in pending["hashes"]]
        entries = vault.public.entries
        public_keys = [
            bytes.fromhex(entries[each].public_key)
            for each in pending["hashes"]
            if each in entries
        ]
    else:
        (wallet,) = pending["hashes"]
        words = vector["mnemonic"]
        vault.add(wallet_entry(wallet, words, network, code), words)
        references = offchain_keys(pending)
        xpub = ExtendedKey(keys.xpub(words, chain))
        public_keys = [xpub.child(each.index) for each in references]
    payload = container(code, pending, public_keys).encode()
    unique = dict.fromkeys(references)
    item = vault.relay.item_of("", payload, unique, id=pending["id"], chain=code)
    return vault, item


@pytest.mark.parametrize(("code", "vector"), SIGNED, ids=names(SIGNED))
def test_a_vector_is_signed_byte_for_byte(code, vector):
    vault, item = prepared(code, vector)
    (answer,) = vault.sign(item, policy=ALLOW)
    assert answer.refused == ""
    assert answer.signed.hex() == vector["signedHex"]
    assert answer.tx_id == vector["txid"]


@pytest.mark.parametrize(("code", "vector"), OTHERS, ids=names(OTHERS))
def test_the_others_are_refused_or_signed_beyond_the_original(code, vector):
    vault, item = prepared(code, vector)
    (answer,) = vault.sign(item, policy=ALLOW)
    if (code, vector["name"]) in BEYOND:
        assert "error" in vector
        assert answer.signed
    else:
        expected = REFUSED.get(vector["name"], SEGWIT_ON_DOGE)
        assert answer.refused == expected
        assert answer.signed == b""


def test_every_vector_is_used_or_left_to_the_relay():
    used = {(code, vector["name"]) for code, vector in ROWS}
    for code, vectors in VECTORS.items():
        for vector in vectors:
            assert (code, vector["name"]) in used or vector["name"] in NOT_OURS


@pytest.mark.parametrize("name", [key for key in DERIVATION if key != "mnemonic"])
def test_a_mnemonic_gives_tatums_keys_and_addresses(name):
    code, _, network = name.partition("-")
    chain, words = lookup(code, network), DERIVATION["mnemonic"]
    family = chains.family(chain)
    assert keys.xpub(words, chain) == DERIVATION[name]["xpub"]
    for index, expected in DERIVATION[name]["idx"].items():
        secret = keys.child_secret(words, chain, int(index))
        key = secp256k1.public_key(secret)
        assert family.secret_text(secret, chain) == expected["privateKey"]
        assert family.secret(expected["privateKey"], chain) == secret
        assert family.address(key, chain) == expected["address"]
        assert ExtendedKey(DERIVATION[name]["xpub"]).child(int(index)) == key
        found = script.script_of_address(expected["address"], chain.bitcoin)
        assert family.spends(key, found, chain)
