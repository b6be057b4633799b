"""May this item take the place of what was signed before?"""

import pytest

from airgap_shared.errors import UsageError
from airgap_shared.formats.bitcoin.transaction import Output
from tests.signer.world import COLD, HOT, p2wpkh, payment
from tests.simulators.relay_side import SOMEBODY, coin, key_of, tatum_id

THIEF = p2wpkh("thief")
KEYS = (key_of(HOT), key_of(COLD))


@pytest.fixture
def world(vault):
    """A signer that has signed item one: two coins, 150,000 to somebody."""

    class World:
        a = coin("a", p2wpkh("hot"))
        b = coin("b", p2wpkh("hot"))
        c = coin("c", p2wpkh("hot"))

        def item(self, name, coins, *outputs):
            return vault.relay.item(name, coins, outputs, KEYS)

        def sign(self, *items, replaces=()):
            ids = [tatum_id(name) for name in replaces]
            return [each.refused for each in vault.sign(*items, replaces=ids)]

    made = World()
    back = p2wpkh("hot")
    first = made.item("one", [made.a, made.b], (SOMEBODY, 150_000), (back, 49_000))
    assert made.sign(first) == [""]
    return made


def bumped(world, *outputs, coins=None, name="one"):
    return world.item(name, coins or [world.a, world.b], *outputs)


def test_a_higher_fee_for_the_same_payment_is_signed(world):
    item = bumped(world, (SOMEBODY, 150_000), (p2wpkh("hot"), 45_000))
    assert world.sign(item) == ["refusal.conflict.tatum_id"]
    assert world.sign(item, replaces=["one"]) == [""]


def test_what_was_signed_as_a_replacement_is_answered_without_asking_again(world):
    item = bumped(world, (SOMEBODY, 150_000), (p2wpkh("hot"), 45_000))
    world.sign(item, replaces=["one"])
    assert world.sign(item) == [""]


def test_paying_less_or_only_ourselves_is_a_replacement_too(world):
    less = bumped(world, (SOMEBODY, 149_999), (p2wpkh("hot"), 45_000))
    assert world.sign(less, replaces=["one"]) == [""]
    own = bumped(world, (p2wpkh("hot"), 190_000))
    assert world.sign(own, replaces=["one"]) == [""]


@pytest.mark.parametrize(
    ("outputs", "code"),
    [
        ([(SOMEBODY, 150_001), (p2wpkh("hot"), 45_000)], "destination"),
        ([(SOMEBODY, 100_000), (SOMEBODY, 50_001)], "destination"),
        ([(SOMEBODY, 100_000), (THIEF, 50_000)], "destination"),
        ([(SOMEBODY, 150_000), (THIEF, 0)], "destination"),
        ([(SOMEBODY, 150_000), (p2wpkh("hot"), 49_000)], ""),
        ([(SOMEBODY, 149_000), (p2wpkh("hot"), 50_000)], "fee"),
        ([(SOMEBODY, 149_000), (p2wpkh("hot"), 50_001)], "fee"),
    ],
)
def test_nobody_gets_more_and_the_fee_must_grow(world, outputs, code):
    item = bumped(world, *outputs)
    expected = f"refusal.replace.{code}" if code else ""
    assert world.sign(item, replaces=["one"]) == [expected]


def test_one_common_coin_is_enough(world):
    item = bumped(world, (SOMEBODY, 150_000), coins=[world.b, world.c])
    assert world.sign(item, replaces=["one"]) == ["refusal.policy.max_fee_percent"]
    item = bumped(
        world, (SOMEBODY, 150_000), (p2wpkh("hot"), 45_000), coins=[world.b, world.c]
    )
    assert world.sign(item, replaces=["one"]) == [""]


def test_no_common_coin_means_that_both_could_be_confirmed(world):
    item = bumped(world, (SOMEBODY, 95_000), coins=[world.c])
    assert world.sign(item, replaces=["one"]) == ["refusal.replace.coin"]


def test_every_earlier_version_must_be_displaced(world):
    second = bumped(
        world, (SOMEBODY, 150_000), (p2wpkh("hot"), 45_000), coins=[world.b, world.c]
    )
    assert world.sign(second, replaces=["one"]) == [""]
    third = bumped(world, (SOMEBODY, 91_000), coins=[world.a])
    assert world.sign(third, replaces=["one"]) == ["refusal.replace.coin"]
    third = bumped(
        world, (SOMEBODY, 150_000), (p2wpkh("hot"), 41_000), coins=[world.a, world.c]
    )
    assert world.sign(third, replaces=["one"]) == [""]


def test_another_items_coin_displaces_that_item_whole(world):
    assert world.sign(world.item("two", [world.c], (THIEF, 99_000))) == [""]
    both = world.item("three", [world.a, world.c], (SOMEBODY, 150_000), (THIEF, 47_000))
    assert world.sign(both) == ["refusal.conflict.coin"]
    assert world.sign(both, replaces=["three"]) == [""]


def test_the_fee_must_be_above_those_of_all_it_displaces_together(world):
    assert world.sign(world.item("two", [world.c], (THIEF, 99_000))) == [""]
    both = [world.a, world.c]
    low = world.item("three", both, (SOMEBODY, 150_000), (THIEF, 48_000))
    assert world.sign(low, replaces=["three"]) == ["refusal.replace.fee"]


def test_two_replacements_of_one_item_in_a_batch_would_pay_twice(world):
    """Each shares a coin with the first payment, but none with the other."""
    one = world.item("one", [world.a], (SOMEBODY, 95_000))
    two = world.item("two", [world.b], (SOMEBODY, 95_000))
    answers = world.sign(one, two, replaces=["one", "two"])
    assert answers == ["refusal.replace.twice"] * 2
    assert world.sign(one, replaces=["one"]) == [""]
    assert world.sign(two, replaces=["two"]) == ["refusal.replace.coin"]


def test_a_lie_about_a_coin_is_found_in_replacements_too(world):
    lie = coin("a", p2wpkh("hot"), proof="claim", claimed=Output(99_999, p2wpkh("hot")))
    item = bumped(world, (SOMEBODY, 90_000), coins=[lie])
    assert world.sign(item, replaces=["one"]) == ["refusal.conflict.claim"]


def test_a_replacement_of_nothing_is_refused(vault):
    item = payment(vault.relay, "new")
    (answer,) = vault.sign(item, replaces=[item.id])
    assert answer.refused == "refusal.replace.nothing"


def test_an_item_that_is_not_in_the_batch_cannot_be_named(vault):
    with pytest.raises(UsageError) as caught:
        vault.sign(payment(vault.relay), replaces=[tatum_id("elsewhere")])
    assert caught.value.code == "usage.no_item"
