"""Which outputs are ours, and what it costs to know."""

import pytest

from airgap_shared.chains import lookup
from airgap_signer.intent import Owner
from airgap_signer.wallet import OWN_GAP
from tests.signer.chains.bitcoin.coins import KINDS, signed_by_stranger
from tests.signer.world import (
    COLD,
    HOT,
    LEGAL,
    SPARE,
    WALLET,
    child_script,
    p2pkh,
    p2wpkh,
    wallet_entry,
)
from tests.simulators.relay_side import (
    SOMEBODY,
    coin,
    key_of,
)

CHAIN = lookup("BTC", "testnet")
DAY = 24 * 3600


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
