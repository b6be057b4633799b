"""Which items form the next batch."""

from hypothesis import given
from hypothesis import strategies as st

from airgap_relay.batching import FRAME_BYTES, Candidate, choose
from airgap_shared.limits import MAX_BATCH_ITEMS, MAX_DOCUMENT_BYTES


def candidate(number, payload_bytes=100, coins=None):
    coins = {f"{number}:0"} if coins is None else coins
    return Candidate(str(number), payload_bytes, 1, frozenset(coins))


def test_items_are_taken_in_order():
    assert choose([candidate(3), candidate(1), candidate(2)]) == ["3", "1", "2"]


def test_nothing_comes_of_nothing():
    assert choose([]) == []


def test_no_more_than_the_limit():
    assert choose(map(candidate, range(5)), limit=2) == ["0", "1"]


def test_no_more_than_a_thousand_whatever_the_limit():
    many = [candidate(number) for number in range(MAX_BATCH_ITEMS + 1)]
    assert len(choose(many, limit=MAX_BATCH_ITEMS + 1)) == MAX_BATCH_ITEMS


def test_two_items_that_share_a_coin_never_meet():
    shared = [candidate(1, coins={"a:0", "b:0"}), candidate(2, coins={"b:0"})]
    assert choose([*shared, candidate(3)]) == ["1", "3"]


def test_an_item_that_does_not_fit_waits_and_smaller_ones_go():
    items = [candidate(1, 600_000), candidate(2, 600_000), candidate(3, 10)]
    assert choose(items, max_bytes=1_000_000) == ["1", "3"]


def test_the_largest_payload_fits_alone():
    assert choose([candidate(1, 8 * 1024 * 1024)]) == ["1"]


@given(st.lists(st.integers(0, 8 * 1024 * 1024), max_size=30))
def test_the_estimate_never_exceeds_a_document(sizes):
    items = [candidate(number, size) for number, size in enumerate(sizes)]
    chosen = set(choose(items))
    total = sum(i.document_bytes() for i in items if i.id in chosen)
    assert total + FRAME_BYTES <= MAX_DOCUMENT_BYTES
    assert not items or chosen
