"""Litecoin, Dogecoin, Bitcoin Cash: what they do otherwise than Bitcoin."""

import json
from dataclasses import replace

import pytest

from airgap_relay.chains.base import Bump, decode_pending
from airgap_relay.chains.bitcoin import BitcoinFamily
from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.documents import KeyReference
from airgap_shared.errors import ContractError, RefusalError
from airgap_shared.formats import bitcash, psbt
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from tests.relay.world import KEY_ID, WALLET_ID, pending_json
from tests.simulators.signer import FakeSigner, coins_of, secret, sign_transaction

FAMILY = BitcoinFamily()
HOT, COLD = secret("hot"), secret("cold")
COLD_ID = "99999999-2222-4333-8444-555555555555"
SOMEBODY = script.p2pkh(b"\x07" * 20)


def script_of(key):
    return script.p2pkh(script.hash160(secp256k1.public_key(key)))


def signer_of(chain):
    signer = FakeSigner()
    signer.add_private_key(KEY_ID, HOT, chain=chain)
    signer.add_private_key(COLD_ID, COLD, chain=chain)
    signer.add_wallet(WALLET_ID, secret("wallet seed"), chain=chain)
    return signer


def parent(*outputs, number=0):
    origin = Input(OutPoint("cd" * 32, number), 0xFFFFFFFE, b"\x01\x51")
    return Transaction(1, (origin,), outputs, 0)


def prepare(pending, chain, parents=()):
    entries = {entry.signature_id: entry for entry in signer_of(chain).entries}
    proofs = {made.tx_id(): made.encode() for made in parents}
    decoded = decode_pending(json.dumps(pending).encode())
    proofs = {id_: raw for id_, raw in proofs.items() if id_ in FAMILY.needs(decoded)}
    return FAMILY.prepare(decoded, proofs, entries, lookup(chain, "testnet"))


def code_of(*arguments):
    with pytest.raises(ContractError) as caught:
        prepare(*arguments)
    return caught.value.code


COINS = (Output(700, script_of(HOT)), Output(900, script_of(COLD)))
PARENTS = [parent(coin, number=number) for number, coin in enumerate(COINS)]


def cash(amounts=(700, 900), hashes=(KEY_ID, COLD_ID), **more):
    inputs = (Input(OutPoint(made.tx_id(), 0), 0xFFFFFFFE) for made in PARENTS)
    unsigned = Transaction(1, tuple(inputs), (Output(1_500, SOMEBODY),), 5)
    return {
        "id": "a" * 24,
        "chain": "BCH",
        "serializedTransaction": bitcash.encode(unsigned, amounts),
        "hashes": list(hashes),
        **more,
    }


class TestBitcoinCash:
    def test_version_2_and_everything_else_as_it_was(self):
        unsigned = psbt.decode(prepare(cash(), "BCH").payload).unsigned
        assert (unsigned.version, unsigned.lock_time) == (2, 5)
        assert {spent.sequence for spent in unsigned.inputs} == {0xFFFFFFFE}

    def test_a_coin_is_claimed_only_when_nothing_proves_it(self):
        inputs = psbt.decode(prepare(cash(), "BCH", PARENTS[:1]).payload).inputs
        assert inputs == (
            psbt.PSBTInput(PARENTS[0], None, has_fork_id=True),
            psbt.PSBTInput(None, COINS[1], has_fork_id=True),
        )

    def test_each_key_signs_its_input_and_is_named_once(self):
        made = prepare(cash(), "BCH", PARENTS)
        assert [key.signature_id for key in made.keys] == [KEY_ID, COLD_ID]
        container = psbt.decode(made.payload)
        coins = coins_of(container)
        signed = sign_transaction(container.unsigned, coins, [HOT, COLD], "BCH")
        chain = lookup("BCH", "testnet")
        assert FAMILY.matches(made.payload, signed.encode(), chain) == signed.tx_id()
        legacy = sign_transaction(container.unsigned, coins, [HOT, COLD], "DOGE")
        with pytest.raises(ContractError, match="not validly signed"):
            FAMILY.matches(made.payload, legacy.encode(), chain)

    def test_keys_in_another_order_are_found_out_by_the_coins(self):
        swapped = cash(hashes=(COLD_ID, KEY_ID))
        assert code_of(swapped, "BCH", PARENTS) == "contract.tatum.key_order"
        prepare(swapped, "BCH")  # Nothing shows it, and nobody could spend it.

    def test_a_lie_about_an_amount_is_found_out(self):
        lie = cash(amounts=(701, 900))
        assert code_of(lie, "BCH", PARENTS) == "contract.tatum.amount"

    def test_one_key_may_sign_twice(self):
        made = prepare(cash(hashes=(KEY_ID, KEY_ID)), "BCH")
        assert made.keys == (KeyReference(signature_id=KEY_ID),)

    def test_children_of_a_wallet_are_named_in_order_too(self):
        named = [{"id": WALLET_ID, "index": 3}, {"id": WALLET_ID, "index": 1}]
        made = prepare(cash(hashes=(), signatures=named), "BCH")
        assert [key.index for key in made.keys] == [3, 1]

    @pytest.mark.parametrize(
        ("hashes", "code"),
        [
            ((KEY_ID,), "key_missing"),
            ((KEY_ID, "unknown"), "key_missing"),
            ((), "key_missing"),
            ((KEY_ID, COLD_ID, KEY_ID), "key_surplus"),
            ((KEY_ID, WALLET_ID), "key_index"),
        ],
    )
    def test_there_is_one_key_for_each_input(self, hashes, code):
        assert code_of(cash(hashes=hashes), "BCH") == f"contract.tatum.{code}"

    def test_nothing_can_be_replaced(self):
        payload = prepare(cash(), "BCH").payload
        wish, chain = Bump((100,), frozenset()), lookup("BCH", "testnet")
        with pytest.raises(RefusalError) as caught:
            FAMILY.replace(payload, wish, {}, chain)
        assert caught.value.code == "refusal.replace.chain"

    def test_people_see_cash_addresses(self):
        payload = prepare(cash(), "BCH").payload
        told = FAMILY.describe(payload, lookup("BCH", "testnet"))
        assert told["outputs"][0]["address"].startswith("bchtest:q")

    def test_responses_name_coins_in_whatever_order(self):
        keys = signer_of("BCH").secrets[WALLET_ID]
        coins = [Output(700, script_of(keys[2])), Output(900, script_of(keys[5]))]
        made = [parent(coin, number=number) for number, coin in enumerate(coins)]
        inputs = tuple(Input(OutPoint(each.tx_id(), 0), 1) for each in made)
        unsigned = Transaction(2, inputs, (Output(1, SOMEBODY),), 0)
        told = [
            {"vIn": each.tx_id(), "vInIndex": 0, "address": {"derivationKey": index}}
            for each, index in zip(made, (2, 5), strict=True)
        ]
        more = {
            "serializedTransaction": bitcash.encode(unsigned, (700, 900)),
            "hashes": [WALLET_ID],
            "withdrawalId": "b" * 24,
        }
        for responses in ([*told, {"vIn": "-1"}], [{"vIn": "-1"}, *told[::-1]]):
            pending = cash() | more | {"withdrawalResponses": responses}
            assert [k.index for k in prepare(pending, "BCH", made).keys] == [2, 5]


def coded(chain, coins, paid, **more):
    """A pending transaction of LTC or DOGE that pays ``paid``, and its parents."""
    made = [parent(coin, number=number) for number, coin in enumerate(coins)]
    inputs = tuple(Input(OutPoint(each.tx_id(), 0), 0xFFFFFFFF) for each in made)
    unsigned = Transaction(1, inputs, (Output(paid, SOMEBODY),), 0)
    pending = pending_json("a" * 24, unsigned, coins)
    told = json.loads(pending["serializedTransaction"]) | more
    pending |= {"chain": chain, "serializedTransaction": json.dumps(told)}
    return pending | {"hashes": [KEY_ID, COLD_ID]}, made


class TestDogecoin:
    @pytest.mark.parametrize("more", [{}, {"fee": None}, {"fee": 100}])
    def test_a_fee_that_is_what_is_paid_or_none_at_all(self, more):
        pending, made = coded("DOGE", COINS, 1_500, **more)
        assert len(prepare(pending, "DOGE", made).keys) == 2

    @pytest.mark.parametrize("fee", [0, 99, 101, -100])
    def test_a_fee_that_is_not_what_is_paid(self, fee):
        pending, made = coded("DOGE", COINS, 1_500, fee=fee)
        assert code_of(pending, "DOGE", made) == "contract.tatum.fee"

    def test_other_chains_do_not_look_at_the_fee(self):
        pending, made = coded("LTC", COINS, 1_500, fee=99)
        prepare(pending, "LTC", made)

    def test_it_has_no_segwit(self):
        own = script.p2wpkh(script.hash160(secp256k1.public_key(HOT)))
        pending, made = coded("DOGE", (Output(700, own),), 500)
        assert code_of(pending, "DOGE", made) == "contract.bitcoin.script"


class TestLitecoin:
    def test_its_four_kinds_and_no_taproot(self):
        key = secp256k1.public_key(HOT)
        own = script.p2wpkh(script.hash160(key))
        nested = script.p2sh(script.hash160(own))
        bare = transaction.with_length(key) + b"\xac"
        coins = tuple(
            Output(700, each) for each in (COINS[0].script, own, nested, bare)
        )
        pending, made = coded("LTC", coins, 500)
        payload = prepare(pending, "LTC", made).payload
        container = psbt.decode(payload)
        signed = sign_transaction(container.unsigned, coins, [HOT], "LTC")
        chain = lookup("LTC", "testnet")
        assert FAMILY.matches(payload, signed.encode(), chain) == signed.tx_id()
        wrong = replace(signed, inputs=signed.inputs[::-1])
        with pytest.raises(ContractError):
            FAMILY.matches(payload, wrong.encode(), chain)
        taproot = script.p2tr(secp256k1.taproot_output_key(key))
        pending, made = coded("LTC", (Output(700, taproot),), 500)
        assert code_of(pending, "LTC", made) == "contract.bitcoin.script"
