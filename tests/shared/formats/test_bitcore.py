"""Tatum's JSON of the Bitcoin family, and what the original KMS made of it."""

import json
from pathlib import Path

import pytest
from embit import bip32, bip39, ec
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import chains
from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcore
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.limits import MAX_TATUM_JSON_BYTES
from tests.shared.formats.strategies import unsigned_transactions
from tests.vectors.keys import sign

BTC = RULES["BTC"]
GOLDEN = json.loads((Path(__file__).parents[2] / "vectors/tatum/BTC.json").read_text())
SIGNED = [
    v for v in GOLDEN if "signedHex" in v and v["inputsSigned"] == v["inputsTotal"]
]
PARTLY = [v for v in GOLDEN if "signedHex" in v and v not in SIGNED]
FAILED = [v for v in GOLDEN if "error" in v and v["name"] != "p2tr-input"]
TAPROOT = [v for v in GOLDEN if v["name"] == "p2tr-input"]

EXAMPLE = json.loads(GOLDEN[0]["pending"]["serializedTransaction"])
WITH_CHANGE = {
    **EXAMPLE,
    "outputs": [*EXAMPLE["outputs"], {"satoshis": 1, "script": ""}],
}
P2PKH = EXAMPLE["outputs"][0]["script"]
OTHERS = {
    "P2SH": "a914" + "11" * 20 + "87",
    "P2WPKH": "0014" + "11" * 20,
    "P2WSH": "0020" + "11" * 32,
    "P2TR": "5120" + "11" * 32,
}
WORDS = {
    P2PKH: f"OP_DUP OP_HASH160 20 0x{P2PKH[6:46]} OP_EQUALVERIFY OP_CHECKSIG",
    OTHERS["P2SH"]: f"OP_HASH160 20 0x{'11' * 20} OP_EQUAL",
    OTHERS["P2WPKH"]: f"OP_0 20 0x{'11' * 20}",
    OTHERS["P2WSH"]: f"OP_0 32 0x{'11' * 32}",
    OTHERS["P2TR"]: f"OP_1 32 0x{'11' * 32}",
}
"""Script -> how bitcore writes it."""


def name_of(vector):
    return f"{vector['name']}, {'testnet' if vector['testnet'] else 'mainnet'}"


def secrets_of(vector):
    """Return the private keys that the vector's wallets hold."""
    if "mnemonic" not in vector:
        return [ec.PrivateKey.from_wif(key).secret for key in vector["privateKeys"]]
    network: chains.Network = "testnet" if vector["testnet"] else "mainnet"
    seed = bip39.mnemonic_to_seed(vector["mnemonic"])
    root = bip32.HDKey.from_seed(seed).derive(chains.lookup("BTC", network).path)
    responses = vector["pending"]["withdrawalResponses"]
    addresses = [r.get("address", {}) for r in responses if r["vIn"] != "-1"]
    indexes = [address.get("derivationKey", 0) for address in addresses]
    return [root.child(index).key.secret for index in indexes]


def keys_by_coin(decoded, secrets):
    """Return for each coin the secret that spends it, or None."""
    public = {ec.PrivateKey(secret).sec(): secret for secret in secrets}
    return [
        next(
            (s for key, s in public.items() if BTC.can_spend(c.script, key)),
            None,
        )
        for c in decoded.coins
    ]


def without_hash(fields):
    return {name: value for name, value in fields.items() if name != "hash"}


def refused(code, fields):
    text = fields if isinstance(fields, str) else json.dumps(fields)
    with pytest.raises(ContractError) as caught:
        bitcore.decode(text)
    assert caught.value.code == f"contract.tatum.{code}"


class TestGolden:
    @pytest.mark.parametrize("vector", SIGNED, ids=name_of)
    def test_our_bytes_are_those_of_the_original(self, vector):
        decoded = bitcore.decode(vector["pending"]["serializedTransaction"])
        secrets = keys_by_coin(decoded, secrets_of(vector))
        signed = sign(decoded.unsigned, decoded.coins, secrets)
        assert signed.encode().hex() == vector["signedHex"]
        assert signed.tx_id() == vector["txid"]
        BTC.verify(decoded.unsigned, decoded.coins, signed)

    @pytest.mark.parametrize("vector", PARTLY, ids=name_of)
    def test_what_the_original_signed_in_part_never_verifies(self, vector):
        decoded = bitcore.decode(vector["pending"]["serializedTransaction"])
        assert None in keys_by_coin(decoded, secrets_of(vector))
        partly = transaction.decode(bytes.fromhex(vector["signedHex"]))
        with pytest.raises(ContractError) as caught:
            BTC.verify(decoded.unsigned, decoded.coins, partly)
        assert caught.value.code == "contract.signed.signature"

    @pytest.mark.parametrize("vector", FAILED, ids=name_of)
    def test_what_the_original_refused_is_refused_with_a_code(self, vector):
        expected = {
            "changeIndex-inconsistent": "contract.tatum.change",
            "hash-mismatch": "contract.tatum.hash",
        }[vector["name"]]
        with pytest.raises(ContractError) as caught:
            bitcore.decode(vector["pending"]["serializedTransaction"])
        assert caught.value.code == expected

    @pytest.mark.parametrize("vector", TAPROOT, ids=name_of)
    def test_a_taproot_coin_that_the_original_cannot_read_is_read(self, vector):
        # It is no key's of this vector, so it stays unsigned here too.
        decoded = bitcore.decode(vector["pending"]["serializedTransaction"])
        assert keys_by_coin(decoded, secrets_of(vector)) == [None]

    def test_every_vector_is_in_one_of_the_lists(self):
        lists = (SIGNED, PARTLY, FAILED, TAPROOT)
        assert sum(map(len, lists)) == len(GOLDEN) == 35


class TestReading:
    def test_coins_and_outputs_are_taken_as_claimed(self):
        decoded = bitcore.decode(json.dumps(EXAMPLE))
        assert decoded.unsigned.tx_id() == EXAMPLE["hash"]
        assert [c.amount for c in decoded.coins] == [200_000]
        assert [o.script.hex() for o in decoded.unsigned.outputs] == [P2PKH]

    def test_the_hash_may_be_absent(self):
        fields = without_hash(EXAMPLE)
        assert bitcore.decode(json.dumps(fields)) == bitcore.decode(json.dumps(EXAMPLE))
        bitcore.decode(json.dumps(fields | {"hash": None}))

    def test_unknown_fields_are_let_through(self):
        bitcore.decode(json.dumps(EXAMPLE | {"fee": 10_000, "new": {"a": [1]}}))

    def test_hex_of_either_case_is_the_same_script(self):
        upper = json.loads(json.dumps(EXAMPLE))
        upper["outputs"][0]["script"] = P2PKH.upper()
        assert bitcore.decode(json.dumps(upper)) == bitcore.decode(json.dumps(EXAMPLE))

    @given(unsigned_transactions, st.binary(max_size=40))
    def test_any_unsigned_transaction_is_read_from_its_json(self, value, coin):
        fields = {
            "hash": value.tx_id(),
            "version": value.version,
            "inputs": [
                {
                    "prevTxId": spent.out_point.tx_id,
                    "outputIndex": spent.out_point.index,
                    "sequenceNumber": spent.sequence,
                    "script": "",
                    "output": {"satoshis": 5, "script": coin.hex()},
                }
                for spent in value.inputs
            ],
            "outputs": [
                {"satoshis": output.amount, "script": output.script.hex()}
                for output in value.outputs
            ],
            "nLockTime": value.lock_time,
        }
        decoded = bitcore.decode(json.dumps(fields))
        assert decoded.unsigned == value
        assert {c.script for c in decoded.coins} == {coin}


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            "null",
            "[]",
            "{",
            '"text"',
            "[" * 50_000,
            "\ud800",
            "{}" * 2,
            "NaN",
        ],
    )
    def test_other_text_is_malformed(self, text):
        refused("malformed", text)

    @given(st.text(max_size=100))
    def test_arbitrary_text_is_malformed(self, text):
        refused("malformed", text)

    @pytest.mark.parametrize("size", range(0, len(json.dumps(EXAMPLE)), 7))
    def test_truncated_json_is_malformed(self, size):
        refused("malformed", json.dumps(EXAMPLE)[:size])

    def test_text_over_the_limit_is_malformed(self):
        refused("malformed", " " * (MAX_TATUM_JSON_BYTES + 1))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("version", -1),
            ("version", 2**32),
            ("version", 2.0),
            ("version", "2"),
            ("version", None),
            ("nLockTime", 2**32),
            ("inputs", []),
            ("outputs", []),
            ("inputs", {}),
            ("inputs", EXAMPLE["inputs"] * 2_501),
            ("changeIndex", -1),
        ],
    )
    def test_a_field_outside_its_bounds_is_malformed(self, name, value):
        refused("malformed", EXAMPLE | {name: value})

    @pytest.mark.parametrize("name", ["version", "inputs", "outputs", "nLockTime"])
    def test_a_missing_field_is_malformed(self, name):
        refused("malformed", {k: v for k, v in EXAMPLE.items() if k != name})

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("prevTxId", "ab"),
            ("prevTxId", EXAMPLE["inputs"][0]["prevTxId"].upper()),
            ("outputIndex", 2**32),
            ("sequenceNumber", -1),
            ("script", "0"),
            ("script", "zz"),
            ("output", {"satoshis": 0.5, "script": ""}),
            ("output", {"satoshis": -1, "script": ""}),
            ("output", {"satoshis": 2**63, "script": ""}),
            ("output", {"satoshis": 1, "script": "f"}),
        ],
    )
    def test_a_field_of_an_input_has_its_form(self, name, value):
        spent = EXAMPLE["inputs"][0] | {name: value}
        refused("malformed", without_hash(EXAMPLE) | {"inputs": [spent]})

    def test_another_hash_than_that_of_the_fields_is_refused(self):
        refused("hash", EXAMPLE | {"nLockTime": 1})
        refused("hash", EXAMPLE | {"hash": EXAMPLE["hash"].upper()})

    def test_a_signature_that_is_there_already_is_refused(self):
        spent = EXAMPLE["inputs"][0] | {"script": "00"}
        refused("signed", without_hash(EXAMPLE) | {"inputs": [spent]})

    @pytest.mark.parametrize("output", [None, "absent"])
    def test_a_coin_that_nobody_describes_is_refused(self, output):
        spent = EXAMPLE["inputs"][0] | {"output": None}
        if output == "absent":
            del spent["output"]
        refused("no_coin", without_hash(EXAMPLE) | {"inputs": [spent]})


class TestChange:
    @pytest.mark.parametrize("output", WORDS)
    def test_a_change_index_points_to_its_script_in_either_form(self, output):
        fields = without_hash(WITH_CHANGE)
        fields["outputs"] = [fields["outputs"][0], {"satoshis": 1, "script": output}]
        for form in (output, WORDS[output]):
            change = {"changeIndex": 1, "changeScript": form}
            bitcore.decode(json.dumps(fields | change))
        other = WORDS[next(known for known in WORDS if known != output)]
        for form in (other, None, ""):
            refused("change", fields | {"changeIndex": 1, "changeScript": form})

    def test_a_script_without_words_is_compared_as_hex(self):
        fields = without_hash(WITH_CHANGE) | {"changeIndex": 1, "changeScript": ""}
        bitcore.decode(json.dumps(fields))

    def test_an_index_beyond_the_outputs_is_refused(self):
        fields = EXAMPLE | {"changeIndex": 1, "changeScript": P2PKH}
        refused("change", fields)

    @pytest.mark.parametrize("index", [0, None])
    def test_index_0_proves_nothing_and_is_not_checked(self, index):
        bitcore.decode(json.dumps(EXAMPLE | {"changeIndex": index}))


def test_every_managed_address_of_the_golden_vectors_is_spendable_by_its_key():
    for vector in SIGNED:
        decoded = bitcore.decode(vector["pending"]["serializedTransaction"])
        public = [ec.PrivateKey(s).sec() for s in secrets_of(vector)]
        known = {output for key in public for output in BTC.scripts_of_key(key)}
        assert {coin.script for coin in decoded.coins} <= known
