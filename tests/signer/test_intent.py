"""What a transaction would do, in words that fit every chain."""

import dataclasses

import pytest

from airgap_shared.chains import lookup
from airgap_signer.intent import Coin, Intent, Owner, Payment, Proof, totals
from tests.signer.world import HOT, p2wpkh
from tests.simulators.relay_side import SOMEBODY, key_of

BTC = lookup("BTC", "testnet")
LTC = dataclasses.replace(BTC, code="LTC")


def intent(coins, payments, chain=BTC):
    return Intent(
        chain,
        tuple(
            Coin(f"{n}:0", amount, p2wpkh("hot"), key_of(HOT), proof)
            for n, (amount, proof) in enumerate(coins)
        ),
        tuple(Payment(SOMEBODY, amount, owner) for amount, owner in payments),
        100,
    )


MIXED = intent(
    [(70, Proof.PROVEN), (50, Proof.PROVEN)],
    [(60, Owner.OTHERS), (30, Owner.PAYER), (20, Owner.OURSELVES)],
)


def test_the_fee_is_what_the_payments_leave():
    assert (MIXED.paid_in, MIXED.paid_out, MIXED.fee) == (120, 110, 10)


def test_the_fee_is_negative_when_the_outputs_exceed_the_inputs():
    assert intent([(5, Proof.PROVEN)], [(6, Owner.OTHERS)]).fee == -1


def test_sent_is_what_goes_to_others():
    assert MIXED.sent == 60


def test_sent_is_everything_when_nothing_goes_to_others():
    own = intent([(90, Proof.PROVEN)], [(30, Owner.PAYER), (50, Owner.OURSELVES)])
    assert own.sent == 80


@pytest.mark.parametrize(
    ("proofs", "weakest"),
    [
        ([Proof.PROVEN], Proof.PROVEN),
        ([Proof.COMMITTED, Proof.PROVEN], Proof.COMMITTED),
        ([Proof.PROVEN, Proof.CLAIMED, Proof.COMMITTED], Proof.CLAIMED),
    ],
)
def test_a_transaction_is_known_as_well_as_its_least_known_coin(proofs, weakest):
    value = intent([(1, proof) for proof in proofs], [(1, Owner.OTHERS)])
    assert value.proof is weakest


def test_totals_are_by_chain_in_order_of_appearance():
    litecoin = intent([(9, Proof.PROVEN)], [(7, Owner.OTHERS)], LTC)
    first, second = totals([litecoin, MIXED, litecoin])
    assert (first.chain, first.items, first.sent, first.fee) == (LTC, 2, 14, 4)
    assert (second.chain, second.items, second.sent, second.fee) == (BTC, 1, 60, 10)


def test_no_intents_have_no_totals():
    assert totals([]) == []
