"""What was signed before, and what that forbids."""

import pytest

from airgap_shared.errors import RefusalError, SafetyError
from airgap_signer import memory
from airgap_signer.intent import Coin, Proof
from airgap_signer.memory import Memory, Paid, Record, SpentCoin
from tests.signer.world import HOT, p2wpkh, payment
from tests.simulators.relay_side import SOMEBODY, coin, key_of, tatum_id
from tests.vectors.authors import NOON, digest

SCRIPT = p2wpkh("hot")


def coin_of(reference, amount=100, script=SCRIPT):
    return Coin(reference, amount, script, key_of(HOT), Proof.PROVEN)


def record(name, *coins, request="request"):
    spent = tuple(SpentCoin(c.reference, c.amount, c.script) for c in coins)
    return Record(
        tatum_id=tatum_id(name),
        chain="BTC",
        network="testnet",
        request=digest(request),
        tx_id=digest(name),
        signed=b"signed",
        fee=10,
        coins=spent,
        payments=(Paid(SOMEBODY, 90),),
    )


def memory_of(*records):
    by_id: dict[str, list[Record]] = {}
    by_coin: dict[str, list[Record]] = {}
    for each in records:
        by_id.setdefault(each.tatum_id, []).append(each)
        for spent in each.coins:
            by_coin.setdefault(spent.reference, []).append(each)
    return Memory(by_id, by_coin)


def conflict(known, name, coins):
    with pytest.raises(RefusalError) as caught:
        memory.check_new(known, tatum_id(name), coins)
    return caught.value


class TestAnswered:
    def test_the_same_request_is_answered_from_the_record(self):
        first, second = record("1", request="a"), record("1", request="b")
        known = memory_of(first, second)
        assert memory.answered(known, tatum_id("1"), digest("a")) is first
        assert memory.answered(known, tatum_id("1"), digest("b")) is second

    def test_another_request_or_another_id_is_not(self):
        known = memory_of(record("1", request="a"))
        assert memory.answered(known, tatum_id("1"), digest("b")) is None
        assert memory.answered(known, tatum_id("2"), digest("a")) is None


class TestNew:
    A, B = coin_of("a:0"), coin_of("b:0")

    def test_nothing_known_forbids_nothing(self):
        memory.check_new(memory_of(), tatum_id("1"), [self.A])

    def test_unrelated_records_do_not_matter(self):
        memory.check_new(memory_of(record("1", self.A)), tatum_id("2"), [self.B])

    def test_the_same_tatum_id_with_other_coins_is_a_conflict(self):
        error = conflict(memory_of(record("1", self.A)), "1", [self.B])
        assert error.code == "refusal.conflict.tatum_id"
        assert tatum_id("1") in error.message
        assert digest("1") in error.message

    def test_the_same_coin_in_another_item_is_a_conflict_that_names_the_first(self):
        error = conflict(memory_of(record("1", self.A)), "2", [self.B, self.A])
        assert error.code == "refusal.conflict.coin"
        assert "a:0" in error.message
        assert tatum_id("1") in error.message

    @pytest.mark.parametrize("name", ["1", "2"])
    @pytest.mark.parametrize(
        "lie", [coin_of("a:0", 101), coin_of("a:0", 99), coin_of("a:0", 100, SOMEBODY)]
    )
    def test_a_coin_is_pinned_to_what_was_said_of_it_first(self, name, lie):
        known = memory_of(record("1", self.B, self.A))
        assert conflict(known, name, [lie]).code == "refusal.conflict.claim"

    def test_a_record_of_several_coins_pins_each_to_its_own(self):
        known = memory_of(record("1", coin_of("a:0", 5), coin_of("b:0", 7)))
        same = [coin_of("a:0", 5), coin_of("b:0", 7)]
        assert conflict(known, "2", same).code == "refusal.conflict.coin"


class TestRepeatedCoins:
    def test_a_coin_of_two_items_is_counted(self):
        a, b, c = coin_of("a:0"), coin_of("b:0"), coin_of("c:0")
        assert memory.repeated_coins([[a, b], [b], [c], []]) == {"b:0": 2}

    def test_different_outputs_of_one_transaction_are_different_coins(self):
        assert memory.repeated_coins([[coin_of("a:0")], [coin_of("a:1")]]) == {}


class TestClock:
    @pytest.mark.parametrize("now", [NOON, NOON + 1])
    def test_a_clock_that_stands_or_runs_is_accepted(self, now):
        memory.check_clock(now, NOON)

    def test_a_clock_behind_the_journal_stops_everything(self):
        with pytest.raises(SafetyError) as caught:
            memory.check_clock(NOON - 1, NOON)
        assert caught.value.code == "safety.clock"
        assert caught.value.status == 6


class TestThroughTheCeremony:
    """The same, with real transactions."""

    def test_the_same_request_gives_the_same_bytes_in_whatever_batch(self, vault):
        item = payment(vault.relay)
        (first,) = vault.sign(item)
        (again,) = vault.sign(item, now=NOON + 3000)
        assert first.signed
        assert again == first
        assert len(vault.history.records) == 1

    def test_another_payment_under_the_same_tatum_id_is_refused(self, vault):
        vault.sign(payment(vault.relay, "one"))
        other = payment(vault.relay, "two")
        other = vault.relay.item_of("one", other.payload, other.keys)
        assert vault.code(other) == "refusal.conflict.tatum_id"

    def test_the_same_coin_to_somebody_else_is_refused(self, vault):
        made = coin("shared", SCRIPT)
        keys = [key_of(HOT)]
        vault.sign(vault.relay.item("one", [made], [(SOMEBODY, 99_000)], keys))
        other = vault.relay.item("two", [made], [(p2wpkh("thief"), 99_000)], keys)
        assert vault.code(other) == "refusal.conflict.coin"

    def test_two_rounds_of_lies_about_an_amount_end_at_the_second(self, vault):
        keys, outputs = [key_of(HOT)], [(SOMEBODY, 99_000)]
        low = coin("pinned", SCRIPT, 100_000, proof="claim")
        vault.sign(vault.relay.item("one", [low], outputs, keys))
        for said in (100_001, 99_500, 100_000_000):
            claimed = type(low.output)(said, SCRIPT)
            lie = coin("pinned", SCRIPT, 100_000, proof="claim", claimed=claimed)
            for name in ("one", "two"):
                item = vault.relay.item(name, [lie], outputs, keys)
                assert vault.code(item) == "refusal.conflict.claim"

    def test_one_coin_in_two_items_of_a_batch_refuses_both(self, vault):
        made, keys = coin("shared", SCRIPT), [key_of(HOT)]
        items = [
            vault.relay.item(name, [made], [(SOMEBODY, 99_000)], keys)
            for name in ("one", "two")
        ]
        judged = vault.judged(*items, payment(vault.relay, "three"))
        codes = [each.error.code if each.error else "" for each in judged]
        assert codes == ["refusal.batch_coin_twice"] * 2 + [""]

    def test_a_coin_signed_before_is_refused_beside_its_own_answer(self, vault):
        made, keys = coin("shared", SCRIPT), [key_of(HOT)]
        first = vault.relay.item("one", [made], [(SOMEBODY, 99_000)], keys)
        second = vault.relay.item("two", [made], [(SOMEBODY, 98_000)], keys)
        vault.sign(first)
        known, refused = vault.judged(first, second)
        assert known.record is not None
        assert refused.error.code == "refusal.conflict.coin"

    def test_what_was_refused_may_be_asked_again(self, vault):
        made, keys = coin("again", SCRIPT), [key_of(HOT)]
        dear = vault.relay.item("one", [made], [(SOMEBODY, 50_000)], keys)
        (refused,) = vault.sign(dear)
        assert refused.refused == "refusal.policy.max_fee_percent"
        cheap = vault.relay.item("one", [made], [(SOMEBODY, 99_000)], keys)
        assert vault.code(cheap) == ""
