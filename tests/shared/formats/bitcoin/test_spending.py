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
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.digests import Digests
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.shared.formats.strategies import (
    amounts,
    outputs,
    secrets,
    unsigned_transactions,
)
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
        RULES["BTC"].verify(unsigned, coins, signed)
    assert caught.value.code == code


@pytest.mark.parametrize("example", BIP143, ids=lambda example: example["name"])
class TestBIP143:
    def test_the_digests_are_those_of_the_example(self, example):
        unsigned = transaction.decode(bytes.fromhex(example["unsigned"]))
        digests = Digests(unsigned)
        for index, spent in enumerate(example["inputs"]):
            coin = Output(spent["amount"], bytes.fromhex(spent["script"]))
            key = secp256k1.public_key(bytes.fromhex(spent["secret"]))
            assert RULES["BTC"].can_spend(coin.script, key)
            found = RULES["BTC"].digest(digests, index, coin, key)
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
        RULES["BTC"].verify(unsigned, coins, signed)


class TestAgainstEmbit:
    @given(unsigned_transactions, st.data())
    def test_the_original_digest_is_embits(self, value, draw):
        index = draw.draw(st.integers(0, len(value.inputs) - 1))
        code = draw.draw(st.binary(max_size=80))
        theirs = EmbitTransaction.parse(value.encode())
        expected = theirs.sighash_legacy(index, Script(code))
        assert Digests(value).legacy(index, code) == expected

    @given(unsigned_transactions, amounts, st.data())
    def test_the_witness_digest_is_embits(self, value, amount, draw):
        index = draw.draw(st.integers(0, len(value.inputs) - 1))
        code = draw.draw(st.binary(max_size=80))
        theirs = EmbitTransaction.parse(value.encode())
        expected = theirs.sighash_segwit(index, Script(code), amount)
        digests = Digests(value)
        assert digests.segwit(index, code, amount) == expected
        assert digests.segwit(index, code, amount) == expected  # and once more, cached

    @given(unsigned_transactions, st.data())
    def test_the_taproot_digest_is_embits(self, value, draw):
        index = draw.draw(st.integers(0, len(value.inputs) - 1))
        coins = [draw.draw(outputs) for _ in value.inputs]
        theirs = EmbitTransaction.parse(value.encode())
        scripts = [Script(coin.script) for coin in coins]
        expected = theirs.sighash_taproot(index, scripts, [c.amount for c in coins])
        assert Digests(value, coins).taproot(index) == expected

    @given(st.integers(250, 260))
    def test_many_inputs_are_counted_alike(self, count):
        spent = tuple(Input(OutPoint("33" * 32, n), n) for n in range(count))
        value = replace(UNSIGNED, inputs=spent)
        theirs = EmbitTransaction.parse(value.encode())
        expected = theirs.sighash_legacy(count - 1, Script(b"\x51"))
        assert Digests(value).legacy(count - 1, b"\x51") == expected


class TestWhoSpends:
    def test_the_scripts_of_a_key_are_those_that_embit_knows(self):
        assert set(RULES["BTC"].scripts_of_key(KEY)) == set(scripts_of(KEY).values())

    @EACH_KIND
    def test_segwit_is_what_commits_to_an_amount(self, kind):
        spend = RULES["BTC"].spend_of(scripts_of(KEY)[kind])
        assert spend.is_segwit == (kind not in ("p2pkh", "p2pk"))

    @EACH_KIND
    def test_a_key_spends_its_own_scripts(self, kind):
        assert RULES["BTC"].can_spend(scripts_of(KEY)[kind], KEY)
        RULES["BTC"].spend_of(scripts_of(KEY)[kind])

    @EACH_KIND
    @given(other=secrets)
    def test_another_key_does_not(self, kind, other):
        key = secp256k1.public_key(other)
        assert RULES["BTC"].can_spend(scripts_of(KEY)[kind], key) == (key == KEY)

    @pytest.mark.parametrize(
        "text", ["", "51", "5220" + "00" * 32, "0020" + "00" * 32, "6a", "a914"]
    )
    def test_other_scripts_are_spent_by_nobody_here(self, text):
        output = bytes.fromhex(text)
        assert not RULES["BTC"].can_spend(output, KEY)
        with pytest.raises(ContractError) as caught:
            RULES["BTC"].spend_of(output)
        assert caught.value.code == "contract.bitcoin.script"


class TestVerify:
    @pytest.mark.parametrize("first", KINDS)
    @pytest.mark.parametrize("second", KINDS)
    def test_a_transaction_with_all_signatures_is_accepted(self, first, second):
        coins = coins_of(first, second)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        RULES["BTC"].verify(UNSIGNED, coins, signed)
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

    @pytest.mark.parametrize("kind", ["p2wpkh", "p2sh-p2wpkh", "p2tr"])
    def test_a_witness_signature_commits_to_the_amount(self, kind):
        signed = sign(UNSIGNED, coins_of(kind, kind), [SECRET, SECRET])
        lied = coins_of(kind, kind, amount=50_001)
        refused("contract.signed.signature", UNSIGNED, lied, signed)

    @pytest.mark.parametrize("kind", ["p2pkh", "p2pk"])
    def test_a_legacy_signature_does_not(self, kind):
        signed = sign(UNSIGNED, coins_of(kind, kind), [SECRET, SECRET])
        RULES["BTC"].verify(UNSIGNED, coins_of(kind, kind, amount=50_001), signed)

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
                RULES["BTC"].verify(unsigned, coins, other)

    def test_a_taproot_signature_commits_to_the_amounts_of_all_coins(self):
        signed = sign(UNSIGNED, coins_of("p2tr", "p2pkh"), [SECRET, SECRET])
        lied = (*coins_of("p2tr"), *coins_of("p2pkh", amount=50_001))
        refused("contract.signed.signature", UNSIGNED, lied, signed)

    @pytest.mark.parametrize("hash_type", [0x00, 0x01, 0x02, 0x81])
    def test_a_taproot_signature_names_no_hash_type(self, hash_type):
        # 65 bytes that name SIGHASH_ALL would be valid, and a second form.
        coins = coins_of("p2tr", "p2tr")
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        typed = signed.inputs[0].witness[0] + bytes([hash_type])
        spent = replace(signed.inputs[0], witness=(typed,))
        changed = replace(signed, inputs=(spent, signed.inputs[1]))
        refused("contract.signed.signature", UNSIGNED, coins, changed)

    def test_a_taproot_output_that_is_no_point_never_verifies(self):
        coins = coins_of("p2tr", "p2tr")
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        nowhere = (Output(50_000, b"\x51\x20" + b"\xff" * 32), coins[1])
        refused("contract.signed.signature", UNSIGNED, nowhere, signed)

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
        other = (Output(50_000, b"\x00\x20" + KEY[1:]), coins[1])
        refused("contract.bitcoin.script", UNSIGNED, other, signed)


def core_accepts(coins, signed):
    """What Bitcoin Core's own script engine says of each input."""
    pbk = pytest.importorskip("pbk", reason="py-bitcoinkernel is not installed")
    spending_ = pbk.Transaction(signed.encode())
    scripts = [pbk.ScriptPubkey(coin.script) for coin in coins]
    spent = [
        pbk.TransactionOutput(output, coin.amount)
        for output, coin in zip(scripts, coins, strict=True)
    ]
    shared = pbk.script.PrecomputedTransactionData(spending_, spent)
    flags = pbk.ScriptVerificationFlags.ALL
    return [
        output.verify(coin.amount, spending_, shared, index, flags)
        for index, (output, coin) in enumerate(zip(scripts, coins, strict=True))
    ]


class TestAgainstBitcoinCore:
    @pytest.mark.parametrize("first", KINDS)
    @pytest.mark.parametrize("second", KINDS)
    def test_core_accepts_what_we_accept(self, first, second):
        coins = coins_of(first, second)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        RULES["BTC"].verify(UNSIGNED, coins, signed)
        assert all(core_accepts(coins, signed))

    @EACH_KIND
    def test_core_refuses_what_was_tampered_with(self, kind):
        coins = coins_of(kind, kind)
        signed = sign(UNSIGNED, coins, [SECRET, SECRET])
        more = replace(UNSIGNED.outputs[0], amount=60_001)
        tampered = replace(signed, outputs=(more, UNSIGNED.outputs[1]))
        assert not any(core_accepts(coins, tampered))
        refused("contract.signed.changed", UNSIGNED, coins, tampered)

    @given(unsigned_transactions, st.sampled_from(KINDS), secrets, amounts)
    def test_core_accepts_any_transaction_that_we_sign(self, value, kind, key, amount):
        output = scripts_of(secp256k1.public_key(key))[kind]
        coins = tuple(Output(amount, output) for _ in value.inputs)
        signed = sign(value, coins, [key] * len(coins))
        assert all(core_accepts(coins, signed))
