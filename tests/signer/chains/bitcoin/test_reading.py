"""What a PSBT would do: coins, own outputs, locks, scripts, size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.chains import lookup
from airgap_shared.errors import AirgapError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_signer.intent import Owner, Proof
from tests.signer.chains.bitcoin.coins import KINDS, signed_by_stranger
from tests.signer.world import (
    ALLOW,
    HOT,
    SPARE,
    WALLET,
    Vault,
    child_script,
    p2wpkh,
    payment,
)
from tests.simulators.relay_side import (
    FINAL,
    SOMEBODY,
    coin,
    container,
    key_of,
    spend,
)

CHAIN = lookup("BTC", "testnet")
DAY = 24 * 3600


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
