"""What a PSBT would do: coins, own outputs, locks, scripts, size."""

import json
from pathlib import Path

import pytest
from embit import ec as embit_ec
from embit import psbt as embit_psbt
from embit.script import Script
from embit.transaction import Transaction as EmbitTransaction
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.errors import AirgapError, SafetyError, StorageError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script, spending, transaction
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer import chains
from airgap_signer.chains import bitcoin
from airgap_signer.intent import Owner, Proof
from airgap_signer.wallet import OWN_GAP
from tests.signer.world import (
    ALLOW,
    COLD,
    HOT,
    LEGAL,
    SPARE,
    WALLET,
    Vault,
    child_script,
    key_entry,
    p2pkh,
    p2wpkh,
    payment,
    secret_of,
    wallet_entry,
    wif,
)
from tests.simulators.relay_side import (
    FINAL,
    SOMEBODY,
    SOMEBODY_ADDRESS,
    coin,
    container,
    key_of,
    spend,
)
from tests.vectors.authors import NOON

CHAIN = lookup("BTC", "testnet")
DAY = 24 * 3600


def key(name):
    return secp256k1.public_key(secret_of(name))


def p2sh_p2wpkh(name):
    return script.p2sh(script.hash160(p2wpkh(name)))


def p2pk(name):
    return b"\x21" + key(name) + b"\xac"


KINDS = {
    "p2wpkh": p2wpkh,
    "p2pkh": p2pkh,
    "p2sh-p2wpkh": p2sh_p2wpkh,
    "p2pk": p2pk,
}


def signed_by_stranger(item, coins):
    """Verify with another implementation what the signer made of an item."""
    tx = EmbitTransaction.parse(item.signed)
    for index, made in enumerate(coins):
        spent, pays = tx.vin[index], made.output
        single = spending.spend_of(pays.script)
        witness = spent.witness.items
        if single.is_segwit:
            signature, public = witness
            code = script.p2pkh(script.hash160(public))
            message = tx.sighash_segwit(index, Script(code), pays.amount)
        else:
            pushed = _pushes(spent.script_sig.data)
            signature = pushed[0]
            public = pushed[1] if len(pushed) > 1 else pays.script[1:-1]
            message = tx.sighash_legacy(index, Script(pays.script))
        assert signature[-1] == 1
        verified = embit_ec.PublicKey.parse(public).verify(
            embit_ec.Signature.parse(signature[:-1]), message
        )
        assert verified


def _pushes(data):
    found = []
    while data:
        found.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return found


class TestProvenCoins:
    @pytest.mark.parametrize("kind", KINDS)
    def test_several_inputs_of_each_kind_are_signed_by_default(self, vault, kind):
        pays = KINDS[kind]
        coins = [coin("one", pays("hot"), index=2), coin("two", pays("spare"), 70_000)]
        item = vault.relay.item(
            "x", coins, [(SOMEBODY, 168_000)], [key_of(HOT), key_of(SPARE)]
        )
        intent = vault.intent(item)
        assert intent.proof is Proof.PROVEN
        assert [c.amount for c in intent.coins] == [100_000, 70_000]
        assert (intent.fee, intent.sent) == (2_000, 168_000)
        (answer,) = vault.sign(item)
        assert answer.refused == ""
        signed_by_stranger(answer, coins)

    def test_every_kind_may_stand_beside_every_other(self, vault):
        coins = [coin(kind, pays("hot")) for kind, pays in KINDS.items()]
        item = vault.relay.item("x", coins, [(SOMEBODY, 390_000)], [key_of(HOT)])
        (answer,) = vault.sign(item)
        signed_by_stranger(answer, coins)

    def test_bitcoin_cores_own_script_code_accepts_the_result(self, vault):
        pbk = pytest.importorskip("pbk")
        coins = [coin(kind, pays("hot")) for kind, pays in KINDS.items()]
        item = vault.relay.item("x", coins, [(SOMEBODY, 390_000)], [key_of(HOT)])
        (answer,) = vault.sign(item)
        final = pbk.Transaction(answer.signed)
        flags = pbk.ScriptVerificationFlags.ALL & ~pbk.ScriptVerificationFlags.TAPROOT
        for index, made in enumerate(coins):
            pays = pbk.ScriptPubkey(made.output.script)
            assert pays.verify(made.output.amount, final, None, index, flags)

    def test_a_claim_beside_the_proof_must_agree(self, vault):
        true = coin("x", p2wpkh("hot"), proof="both")
        keys, outputs = [key_of(HOT)], [(SOMEBODY, 99_000)]
        assert vault.code(vault.relay.item("x", [true], outputs, keys)) == ""
        for claimed in (
            Output(100_001, p2wpkh("hot")),
            Output(100_000, p2wpkh("spare")),
        ):
            lie = coin("x", p2wpkh("hot"), proof="both", claimed=claimed)
            item = vault.relay.item("x", [lie], outputs, keys)
            assert vault.code(item) == "contract.bitcoin.claim"

    def test_another_transaction_than_the_coins_own_proves_nothing(self, vault):
        true, other = coin("x", p2wpkh("hot")), coin("y", p2wpkh("hot"), 10**9)
        unsigned = spend([true], [(SOMEBODY, 99_000)])
        item = vault.relay.item_of("x", container(unsigned, [other]), [key_of(HOT)])
        assert vault.code(item) == "contract.bitcoin.previous"

    def test_an_output_that_the_previous_transaction_has_not_is_refused(self, vault):
        true = coin("x", p2wpkh("hot"))
        unsigned = spend([true], [(SOMEBODY, 99_000)])
        beyond = transaction.OutPoint(true.previous.tx_id(), 1)
        moved = transaction.Transaction(
            2, (transaction.Input(beyond, FINAL),), unsigned.outputs, 0
        )
        item = vault.relay.item_of("x", container(moved, [true]), [key_of(HOT)])
        assert vault.code(item) == "contract.bitcoin.previous"

    def test_nothing_said_of_a_coin_is_refused(self, vault):
        silent = coin("x", p2wpkh("hot"), proof="nothing")
        item = vault.relay.item("x", [silent], [(SOMEBODY, 99_000)], [key_of(HOT)])
        assert vault.code(item, ALLOW) == "contract.bitcoin.no_coin"

    @pytest.mark.parametrize(
        ("kind", "proof", "code"),
        [
            ("p2wpkh", Proof.COMMITTED, ""),
            ("p2sh-p2wpkh", Proof.COMMITTED, ""),
            ("p2pkh", Proof.CLAIMED, "refusal.policy.unproven_amounts"),
            ("p2pk", Proof.CLAIMED, "refusal.policy.unproven_amounts"),
        ],
    )
    def test_a_claim_is_committed_only_by_segwit(self, vault, kind, proof, code):
        claimed = coin("x", KINDS[kind]("hot"), proof="claim")
        item = vault.relay.item("x", [claimed], [(SOMEBODY, 99_000)], [key_of(HOT)])
        assert vault.intent(item).proof is proof
        assert vault.code(item) == code
        assert vault.code(item, ALLOW) == ""


class TestKeys:
    def test_surplus_keys_are_dropped(self, vault):
        made = coin("x", p2wpkh("hot"))
        keys = [key_of(SPARE), key_of(HOT), key_of(WALLET, 7)]
        item = vault.relay.item("x", [made], [(SOMEBODY, 99_000)], keys)
        (answer,) = vault.sign(item)
        signed_by_stranger(answer, [made])

    def test_keys_find_their_inputs_in_any_order(self, vault):
        coins = [coin("a", p2wpkh("hot")), coin("b", p2wpkh("spare"))]
        keys = [key_of(SPARE), key_of(HOT)]
        item = vault.relay.item("x", coins, [(SOMEBODY, 199_000)], keys)
        (answer,) = vault.sign(item)
        signed_by_stranger(answer, coins)

    def test_an_input_that_no_key_of_the_item_spends_refuses_it(self, vault):
        coins = [coin("a", p2wpkh("hot")), coin("b", p2wpkh("spare"))]
        item = vault.relay.item("x", coins, [(SOMEBODY, 199_000)], [key_of(HOT)])
        assert vault.code(item) == "refusal.key_missing"

    @pytest.mark.parametrize(
        "pays", [b"\x00\x20" + b"\x05" * 32, b"\x51", b"\x52\x02ab", b""]
    )
    def test_inputs_of_other_scripts_are_not_supported(self, vault, pays):
        item = vault.relay.item(
            "x", [coin("x", pays)], [(SOMEBODY, 99_000)], [key_of(HOT)]
        )
        assert vault.code(item) == "contract.bitcoin.script"

    def test_a_childs_coin_is_signed_with_the_childs_key(self, vault):
        made = coin("x", child_script(5))
        item = vault.relay.item("x", [made], [(SOMEBODY, 99_000)], [key_of(WALLET, 5)])
        (answer,) = vault.sign(item)
        signed_by_stranger(answer, [made])


class TestShape:
    def test_the_same_coin_twice_in_one_transaction_is_refused(self, vault):
        made = coin("x", p2wpkh("hot"))
        item = vault.relay.item("x", [made, made], [(SOMEBODY, 199_000)], [key_of(HOT)])
        assert vault.code(item, ALLOW) == "refusal.coin_twice"

    @pytest.mark.parametrize(
        "pays",
        [b"", b"\x51", b"\x53\x02\x01\x02", b"\xa9\x14" + b"\x01" * 19 + b"\x87"],
    )
    def test_an_output_that_nobody_can_read_is_refused(self, vault, pays):
        assert vault.code(payment(vault.relay, to=pays)) == "refusal.unknown_script"

    def test_an_op_return_without_value_is_data(self, vault):
        made, data = coin("x", p2wpkh("hot")), b"\x6a\x05hello"
        item = vault.relay.item(
            "x", [made], [(data, 0), (SOMEBODY, 99_000)], [key_of(HOT)]
        )
        first, _ = vault.intent(item).payments
        assert (first.owner, first.amount, first.key) == (Owner.OTHERS, 0, None)
        assert vault.code(item) == ""

    def test_an_op_return_with_value_is_refused(self, vault):
        made, data = coin("x", p2wpkh("hot")), b"\x6a\x05hello"
        item = vault.relay.item(
            "x", [made], [(data, 1), (SOMEBODY, 99_000)], [key_of(HOT)]
        )
        assert vault.code(item, ALLOW) == "refusal.op_return_value"

    def test_a_transaction_that_nodes_do_not_relay_is_refused(self, vault):
        made = coin("x", p2wpkh("hot"), 10**9)
        outputs = [(SOMEBODY, 100_000)] * 3_300
        item = vault.relay.item("x", [made], outputs, [key_of(HOT)])
        assert vault.code(item) == "refusal.too_large"

    @pytest.mark.parametrize(
        "payload", [b"", b"psbt\xff", b"\x00" * 50, b"psbt\xff\x00\x00"]
    )
    def test_bytes_that_are_no_container_refuse_the_item_alone(self, vault, payload):
        bad = vault.relay.item_of("bad", payload, [key_of(HOT)])
        refused, fine = vault.judged(bad, payment(vault.relay))
        assert refused.error.code == "contract.psbt.malformed"
        assert fine.error is None

    def test_every_truncation_of_a_container_is_refused(self, vault):
        payload = payment(vault.relay).payload
        for size in range(len(payload)):
            with pytest.raises(AirgapError):
                psbt.decode(payload[:size])

    @given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
    def test_a_flipped_bit_never_escapes_as_anything_but_an_error(self, position, bit):
        vault = Vault()
        vault.add_key(HOT, "hot")
        payload = bytearray(payment(vault.relay).payload)
        payload[position % len(payload)] ^= 1 << bit
        item = vault.relay.item_of("payment", bytes(payload), [key_of(HOT)])
        (judged,) = vault.judged(item)
        if judged.error is not None:
            assert judged.error.code != "contract.unreadable"
            assert judged.error.status in (3, 4)


def locked(vault, *, now=NOON, **fields):
    return vault.code(payment(vault.relay, **fields), now=now)


class TestLocks:
    OPEN = 0xFFFFFFFE

    @pytest.mark.parametrize(
        ("lock", "code"),
        [
            (NOON, ""),
            (NOON + DAY, ""),
            (NOON + DAY + 1, "refusal.locked"),
            (0xFFFFFFFF, "refusal.locked"),
        ],
    )
    def test_a_time_may_be_a_day_ahead_at_most(self, vault, lock, code):
        assert locked(vault, lock_time=lock, sequence=self.OPEN) == code

    def test_a_lock_means_nothing_when_every_input_is_final(self, vault):
        assert locked(vault, lock_time=0xFFFFFFFF, sequence=FINAL) == ""

    def test_one_input_that_is_not_final_makes_the_lock_count(self, vault):
        coins = [coin("a", p2wpkh("hot")), coin("b", p2wpkh("hot"))]
        for sequence in ([FINAL, self.OPEN], [self.OPEN, FINAL]):
            item = vault.relay.item(
                "x",
                coins,
                [(SOMEBODY, 199_000)],
                [key_of(HOT)],
                lock_time=NOON + 2 * DAY,
                sequence=sequence,
            )
            assert vault.code(item) == "refusal.locked"

    @pytest.mark.parametrize("network", ["mainnet", "testnet"])
    def test_a_height_is_bounded_by_what_could_have_been_mined(self, network):
        vault = Vault(network)
        vault.add_key(HOT, "hot")
        height, when, seconds = bitcoin.HEIGHTS[network]
        latest = height + DAY // seconds
        for lock, code in ((latest, ""), (latest + 1, "refusal.locked")):
            assert locked(vault, now=when, lock_time=lock, sequence=0) == code
        later = when + 1_000 * seconds
        assert locked(vault, now=later, lock_time=latest + 1_000, sequence=0) == ""

    def test_the_last_height_is_not_taken_for_a_time(self, vault):
        assert locked(vault, lock_time=499_999_999, sequence=0) == "refusal.locked"
        assert locked(vault, lock_time=500_000_000, sequence=0) == ""

    @pytest.mark.parametrize(
        ("sequence", "code"),
        [
            (0, ""),
            (144, ""),
            (145, "refusal.locked"),
            (0xFFFF, "refusal.locked"),
            (1 << 22 | 168, ""),
            (1 << 22 | 169, "refusal.locked"),
            (1 << 31 | 0xFFFF, ""),
            (1 << 16 | 144, ""),
            (1 << 16 | 145, "refusal.locked"),
        ],
    )
    def test_a_relative_lock_may_last_a_day_at_most(self, vault, sequence, code):
        assert locked(vault, sequence=sequence) == code

    def test_any_input_may_carry_the_relative_lock(self, vault):
        coins = [coin("a", p2wpkh("hot")), coin("b", p2wpkh("hot"))]
        item = vault.relay.item(
            "x", coins, [(SOMEBODY, 199_000)], [key_of(HOT)], sequence=[FINAL, 145]
        )
        assert vault.code(item) == "refusal.locked"

    @pytest.mark.parametrize(
        ("version", "code"),
        [(0, ""), (1, ""), (2, "refusal.locked"), (0xFFFFFFFF, "refusal.locked")],
    )
    def test_relative_locks_begin_with_version_two(self, vault, version, code):
        assert locked(vault, sequence=145, version=version) == code


class TestOwnOutputs:
    def paid(self, vault, pays, keys=None):
        """Return what the second output, to ``pays``, is taken for."""
        keys = keys or [key_of(WALLET, 3)]
        made = coin(
            "x", child_script(3) if keys[0].index is not None else p2wpkh("hot")
        )
        item = vault.relay.item("x", [made], [(SOMEBODY, 9_000), (pays, 90_000)], keys)
        payment = vault.intent(item).payments[1]
        return payment.owner, payment.key

    def test_the_paying_keys_own_scripts_are_change(self, vault):
        for pays in KINDS.values():
            owner, key = self.paid(vault, pays("hot"), [key_of(HOT)])
            assert (owner, key) == (Owner.PAYER, key_of(HOT))

    @pytest.mark.parametrize("index", [0, 1, 3, 4, 999, 3 + OWN_GAP])
    def test_an_index_up_to_a_thousand_past_the_highest_is_change(self, vault, index):
        owner, key = self.paid(vault, child_script(index))
        assert (owner, key) == (Owner.PAYER, key_of(WALLET, index))

    def test_an_index_beyond_is_not_recognised(self, vault):
        owner, key = self.paid(vault, child_script(4 + OWN_GAP))
        assert (owner, key) == (Owner.OTHERS, None)

    @pytest.mark.parametrize(
        ("index", "owner"), [(50 + OWN_GAP, Owner.PAYER), (51 + OWN_GAP, Owner.OTHERS)]
    )
    def test_an_index_that_was_given_out_moves_the_edge(self, vault, index, owner):
        vault.change(WALLET, highest=50)
        assert self.paid(vault, child_script(index))[0] is owner

    def test_items_of_one_batch_each_count_from_their_own_index(self, vault):
        far = child_script(500 + OWN_GAP)
        items = [
            vault.relay.item(
                f"{index}",
                [coin(f"{index}", child_script(index))],
                [(SOMEBODY, 9_000), (far, 90_000)],
                [key_of(WALLET, index)],
            )
            for index in (0, 500)
        ]
        low, high = vault.judged(*items)
        assert low.reading.intent.payments[1].owner is Owner.OTHERS
        assert high.reading.intent.payments[1].owner is Owner.PAYER

    @pytest.mark.parametrize("pays", [p2wpkh("cold"), p2pkh("cold")])
    def test_another_key_of_ours_is_a_transfer_not_change(self, vault, pays):
        owner, key = self.paid(vault, pays)
        assert (owner, key) == (Owner.OURSELVES, key_of(COLD))

    def test_a_paying_keys_other_address_is_change(self, vault):
        keys = [key_of(HOT), key_of(SPARE)]
        owner, key = self.paid(vault, p2pkh("spare"), keys)
        assert (owner, key) == (Owner.PAYER, key_of(SPARE))

    def test_a_wallet_that_does_not_pay_is_not_searched(self, vault):
        owner, key = self.paid(vault, child_script(0), [key_of(HOT)])
        assert (owner, key) == (Owner.OTHERS, None)

    def test_a_retired_key_is_nobodys(self, vault):
        vault.change(COLD, retired=True)
        assert self.paid(vault, p2wpkh("cold")) == (Owner.OTHERS, None)

    def test_another_network_is_not_ours(self, vault):
        vault.change(COLD, network="mainnet")
        assert self.paid(vault, p2wpkh("cold")) == (Owner.OTHERS, None)

    def test_another_mnemonics_child_is_not_ours(self, vault):
        assert self.paid(vault, child_script(0, LEGAL)) == (Owner.OTHERS, None)

    def test_each_of_two_paying_wallets_is_searched(self, vault):
        other = "22222222-2222-4333-8444-555555555555"
        vault.add(wallet_entry(other, LEGAL), LEGAL)
        keys = [key_of(WALLET, 3), key_of(other, 0)]
        assert self.paid(vault, child_script(9, LEGAL), keys) == (
            Owner.PAYER,
            key_of(other, 9),
        )

    def test_change_is_derived_again_before_signing(self, vault):
        made = coin("x", child_script(3))
        item = vault.relay.item(
            "x",
            [made],
            [(SOMEBODY, 40_000), (child_script(8), 59_000)],
            [key_of(WALLET, 3)],
        )
        (answer,) = vault.sign(item)
        signed_by_stranger(answer, [made])

    @pytest.mark.parametrize("index", [50_000, 2**31 - 1])
    def test_a_far_index_costs_no_more_than_a_near_one(self, vault, index):
        """Deriving two thousand million children would hold the signer up for days."""
        made = coin("x", child_script(index))
        back = child_script(index)
        item = vault.relay.item(
            "x",
            [made],
            [(SOMEBODY, 40_000), (back, 59_000)],
            [key_of(WALLET, index)],
        )
        assert vault.intent(item).payments[1].owner is Owner.PAYER
        (answer,) = vault.sign(item)
        signed_by_stranger(answer, [made])

    def test_a_far_address_given_out_costs_no_more_than_a_near_one(self, vault):
        vault.change(WALLET, highest=2**31 - 1)
        assert self.paid(vault, child_script(4))[0] is Owner.PAYER


class TestOddities:
    def odd(self, vault, outputs, **fields):
        item = vault.relay.item(
            "x", [coin("x", p2wpkh("hot"))], outputs, [key_of(HOT)], **fields
        )
        return vault.intent(item).oddities

    def test_a_plain_payment_has_none(self, vault):
        assert self.odd(vault, [(SOMEBODY, 99_000)]) == ()

    @pytest.mark.parametrize(
        ("sequence", "count"), [(FINAL, 0), (0xFFFFFFFE, 0), (0xFFFFFFFD, 1), (0, 1)]
    )
    def test_what_can_be_replaced_says_so(self, vault, sequence, count):
        odd = self.odd(vault, [(SOMEBODY, 99_000)], sequence=sequence)
        assert sum("BIP-125" in text for text in odd) == count

    def test_a_lock_time_is_shown(self, vault):
        assert self.odd(vault, [(SOMEBODY, 99_000)], lock_time=7) == (
            "has lock time 7",
        )

    def test_dust_is_shown_except_data(self, vault):
        odd = self.odd(
            vault, [(SOMEBODY, 293), (SOMEBODY, 294), (b"\x6a\x01x", 0), (SOMEBODY, 1)]
        )
        assert [text.split()[1] for text in odd] == ["293", "1"]

    def test_paying_only_ourselves_is_shown(self, vault):
        odd = self.odd(vault, [(p2wpkh("hot"), 50_000), (p2wpkh("cold"), 49_000)])
        assert odd == ("pays nobody but ourselves",)


class TestSize:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("count", [1, 3])
    def test_the_size_is_never_below_and_at_most_one_byte_an_input_above(
        self, vault, kind, count
    ):
        coins = [coin(f"{kind}{n}", KINDS[kind]("hot")) for n in range(count)]
        item = vault.relay.item(
            "x", coins, [(SOMEBODY, 100_000 * count - 1_000)], [key_of(HOT)]
        )
        expected = vault.intent(item).size
        (answer,) = vault.sign(item)
        true = transaction.decode(answer.signed).virtual_size()
        assert expected - count <= true <= expected

    def test_a_mixed_transaction_counts_the_empty_witness_of_its_legacy_inputs(
        self, vault
    ):
        coins = [coin(kind, pays("hot")) for kind, pays in KINDS.items()]
        item = vault.relay.item("x", coins, [(SOMEBODY, 390_000)], [key_of(HOT)])
        (answer,) = vault.sign(item)
        true = transaction.decode(answer.signed).virtual_size()
        assert vault.intent(item).size - 4 <= true <= vault.intent(item).size


class TestPrivateKeys:
    def test_a_key_goes_to_text_and_back(self):
        text = bitcoin.FAMILY.secret_text(secret_of("hot"), CHAIN)
        assert bitcoin.FAMILY.secret(text, CHAIN) == secret_of("hot")
        assert embit_ec.PrivateKey.from_wif(text).secret == secret_of("hot")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "hello",
            "0" * 52,
            wif("hot", "mainnet"),
            wif("hot")[:-1],
            wif("hot")[:-1] + "!",
            wif("hot").swapcase(),
            "91avARGdfge8E4tZfYLoxeJ5sGBdNJQH4kvjJoQFacbgwmaKkrx",
            bitcoin.FAMILY.secret_text(bytes(32), CHAIN),
            bitcoin.FAMILY.secret_text(b"\xff" * 32, CHAIN),
            bitcoin.FAMILY.secret_text(b"\x01" * 31, CHAIN),
            "cafe\N{LATIN SMALL LETTER E WITH ACUTE}",
        ],
    )
    def test_anything_but_a_compressed_key_of_the_network_is_refused(self, text):
        with pytest.raises(StorageError) as caught:
            bitcoin.FAMILY.secret(text, CHAIN)
        assert caught.value.code == "storage.bad_key"
        assert len(text) < 8 or text not in caught.value.message


class TestDestinations:
    def test_an_address_stands_in_full(self):
        assert bitcoin.FAMILY.destination(SOMEBODY, CHAIN) == SOMEBODY_ADDRESS

    def test_a_script_without_an_address_shows_its_kind_and_bytes(self):
        shown = bitcoin.FAMILY.destination(b"\x6a\x02hi", CHAIN)
        assert shown == "op_return 6a026869"
        assert bitcoin.FAMILY.destination(p2pk("hot"), CHAIN).startswith("p2pk 21")

    def test_the_managed_address_is_native_segwit(self):
        assert bitcoin.FAMILY.address(key("hot"), CHAIN).startswith("tb1q")


class TestSigning:
    def test_a_signature_that_does_not_verify_never_leaves(self, vault, monkeypatch):
        item = payment(vault.relay)
        other = bitcoin.key_material.sign_ecdsa(secret_of("spare"), bytes(32))
        monkeypatch.setattr(bitcoin.key_material, "sign_ecdsa", lambda *_: other)
        with pytest.raises(SafetyError) as caught:
            vault.sign(item)
        assert caught.value.code == "safety.signature"

    def test_the_container_is_what_any_wallet_reads(self, vault):
        item = payment(vault.relay)
        read = embit_psbt.PSBT.parse(item.payload)
        assert read.tx.txid().hex() == psbt.decode(item.payload).unsigned.tx_id()

    def test_every_supported_chain_has_its_family(self):
        assert chains.family(CHAIN) is bitcoin.FAMILY

    def test_the_worst_height_bound_is_documented_by_a_date(self):
        for height, when, seconds in bitcoin.HEIGHTS.values():
            assert height > 0 < when
            assert seconds <= 600


VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors/bips/bip143.json").read_text()
)


def test_bip143s_example_is_signed_byte_for_byte():
    example = VECTORS["examples"][0]
    vault = Vault("mainnet")
    unsigned = transaction.decode(bytes.fromhex(example["unsigned"]))
    said, keys = [], []
    for number, spent in enumerate(example["inputs"]):
        secret = bytes.fromhex(spent["secret"])
        text = bitcoin.FAMILY.secret_text(secret, lookup("BTC", "mainnet"))
        signature_id = f"{number}0000000-0000-4000-8000-000000000000"
        vault.add(key_entry(signature_id, text, "mainnet"), text)
        keys.append(key_of(signature_id))
        claimed = Output(spent["amount"], bytes.fromhex(spent["script"]))
        said.append(PSBTInput(None, claimed))
    payload = PSBT(unsigned, tuple(said)).encode()
    item = vault.relay.item_of("bip143", payload, keys)
    (judged,) = vault.judged(item, policy=ALLOW)
    secrets = {k: vault.secrets[k.signature_id] for k in keys}
    raw = {
        k: bitcoin.FAMILY.secret(text, lookup("BTC", "mainnet"))
        for k, text in secrets.items()
    }
    assert judged.reading.sign(raw).data.hex() == example["signed"]
