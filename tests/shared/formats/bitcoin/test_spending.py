"""How outputs are spent: digests, signatures in their place, and verification."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from embit.script import Script
from embit.transaction import Transaction as EmbitTransaction
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import secp256k1
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import script, spending, transaction
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.shared.formats.strategies import amounts, secrets, unsigned_transactions
from tests.vectors.keys import scripts_of, secret, sign

VECTORS = Path(__file__).parents[3] / "vectors"
BIP143 = json.loads((VECTORS / "bips/bip143.json").read_text())["examples"]
SECRET = secret("spending")
KEY = secp256k1.public_key(SECRET)
KINDS = tuple(scripts_of(KEY))
EACH_KIND = pytest.mark.parametrize("kind", KINDS)

UNSIGNED = Transaction(
    2,
    (Input(OutPoint("11" * 32, 0), 0xFFFFFFFD), Input(OutPoint("22" * 32, 3), 0)),
    (Output(60_000, script.p2wpkh(bytes(20))), Output(30_000, script.p2pkh(bytes(20)))),
    500_000,
)


def coins_of(*kinds, amount=50_000):
    return tuple(Output(amount, scripts_of(KEY)[kind]) for kind in kinds)


def refused(code, unsigned, coins, signed):
    with pytest.raises(ContractError) as caught:
        spending.verify(unsigned, coins, signed)
    assert caught.value.code == code


@pytest.mark.parametrize("example", BIP143, ids=lambda example: example["name"])
class TestBIP143:
    def test_the_digests_are_those_of_the_example(self, example):
        unsigned = transaction.decode(bytes.fromhex(example["unsigned"]))
        digests = spending.Digests(unsigned)
        for index, spent in enumerate(example["inputs"]):
            coin = Output(spent["amount"], bytes.fromhex(spent["script"]))
            key = secp256k1.public_key(bytes.fromhex(spent["secret"]))
            assert spending.can_spend(coin.script, key)
            found = spending.digest(digests, index, coin, key)
            assert found.hex() == spent.get("digest", found.hex())

    def test_our_bytes_are_those_of_the_example(self, example):
        unsigned = transaction.decode(bytes.fromhex(example["unsigned"]))
        coins = tuple(
            Output(spent["amount"], bytes.fromhex(spent["script"]))
            for spent in example["inputs"]
        )
        secrets_ = [bytes.fromhex(spent["secret"]) for spent in example["inputs"]]
        signed = sign(unsigned, coins, secrets_)
        assert signed.encode().hex() == example["signed"]

    def test_the_signed_example_verifies(self, example):
        unsigned = transaction.decode(bytes.fromhex(example["unsigned"]))
        coins = tuple(
            Output(spent["amount"], bytes.fromhex(spent["script"]))
            for spent in example["inputs"]
        )
        signed = transaction.decode(bytes.fromhex(example["signed"]))
        spending.verify(unsigned, coins, signed)


class TestAgainstEmbit:
    @given(unsigned_transactions, st.data())
    def test_the_original_digest_is_embits(self, value, draw):
        index = draw.draw(st.integers(0, len(value.inputs) - 1))
        code = draw.draw(st.binary(max_size=80))
        theirs = EmbitTransaction.parse(value.encode())
        expected = theirs.sighash_legacy(index, Script(code))
        assert spending.Digests(value).legacy(index, code) == expected

    @given(unsigned_transactions, amounts, st.data())
    def test_the_witness_digest_is_embits(self, value, amount, draw):
        index = draw.draw(st.integers(0, len(value.inputs) - 1))
        code = draw.draw(st.binary(max_size=80))
        theirs = EmbitTransaction.parse(value.encode())
        expected = theirs.sighash_segwit(index, Script(code), amount)
        digests = spending.Digests(value)
        assert digests.segwit(index, code, amount) == expected
        assert digests.segwit(index, code, amount) == expected  # and once more, cached

    @given(st.integers(250, 260))
    def test_many_inputs_are_counted_alike(self, count):
        spent = tuple(Input(OutPoint("33" * 32, n), n) for n in range(count))
        value = replace(UNSIGNED, inputs=spent)
        theirs = EmbitTransaction.parse(value.encode())
        expected = theirs.sighash_legacy(count - 1, Script(b"\x51"))
        assert spending.Digests(value).legacy(count - 1, b"\x51") == expected


class TestWhoSpends:
    @EACH_KIND
    def test_a_key_spends_its_own_scripts(self, kind):
        assert spending.can_spend(scripts_of(KEY)[kind], KEY)
        spending.spend_of(scripts_of(KEY)[kind])

    @EACH_KIND
    @given(other=secrets)
    def test_another_key_does_not(self, kind, other):
        key = secp256k1.public_key(other)
        assert spending.can_spend(scripts_of(KEY)[kind], key) == (key == KEY)

    @pytest.mark.parametrize(
        "text", ["", "51", "5120" + "00" * 32, "0020" + "00" * 32, "6a", "a914"]
    )
    def test_other_scripts_are_spent_by_nobody_here(self, text):
        output = bytes.fromhex(text)
        assert not spending.can_spend(output, KEY)
        with pytest.raises(ContractError) as caught:
            spending.spend_of(output)
        assert caught.value.code == "contract.bitcoin.script"


class TestVerify:
    @pytest.mark.parametrize("first", KINDS)
    @pytest.mark.parametrize("second", KINDS)
    def test_a_transaction_with_all_signatures_is_accepted(self, first, second):
        coins = coins_of(first, second)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        spending.verify(UNSIGNED, coins, signed)
        assert transaction.decode(signed.encode()) == signed
        assert signed.unsigned() == UNSIGNED

    @EACH_KIND
    def test_a_missing_signature_is_refused(self, kind):
        coins = coins_of(kind, kind)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        partly = replace(signed, inputs=(signed.inputs[0], UNSIGNED.inputs[1]))
        refused("contract.signed.signature", UNSIGNED, coins, partly)
        refused("contract.signed.signature", UNSIGNED, coins, UNSIGNED)

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 1},
            {"lock_time": 0},
            {"outputs": UNSIGNED.outputs[::-1]},
            {"outputs": UNSIGNED.outputs[:1]},
            {"outputs": (Output(90_000, b"\x51"),)},
        ],
        ids=lambda change: next(iter(change)),
    )
    @EACH_KIND
    def test_another_transaction_is_refused_however_well_signed(self, kind, change):
        coins = coins_of(kind, kind)
        other = sign(replace(UNSIGNED, **change), coins, [SECRET, SECRET])
        refused("contract.signed.changed", UNSIGNED, coins, other)

    @pytest.mark.parametrize(
        "spent",
        [
            (UNSIGNED.inputs[1], UNSIGNED.inputs[0]),
            (UNSIGNED.inputs[0],),
            (replace(UNSIGNED.inputs[0], sequence=0), UNSIGNED.inputs[1]),
        ],
        ids=["order", "number", "sequence"],
    )
    def test_other_inputs_are_refused(self, spent):
        coins = coins_of("p2wpkh", "p2wpkh")
        refused(
            "contract.signed.changed", UNSIGNED, coins, replace(UNSIGNED, inputs=spent)
        )

    @pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh"])
    def test_a_witness_signature_commits_to_the_amount(self, kind):
        signed = sign(UNSIGNED, coins_of(kind, kind), [SECRET, SECRET])
        lied = coins_of(kind, kind, amount=50_001)
        refused("contract.signed.signature", UNSIGNED, lied, signed)

    @pytest.mark.parametrize("kind", ["p2pkh", "p2pk"])
    def test_a_legacy_signature_does_not(self, kind):
        signed = sign(UNSIGNED, coins_of(kind, kind), [SECRET, SECRET])
        spending.verify(UNSIGNED, coins_of(kind, kind, amount=50_001), signed)

    @EACH_KIND
    def test_the_signature_of_another_key_is_refused(self, kind):
        other = secret("other")
        coins = coins_of(kind, kind)
        theirs = tuple(
            Output(50_000, scripts_of(secp256k1.public_key(other))[kind])
            for _ in range(2)
        )
        signed = sign(UNSIGNED, theirs, [other, other])
        refused("contract.signed.signature", UNSIGNED, coins, signed)

    @EACH_KIND
    def test_every_flipped_bit_of_a_signed_input_is_refused(self, kind):
        unsigned = replace(UNSIGNED, inputs=UNSIGNED.inputs[:1])
        coins = coins_of(kind)
        signed = sign(unsigned, coins, [SECRET])
        data = signed.encode()
        for at in range(len(data)):
            changed = bytearray(data)
            changed[at] ^= 1 << at % 8
            try:
                other = transaction.decode(bytes(changed))
            except ContractError:
                continue
            with pytest.raises(ContractError):
                spending.verify(unsigned, coins, other)

    def test_only_sighash_all_is_accepted(self):
        coins = coins_of("p2wpkh", "p2wpkh")
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        signature, key = signed.inputs[0].witness
        for hash_type in (0x00, 0x02, 0x03, 0x81):
            other = (signature[:-1] + bytes([hash_type]), key)
            spent = replace(signed.inputs[0], witness=other)
            changed = replace(signed, inputs=(spent, signed.inputs[1]))
            refused("contract.signed.signature", UNSIGNED, coins, changed)

    @EACH_KIND
    def test_bytes_that_nobody_asked_for_are_refused(self, kind):
        # Third parties could add them on the way; the transaction id would change.
        coins = coins_of(kind, kind)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        spent = signed.inputs[0]
        for other in (
            replace(spent, script_sig=b"\x00" + spent.script_sig),
            replace(spent, script_sig=spent.script_sig + b"\x00"),
            replace(spent, witness=(*spent.witness, b"")),
            replace(spent, witness=(b"", *spent.witness)),
        ):
            changed = replace(signed, inputs=(other, signed.inputs[1]))
            refused("contract.signed.signature", UNSIGNED, coins, changed)

    def test_an_input_of_a_kind_that_is_not_supported_never_verifies(self):
        coins = coins_of("p2wpkh", "p2wpkh")
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        taproot = (Output(50_000, b"\x51\x20" + KEY[1:]), coins[1])
        refused("contract.signed.signature", UNSIGNED, taproot, signed)


def core_accepts(coin, signed, index):
    """Whether Bitcoin Core's own script engine accepts input ``index``."""
    pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed")
    flags = pbk.ScriptVerificationFlags.ALL & ~pbk.ScriptVerificationFlags.TAPROOT
    output, spending_ = pbk.ScriptPubkey(coin.script), pbk.Transaction(signed.encode())
    try:
        return output.verify(coin.amount, spending_, None, index, flags)
    except pbk.ScriptVerifyException:
        return False


class TestAgainstBitcoinCore:
    @pytest.mark.parametrize("first", KINDS)
    @pytest.mark.parametrize("second", KINDS)
    def test_core_accepts_what_we_accept(self, first, second):
        coins = coins_of(first, second)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        spending.verify(UNSIGNED, coins, signed)
        assert all(core_accepts(coin, signed, i) for i, coin in enumerate(coins))

    @EACH_KIND
    def test_core_refuses_what_was_tampered_with(self, kind):
        coins = coins_of(kind, kind)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        more = replace(UNSIGNED.outputs[0], amount=60_001)
        tampered = replace(signed, outputs=(more, UNSIGNED.outputs[1]))
        assert not any(core_accepts(coin, tampered, i) for i, coin in enumerate(coins))
        refused("contract.signed.changed", UNSIGNED, coins, tampered)

    @given(unsigned_transactions, st.sampled_from(KINDS), secrets, amounts)
    def test_core_accepts_any_transaction_that_we_sign(self, value, kind, key, amount):
        output = scripts_of(secp256k1.public_key(key))[kind]
        coins = tuple(Output(amount, output) for _ in value.inputs)
        signed = sign(value, coins, [key] * len(coins))
        assert all(core_accepts(coin, signed, i) for i, coin in enumerate(coins))
