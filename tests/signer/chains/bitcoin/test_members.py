"""What differs from one member of the family to the next: taproot, BCH, DOGE."""

from dataclasses import replace

import pytest

from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_shared.formats.psbt import PSBT
from airgap_signer import chains
from airgap_signer.intent import Owner, Proof
from airgap_signer.policy import Policy
from tests.signer.world import (
    ALLOW,
    HOT,
    SPARE,
    Vault,
    key_entry,
    p2pkh,
    p2wpkh,
    secret_of,
    vault,
)
from tests.simulators.relay_side import SOMEBODY, coin, key_of, spend


def p2tr(name):
    key = secp256k1.public_key(secret_of(name))
    return script.p2tr(secp256k1.taproot_output_key(key))


def member(code, network="testnet"):
    """Return a signer with the hot key on another chain of the family."""

    made, chain = Vault(network), lookup(code, network)
    text = chains.family(chain).secret_text(secret_of("hot"), chain)
    made.add(key_entry(HOT, text, network, code), text)
    return made


def item_of(made, code, coins, outputs, *, fork_id=False):
    unsigned = spend(coins, outputs)
    said = tuple(replace(each.said(), has_fork_id=fork_id) for each in coins)
    payload = PSBT(unsigned, said).encode()
    return made.relay.item_of("x", payload, [key_of(HOT)], chain=code)


class TestTaproot:
    def item(self, made, *coins):
        keys = [key_of(HOT), key_of(SPARE)]
        total = sum(each.output.amount for each in coins)
        return made.relay.item("x", list(coins), [(SOMEBODY, total - 1_000)], keys)

    @pytest.mark.parametrize("proof", ["previous", "claim", "both"])
    def test_several_coins_may_be_claimed_for_each_signature_commits_to_all(
        self, vault, proof
    ):
        coins = [
            coin("a", p2tr("hot"), proof=proof),
            coin("b", p2tr("spare"), proof=proof),
        ]
        item = self.item(vault, *coins)
        assert vault.code(item, Policy()) == ""
        expected = Proof.ALL_COMMITTED if proof == "claim" else Proof.PROVEN
        assert vault.intent(item).proof is expected
        (answer,) = vault.sign(item)
        signed = transaction.decode(answer.signed)
        assert all(len(spent.witness[0]) == 64 for spent in signed.inputs)

    @pytest.mark.parametrize(
        ("pays", "code"),
        [
            (p2wpkh("hot"), "refusal.policy.unproven_amounts"),
            (p2pkh("hot"), "refusal.policy.unproven_amounts"),
        ],
    )
    def test_a_claim_beside_it_that_commits_to_less_is_refused(self, vault, pays, code):
        coins = [coin("a", p2tr("hot"), proof="claim"), coin("b", pays, proof="claim")]
        assert vault.code(self.item(vault, *coins)) == code

    def test_a_claim_that_differs_from_the_proof_is_refused(self, vault):
        lie = Output(99_999, p2tr("hot"))
        made = coin("a", p2tr("hot"), proof="both", claimed=lie)
        assert vault.code(self.item(vault, made)) == "contract.bitcoin.claim"

    def test_a_second_machine_gives_the_same_bytes(self):
        answers = []
        for _ in range(2):
            made = vault()
            answers.append(made.sign(self.item(made, coin("a", p2tr("hot"))))[0].signed)
        assert answers[0] == answers[1]

    @pytest.mark.parametrize("name", [f"parity {n}" for n in range(6)])
    def test_bitcoin_core_accepts_it_whatever_the_keys_parity(self, name):
        pbk = pytest.importorskip("pbk")
        made = Vault()
        made.add_key(HOT, name)
        made.add_key(SPARE, f"{name} other")
        coins = [coin("a", p2tr(name)), coin("b", p2wpkh(f"{name} other"))]
        (answer,) = made.sign(self.item(made, *coins))
        final = pbk.Transaction(answer.signed)
        scripts = [pbk.ScriptPubkey(each.output.script) for each in coins]
        outputs = [
            pbk.TransactionOutput(each, spent.output.amount)
            for each, spent in zip(scripts, coins, strict=True)
        ]
        prepared = pbk.script.PrecomputedTransactionData(final, outputs)
        for index, (pays, spent) in enumerate(zip(scripts, coins, strict=True)):
            assert pays.verify(
                spent.output.amount,
                final,
                prepared,
                index,
                pbk.ScriptVerificationFlags.ALL,
            )

    def test_change_to_the_paying_keys_taproot_is_ours(self, vault):
        made = coin("a", p2wpkh("hot"))
        outputs = [(SOMEBODY, 50_000), (p2tr("hot"), 49_000)]
        item = vault.relay.item("x", [made], outputs, [key_of(HOT)])
        assert vault.intent(item).payments[1].owner is Owner.PAYER
        (answer,) = vault.sign(item)
        assert answer.signed


class TestHashType:
    OUTPUTS = ((p2pkh("somebody"), 99_000),)

    @pytest.mark.parametrize(
        ("code", "fork_id", "expected"),
        [
            ("BTC", False, ""),
            ("BTC", True, "refusal.sighash"),
            ("BCH", True, ""),
            ("BCH", False, "refusal.sighash"),
        ],
    )
    def test_only_bitcoin_cash_signs_with_the_fork_id(self, code, fork_id, expected):
        made = member(code)
        coins = [coin("a", p2pkh("hot"))]
        item = item_of(made, code, coins, self.OUTPUTS, fork_id=fork_id)
        assert made.code(item, ALLOW) == expected

    def test_one_input_with_another_hash_type_is_enough(self):
        made = member("BCH")
        coins = [coin("a", p2pkh("hot")), coin("b", p2pkh("hot"))]
        unsigned = spend(coins, self.OUTPUTS)
        first, second = (each.said() for each in coins)
        payload = PSBT(unsigned, (replace(first, has_fork_id=True), second)).encode()
        item = made.relay.item_of("x", payload, [key_of(HOT)], chain="BCH")
        assert made.code(item) == "refusal.sighash"

    def test_a_single_amount_is_committed_on_bitcoin_cash_alone(self):
        for code, fork_id, proof in (
            ("BCH", True, Proof.COMMITTED),
            ("BTC", False, Proof.CLAIMED),
        ):
            made = member(code)
            claimed = [coin("a", p2pkh("hot"), proof="claim")]
            item = item_of(made, code, claimed, self.OUTPUTS, fork_id=fork_id)
            assert made.intent(item, ALLOW).proof is proof

    @pytest.mark.parametrize("pays", [p2wpkh("hot"), p2tr("hot")])
    @pytest.mark.parametrize("code", ["BCH", "DOGE"])
    def test_chains_without_segwit_spend_no_segwit_coins(self, code, pays):
        made = member(code)
        coins = [coin("a", pays, 10**9)]
        outputs = ((p2pkh("somebody"), 9 * 10**8),)
        item = item_of(made, code, coins, outputs, fork_id=code == "BCH")
        assert made.code(item, ALLOW) in (
            "contract.bitcoin.script",
            "refusal.key_missing",
        )


def test_dogecoins_smallest_output_is_a_rule():
    made = member("DOGE")
    coins = [coin("a", p2pkh("hot"), 10**9)]
    lowest = 100_000
    for amount, code in ((lowest, ""), (lowest - 1, "refusal.dust")):
        rest = 10**9 - amount - 10**6
        outputs = ((p2pkh("somebody"), amount), (p2pkh("somebody"), rest))
        item = item_of(made, "DOGE", coins, outputs)
        assert made.code(item, ALLOW) == code
