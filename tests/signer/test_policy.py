"""Rules and their edges: each bound is inclusive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.chains import lookup
from airgap_shared.errors import ContractError, RefusalError
from airgap_signer import policy
from airgap_signer.intent import Coin, Intent, Owner, Payment, Proof
from airgap_signer.policy import Policy, evaluate
from tests.signer.world import HOT, p2wpkh
from tests.simulators.relay_side import SOMEBODY, key_of

CHAIN = lookup("BTC", "testnet")
SIZE = 110


def intent(fee, *, sent=100_000_000, size=SIZE, proofs=(Proof.PROVEN,), change=0):
    """Return a payment of ``sent`` with ``fee``, its coins known by ``proofs``."""
    total = sent + change + fee
    amounts = [1] * (len(proofs) - 1)
    amounts.append(total - len(amounts))
    coins = tuple(
        Coin(f"{number}:0", amount, p2wpkh("hot"), key_of(HOT), proof)
        for number, (amount, proof) in enumerate(zip(amounts, proofs, strict=True))
    )
    payments = [Payment(SOMEBODY, sent, Owner.OTHERS)]
    if change:
        payments.append(Payment(p2wpkh("hot"), change, Owner.PAYER, key_of(HOT)))
    return Intent(CHAIN, coins, tuple(payments), size)


def code(value, rules=None):
    try:
        evaluate(value, rules or Policy())
    except RefusalError as error:
        return error.code
    return ""


class TestFee:
    @pytest.mark.parametrize(
        ("fee", "expected"),
        [
            (SIZE - 2, "refusal.policy.min_fee_rate"),
            (SIZE - 1, ""),
            (SIZE, ""),
            (1_000 * SIZE, ""),
            (1_000 * SIZE + 1, "refusal.policy.max_fee_rate"),
            (0, "refusal.policy.zero_fee"),
            (-1, "refusal.outputs_exceed_inputs"),
        ],
    )
    def test_the_rates_edges_belong_to_what_is_allowed(self, fee, expected):
        assert code(intent(fee)) == expected

    def test_each_input_may_come_out_one_byte_shorter(self):
        three = (Proof.PROVEN,) * 3
        assert code(intent(SIZE - 3, proofs=three)) == ""
        assert code(intent(SIZE - 4, proofs=three)) == "refusal.policy.min_fee_rate"

    @pytest.mark.parametrize(
        ("fee", "expected"), [(1_000, ""), (1_001, "refusal.policy.max_fee_percent")]
    )
    def test_ten_per_cent_of_what_is_sent_is_allowed(self, fee, expected):
        assert code(intent(fee, sent=10_000)) == expected

    def test_change_does_not_count_as_sent(self):
        value = intent(1_001, sent=10_000, change=10**9)
        assert code(value) == "refusal.policy.max_fee_percent"

    def test_a_transfer_to_ourselves_counts_whole(self):
        value = intent(1_000, sent=10_000)
        back = Payment(p2wpkh("hot"), 10_000, Owner.PAYER, key_of(HOT))
        assert code(Intent(CHAIN, value.coins, (back,), SIZE)) == ""

    def test_nothing_sent_allows_no_fee(self):
        value = intent(1_000, sent=0)
        assert code(value) == "refusal.policy.max_fee_percent"

    def test_no_policy_allows_outputs_above_the_inputs(self):
        value = intent(-1)
        assert code(value, Policy(unproven_amounts="allow")) == (
            "refusal.outputs_exceed_inputs"
        )

    def test_a_refusal_names_what_was_found_and_the_bound(self):
        with pytest.raises(RefusalError) as caught:
            evaluate(intent(1_000 * SIZE + 1), Policy())
        assert "0.00110001 BTC" in caught.value.message
        assert "1000 base units" in caught.value.message

    @given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(60, 100_000))
    def test_whatever_passes_keeps_every_bound(self, fee, sent, size):
        value = intent(fee, sent=sent, size=size)
        if code(value) == "":
            assert size - 1 <= fee <= 1_000 * size
            assert fee * 100 <= policy.MAX_FEE_PERCENT * sent


PROVEN, COMMITTED, CLAIMED = Proof.PROVEN, Proof.COMMITTED, Proof.CLAIMED


class TestProof:
    @pytest.mark.parametrize(
        ("proofs", "allowed"),
        [
            ((PROVEN,), True),
            ((PROVEN, PROVEN), True),
            ((COMMITTED,), True),
            ((CLAIMED,), False),
            ((COMMITTED, COMMITTED), False),
            ((PROVEN, COMMITTED), False),
            ((COMMITTED, PROVEN), False),
            ((PROVEN, CLAIMED), False),
            ((COMMITTED, CLAIMED), False),
        ],
    )
    def test_an_amount_that_two_lies_could_turn_into_a_fee_is_refused(
        self, proofs, allowed
    ):
        expected = "" if allowed else "refusal.policy.unproven_amounts"
        assert code(intent(1_000, proofs=proofs)) == expected
        assert code(intent(1_000, proofs=proofs), Policy(unproven_amounts="allow")) == (
            ""
        )

    def test_it_says_how_many_inputs_are_unproven(self):
        with pytest.raises(RefusalError) as caught:
            evaluate(intent(1_000, proofs=(PROVEN, CLAIMED, COMMITTED)), Policy())
        assert "2 of 3 inputs" in caught.value.message


FILE = 'version = 3\nunproven_amounts = "allow"\notherwise = "person"\n'


def parse_error(text):
    with pytest.raises(ContractError) as caught:
        policy.parse(text)
    assert caught.value.code == "contract.policy"
    return caught.value


class TestFile:
    def test_no_file_is_the_caution_alone(self):
        assert policy.parse("") == Policy()
        assert Policy().unproven_amounts == "refuse"

    def test_a_file_says_what_it_says_and_the_rest_stays_cautious(self):
        parsed = policy.parse(FILE)
        assert parsed == Policy(version=3, unproven_amounts="allow")

    @pytest.mark.parametrize(
        "text",
        [
            "version = -1",
            "version = 1.0",
            'version = "1"',
            "version = 9007199254740992",
            FILE + "surprise = 1",
            FILE + 'confirm = "never"',
            "version = 1\nversion = 2",
            "version",
            "\x00",
            'version = 1\nunproven_amounts = "Allow"',
            "version = 1\n[[nothing]]\n",
            pytest.param("version = " + 5000 * "9", id="5,000 digits"),
            pytest.param("version = " + 5000 * "[", id="5,000 brackets"),
        ],
    )
    def test_anything_else_is_refused_and_says_which_keys_are_known(self, text):
        assert "unproven_amounts" in parse_error(text).hint

    @pytest.mark.parametrize("text", ["version = 0", "unproven_amounts = 'allow'"])
    def test_a_file_needs_a_version(self, text):
        assert "version" in parse_error(text).message

    def test_text_must_be_utf_8(self):
        assert policy.text_of(b"version = 1") == "version = 1"
        with pytest.raises(ContractError) as caught:
            policy.text_of(b"\xff")
        assert caught.value.code == "contract.policy"

    @pytest.mark.parametrize(("old", "new"), [(1, 2), (0, 1)])
    def test_a_newer_version_may_follow(self, old, new):
        policy.check_successor(Policy(version=new), Policy(version=old))

    @pytest.mark.parametrize(("old", "new"), [(2, 2), (2, 1)])
    def test_the_same_or_an_older_version_may_not(self, old, new):
        with pytest.raises(RefusalError) as caught:
            policy.check_successor(Policy(version=new), Policy(version=old))
        assert caught.value.code == "refusal.policy.version"

    def test_every_choice_has_its_sentence(self):
        for proofs in ("refuse", "allow"):
            for confirm in ("any", "terminal"):
                for otherwise in ("refuse", "person"):
                    rules = Policy(
                        unproven_amounts=proofs, confirm=confirm, otherwise=otherwise
                    )
                    lines = policy.explain(rules)
                    assert all(line.endswith(".") for line in lines)
                    assert any("10 %" in line for line in lines)

    def test_otherwise_refuse_refuses_what_no_rule_matches(self):
        rules = Policy(otherwise="refuse")
        assert code(intent(1_000), rules) == "refusal.policy.no_rule"
        assert code(intent(0), rules) == "refusal.policy.zero_fee"
