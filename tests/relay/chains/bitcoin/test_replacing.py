"""Another version of a payment: what gives way, how much, and when nothing does."""

import pytest

from airgap_relay.chains.base import Bump
from airgap_relay.chains.bitcoin import BitcoinFamily, replacing
from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.errors import RefusalError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.relay.world import KEY_ID, SOMEBODY, WALLET_ID
from tests.simulators.signer import FakeSigner, secret, sign_transaction

FAMILY = BitcoinFamily()
BTC = lookup("BTC", "testnet")
SIGNER = FakeSigner()
SIGNER.add_private_key(KEY_ID, secret("hot"))
SIGNER.add_wallet(WALLET_ID, secret("wallet seed"), range(0, 1_200, 100))
ENTRIES = {entry.signature_id: entry for entry in SIGNER.entries}
HOT = secp256k1.public_key(secret("hot"))
OWN = script.p2wpkh(script.hash160(HOT))


def child(index):
    key = secp256k1.public_key(SIGNER.secrets[WALLET_ID][index])
    return script.p2wpkh(script.hash160(key))


def payment(*outputs, coins=(OWN,), sequence=0xFFFFFFFF, lock_time=0):
    """Return the payload of a payment of one coin of 100,000 each."""
    points = [OutPoint(f"{number:064x}", 0) for number in range(len(coins))]
    inputs = tuple(Input(point, sequence) for point in points)
    paid = tuple(Output(amount, to) for amount, to in outputs)
    said = tuple(psbt.PSBTInput(claimed=Output(100_000, coin)) for coin in coins)
    unsigned = Transaction(2, inputs, paid, lock_time)
    return psbt.PSBT(unsigned, said).encode()


def replaced(payload, paying=KEY_ID, fees=None, **wish):
    bump = Bump(fees or (FAMILY.fee(payload),), frozenset([paying]), **wish)
    made = FAMILY.replace(payload, bump, ENTRIES, BTC)
    assert FAMILY.fee(made.payload) == made.fee
    return made, psbt.decode(made.payload).unsigned


def refused(payload, paying=KEY_ID, **wish):
    with pytest.raises(RefusalError) as caught:
        replaced(payload, paying, **wish)
    return caught.value.code


USUAL = payment((60_000, SOMEBODY), (39_000, OWN))
"""One coin, one payment, the rest back, and 1,000 for miners."""
SIZE = 141


def test_the_size_is_that_of_the_signed_transaction():
    key = secret("hot")
    for coin in RULES["BTC"].scripts_of_key(HOT):
        unsigned = psbt.decode(payment((1, OWN), coins=(coin, OWN))).unsigned
        coins = (Output(100_000, coin), Output(100_000, OWN))
        signed = sign_transaction(unsigned, coins, [key]).virtual_size()
        assert (
            signed <= replacing.signed_size(unsigned, coins, RULES["BTC"]) <= signed + 2
        )


def test_the_fee_rate_is_doubled_and_taken_from_the_change():
    made, unsigned = replaced(USUAL)
    assert made.fee == 2_000
    assert unsigned.outputs == (Output(60_000, SOMEBODY), Output(38_000, OWN))


def test_the_same_coins_are_spent_in_the_same_order_and_can_be_replaced_again():
    old = payment((60_000, SOMEBODY), (139_000, OWN), coins=(OWN, OWN))
    made, unsigned = replaced(old)
    before = psbt.decode(old)
    spent = [each.out_point for each in before.unsigned.inputs]
    assert [each.out_point for each in unsigned.inputs] == spent
    assert {each.sequence for each in unsigned.inputs} == {0xFFFFFFFD}
    assert psbt.decode(made.payload).inputs == before.inputs


@pytest.mark.parametrize(
    ("sequence", "lock_time"), [(0xFFFFFFFF, 0), (0xFFFFFFFE, 700_000)]
)
def test_a_lock_that_did_not_count_does_not_begin_to(sequence, lock_time):
    old = payment(
        (60_000, SOMEBODY), (39_000, OWN), sequence=sequence, lock_time=700_000
    )
    assert replaced(old)[1].lock_time == lock_time


def test_a_fee_and_a_fee_rate_can_be_given():
    assert replaced(USUAL, fee=5_000)[0].fee == 5_000
    assert replaced(USUAL, fee_rate=50)[0].fee == 50 * SIZE


def test_the_fee_is_above_every_earlier_one_by_what_relaying_costs():
    assert replaced(USUAL, fee=1_000 + SIZE)[0].fee == 1_000 + SIZE
    assert refused(USUAL, fee=1_000 + SIZE - 1) == "refusal.replace.fee"
    assert refused(USUAL, fee=0) == "refusal.replace.fee"
    assert refused(USUAL, fee=4_000, fees=(1_000, 4_000)) == "refusal.replace.fee"
    assert replaced(USUAL, fees=(1_000, 4_000))[0].fee == 4_000 + SIZE


def test_a_tiny_fee_is_raised_by_more_than_twice():
    old = payment((60_000, SOMEBODY), (39_990, OWN))
    assert replaced(old)[0].fee == 10 + SIZE


def test_the_cap_of_the_chain_holds():
    rich = payment((1_000, SOMEBODY), (300_000, OWN), coins=(OWN,) * 4)
    unsigned, coins = psbt.decode(rich).unsigned, (Output(1, OWN),) * 4
    size = replacing.signed_size(unsigned, coins, RULES["BTC"])
    assert refused(USUAL, fee_rate=1_001) == "refusal.replace.max_fee"
    assert refused(USUAL, fee=1_000 * SIZE + 1) == "refusal.replace.max_fee"
    # Twice the rate would be above the cap, what nodes ask for is not.
    dear = payment((1_000, OWN), coins=(OWN,) * 9)
    assert FAMILY.fee(dear) > 1_000 * size
    assert refused(dear) == "refusal.replace.fee"


def test_the_change_of_those_who_pay_gives_way_before_all_else():
    treasury_id = "22222222-2222-4333-8444-555555555555"
    other = FakeSigner()
    other.add_private_key(treasury_id, secret("treasury"))
    entries = ENTRIES | {treasury_id: other.entries[0]}
    treasury = script.p2wpkh(script.hash160(secp256k1.public_key(secret("treasury"))))
    both = payment((60_000, treasury), (39_000, OWN))
    bump = Bump((1_000,), frozenset([KEY_ID]))
    made = FAMILY.replace(both, bump, entries, BTC)
    outputs = psbt.decode(made.payload).unsigned.outputs
    assert [output.amount for output in outputs] == [60_000, 38_000]
    alone = payment((99_000, treasury))
    made = FAMILY.replace(alone, bump, entries, BTC)
    (output,) = psbt.decode(made.payload).unsigned.outputs
    assert output.amount == 100_000 - made.fee
    assert refused(alone) == "refusal.replace.change"


@pytest.mark.parametrize("index", [0, 500, 1_000])
def test_children_of_a_paying_wallet_are_our_own(index):
    old = payment((60_000, SOMEBODY), (39_000, child(index)), coins=(child(100),))
    made, unsigned = replaced(old, WALLET_ID)
    assert unsigned.outputs[1] == Output(40_000 - made.fee, child(index))


def test_a_child_far_away_and_a_wallet_that_does_not_pay_are_not():
    far = payment((60_000, SOMEBODY), (39_000, child(1_100)), coins=(child(100),))
    assert refused(far, WALLET_ID) == "refusal.replace.change"
    other = payment((60_000, SOMEBODY), (39_000, child(0)))
    assert refused(other) == "refusal.replace.change"


def test_the_payment_itself_never_gives_way():
    assert refused(payment((99_000, SOMEBODY))) == "refusal.replace.change"


def test_change_that_would_be_dust_does_not_give_way():
    old = payment((98_000, SOMEBODY), (1_000, OWN))
    assert refused(old) == "refusal.replace.change"
    assert replaced(old, fee=1_454)[1].outputs[1].amount == 546
    assert refused(old, fee=1_455) == "refusal.replace.change"


def test_a_cancellation_pays_everything_to_the_first_coins_own_address():
    old = payment((60_000, SOMEBODY), (139_000, OWN), coins=(child(0), OWN))
    made, unsigned = replaced(old, WALLET_ID, is_cancel=True)
    assert unsigned.outputs == (Output(200_000 - made.fee, child(0)),)
    assert made.fee > 1_000


def test_a_cancellation_needs_coins_worth_more_than_its_fee():
    assert refused(USUAL, is_cancel=True, fee=99_500) == "refusal.replace.change"
