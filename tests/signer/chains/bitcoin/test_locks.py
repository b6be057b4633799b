"""Lock times: final now, or at most a day ahead."""

import pytest

from airgap_shared.chains import lookup
from tests.signer.world import (
    HOT,
    Vault,
    p2wpkh,
    payment,
)
from tests.simulators.relay_side import (
    FINAL,
    SOMEBODY,
    coin,
    key_of,
)
from tests.vectors.authors import NOON

CHAIN = lookup("BTC", "testnet")
DAY = 24 * 3600


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
        height, when, seconds = lookup("BTC", network).bitcoin.height
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
