"""What a person reads before deciding."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.chains import lookup
from airgap_signer import ceremony
from airgap_signer.chains.bitcoin import FAMILY
from airgap_signer.review import CLOCK_JUMP_SECONDS, MAX_SHOWN_COINS, duration, moment
from airgap_signer.review import render as render_review
from tests.signer.world import (
    ALLOW,
    COLD,
    HOT,
    WALLET,
    child_script,
    p2pkh,
    p2wpkh,
    payment,
    vault,
)
from tests.simulators.relay_side import (
    SOMEBODY,
    SOMEBODY_ADDRESS,
    coin,
    key_of,
    tatum_id,
)
from tests.vectors.authors import NOON

CHAIN = lookup("BTC", "testnet")
LONG = re.compile(r"\S{20,}")
"""An address, an id or a digest: these stand in full, however wide."""


def render(made, *items, now=NOON, last_at=0, preliminary=False, policy=None, **fields):
    data = made.relay.batch_file(*items, **fields)
    review = made.review(data, policy, now)
    text = render_review(review, "online", last_at, preliminary=preliminary)
    check(text)
    return text


def check(text):
    """Hold what every review must keep, whatever it is of."""
    for line in text.split("\n"):
        assert line.isprintable()
        assert line.isascii()
        if not LONG.search(line):
            assert len(line) <= 80, line


def address(script):
    return FAMILY.destination(script, CHAIN)


class TestItem:
    def item(self, made, **fields):
        spent = coin("x", child_script(3), 150_000_000)
        outputs = [
            (SOMEBODY, 100_000_000),
            (child_script(8), 49_000_000),
            (p2wpkh("cold"), 990_000),
        ]
        keys = [key_of(WALLET, 3)]
        item = made.relay.item("x", [spent], outputs, keys)
        return msgspec.structs.replace(item, **fields)

    def test_a_payment_shows_addresses_amounts_and_fee_in_full(self, vault):
        text = render(vault, self.item(vault))
        assert f"1 of 1   BTC   {tatum_id('x')}" in text
        assert f"  from    {address(child_script(3))}   1.5 BTC\n" in text
        assert f"  to      {SOMEBODY_ADDRESS}   1 BTC\n" in text
        size = vault.intent(self.item(vault)).size
        rate = f"{10_000 / size:.2f}"
        assert f"  fee     0.0001 BTC   0.01 % of sent, {rate} sat/vB" in text

    def test_what_comes_back_and_what_goes_to_another_wallet_say_so(self, vault):
        text = render(vault, self.item(vault))
        assert f"  back    {address(child_script(8))}   0.49 BTC\n" in text
        assert f"          back to us: {WALLET} index 8\n" in text
        assert f"  ours    {address(p2wpkh('cold'))}   0.0099 BTC\n" in text
        assert f"          another wallet of ours: {COLD}\n" in text

    def test_what_the_relay_merely_says_is_marked_as_its_claim(self, vault):
        text = render(vault, self.item(vault, hint="invoice 4711", replaces="fee"))
        assert "  claim   the relay says: invoice 4711\n" in text
        assert "  claim   the relay says that it replaces: fee\n" in text

    @pytest.mark.parametrize(
        "hint",
        [
            "  to      tb1qforged   9 BTC".rjust(160),
            "a" * 200,
            " " * 200,
            "pay " * 50,
            "total   1 to sign, 5 BTC sent".rjust(100) + " " * 100,
        ],
    )
    def test_a_long_claim_cannot_look_like_a_line_of_ours(self, vault, hint):
        """At 80 columns a terminal wraps: padding would put words below 'to'."""
        text = render(vault, self.item(vault, hint=hint))
        start = text.index("the relay says:")
        claim = text[start : text.index("  from ", start)].splitlines()
        assert all(len(line) <= 80 for line in claim)
        assert all(line.startswith("          | ") for line in claim[1:])
        assert "".join(claim).count("a") >= hint.count("a")

    def test_odd_things_are_shown(self, vault):
        made = coin("x", p2wpkh("hot"))
        item = vault.relay.item(
            "x",
            [made],
            [(SOMEBODY, 98_900), (SOMEBODY, 100)],
            [key_of(HOT)],
            sequence=0,
            lock_time=5,
        )
        text = render(vault, item)
        assert text.count("  odd     ") == 3
        assert "BIP-125" in text
        assert "lock time 5" in text

    @pytest.mark.parametrize(
        ("script", "proof", "words"),
        [
            (p2wpkh("hot"), "previous", ""),
            (p2wpkh("hot"), "claim", "   (committed, not proven)"),
            (p2pkh("hot"), "claim", "   (claimed)"),
        ],
    )
    def test_an_unproven_amount_says_so(self, vault, script, proof, words):
        made = coin("x", script, proof=proof)
        item = vault.relay.item("x", [made], [(SOMEBODY, 99_000)], [key_of(HOT)])
        text = render(vault, item, policy=ALLOW)
        assert f"{address(script)}   0.001 BTC{words}\n" in text

    def test_many_inputs_are_summed_up(self, vault):
        coins = [coin(f"{n}", p2wpkh("hot")) for n in range(MAX_SHOWN_COINS + 1)]
        item = vault.relay.item("x", coins, [(SOMEBODY, 1_090_000)], [key_of(HOT)])
        text = render(vault, item)
        assert text.count("  from    tb1") == MAX_SHOWN_COINS
        assert "  from    11 inputs in all, 0.011 BTC" in text

    def test_data_outputs_are_shown_as_bytes(self, vault):
        made = coin("x", p2wpkh("hot"))
        item = vault.relay.item(
            "x", [made], [(b"\x6a\x02\x1b[", 0), (SOMEBODY, 99_000)], [key_of(HOT)]
        )
        assert "  to      op_return 6a021b5b   0 BTC" in render(vault, item)

    def test_outputs_above_the_inputs_are_loud(self, vault):
        made = coin("x", p2wpkh("hot"))
        item = vault.relay.item("x", [made], [(SOMEBODY, 100_001)], [key_of(HOT)])
        text = render(vault, item)
        assert "  fee     NEGATIVE, -0.00000001 BTC" in text
        assert "  REFUSED refusal.outputs_exceed_inputs" in text

    def test_a_payment_of_nothing_can_be_shown(self, vault):
        """Nothing is sent, so no percentage of it can be told."""
        made = coin("x", p2wpkh("hot"), 1_000)
        item = vault.relay.item("x", [made], [(b"\x6a\x01x", 0)], [key_of(HOT)])
        text = render(vault, item)
        assert "% of sent" not in text.replace("10 %", "")
        assert "REFUSED refusal.policy.max_fee_percent" in text

    def test_an_item_that_cannot_be_read_is_refused_by_name(self, vault):
        item = vault.relay.item_of("x", b"?", [key_of(HOT)])
        text = render(vault, item)
        assert "  REFUSED contract.psbt.malformed\n" in text

    def test_every_refusal_fits_the_screen(self, vault):
        made, far = coin("x", p2wpkh("hot"), 10**10), coin("y", p2wpkh("hot"))
        items = [
            vault.relay.item("1", [made], [(SOMEBODY, 10)], [key_of(HOT)]),
            vault.relay.item("2", [far], [(SOMEBODY, 99_999)], [key_of(HOT)]),
            vault.relay.item(
                "3",
                [coin("z", p2pkh("hot"), proof="claim")],
                [(SOMEBODY, 99_000)],
                [key_of(HOT)],
            ),
            payment(vault.relay, "4", fee=50_000),
            payment(vault.relay, "5", sequence=0, lock_time=0xFFFFFFFF),
        ]
        assert render(vault, *items).count("REFUSED") == 5

    def test_what_was_signed_before_names_its_transaction(self, vault):
        item = payment(vault.relay)
        (answer,) = vault.sign(item)
        text = render(vault, item)
        assert f"  signed before as {answer.tx_id}; the same bytes again" in text
        assert "known   1 answered from the journal" in text
        assert "total" not in text

    def test_a_replacement_names_what_it_displaces(self, vault):
        made = coin("x", p2wpkh("hot"))
        keys = [key_of(HOT)]
        first = vault.relay.item("x", [made], [(SOMEBODY, 99_000)], keys)
        (answer,) = vault.sign(first)
        second = vault.relay.item("x", [made], [(SOMEBODY, 98_000)], keys)
        data = vault.relay.batch_file(second)
        review = vault.review(data, replaces=[second.id])
        text = render_review(review, "online", 0, preliminary=False)
        check(text)
        assert f"  REPLACES item {first.id}\n" in text
        assert f"          signed as {answer.tx_id}" in text


class TestBatch:
    def test_the_heading_says_whose_batch_and_how_old(self, vault):
        text = render(vault, payment(vault.relay), now=NOON + 3 * 60)
        lines = text.splitlines()
        assert re.fullmatch(r"batch   [0-9A-F]{4}-[0-9A-F]{4}   [0-9a-f]{24}", lines[0])
        assert lines[1] == "relay   online   sequence 1   testnet"
        assert lines[2] == "items   1"
        assert lines[3] == "created 2023-11-14 22:13 UTC, 3 min ago"
        assert lines[4] == "expires in 57 min"

    def test_a_batch_of_the_future_and_an_expired_one_are_loud(self, vault):
        item = payment(vault.relay)
        assert "1 h 0 min AHEAD OF THIS CLOCK" in render(vault, item, now=NOON - 3600)
        assert "\nexpires 1 h 0 min AGO\n" in render(vault, item, now=NOON + 7200)

    @pytest.mark.parametrize(
        ("last_at", "shown"),
        [
            (0, False),
            (NOON - CLOCK_JUMP_SECONDS, False),
            (NOON - CLOCK_JUMP_SECONDS - 1, True),
        ],
    )
    def test_a_clock_that_jumped_is_asked_about(self, vault, last_at, shown):
        text = render(vault, payment(vault.relay), last_at=last_at)
        assert ("CLOCK   " in text) == shown

    def test_a_preliminary_review_says_so(self, vault):
        item = payment(vault.relay)
        assert "PRELIMINARY" in render(vault, item, preliminary=True)
        assert "PRELIMINARY" not in render(vault, item)

    def test_the_sums_are_over_what_would_be_signed(self, vault):
        known = payment(vault.relay, "known")
        vault.sign(known)
        items = [
            known,
            payment(vault.relay, "a"),
            payment(vault.relay, "b", amount=200_000),
            payment(vault.relay, "c", fee=0),
        ]
        text = render(vault, *items)
        assert text.endswith(
            "total   2 to sign, 0.00298 BTC sent, 0.00002 BTC in fees\n"
            "refused 1 of 4\n"
            "known   1 answered from the journal"
        )

    def test_a_vetoed_item_is_shown_as_refused(self, vault):
        item = payment(vault.relay)
        review = ceremony.veto(vault.review(vault.relay.batch_file(item)), [item.id])
        text = render_review(review, "online", 0, preliminary=False)
        assert "REFUSED refusal.operator" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 min"),
        (59, "0 min"),
        (60, "1 min"),
        (3600, "1 h 0 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
        (-90000, "1 d 1 h"),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(seconds, text):
    assert duration(seconds) == text


def test_a_moment_beyond_the_calendar_is_its_last():
    assert moment(0) == "1970-01-01 00:00"
    assert moment(2**53 - 1) == "9999-12-31 23:59"


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200),
    st.integers(0, 2**53 - 1),
)
def test_whatever_a_relay_says_stays_on_lines_of_its_own(hint, created):
    made = vault()
    item = msgspec.structs.replace(payment(made.relay), hint=hint)
    render(made, item, created=created)
