"""Lies about amounts and coins, from Tatum and from a relay in wrong hands.

CVE-2020-14199: a segwit signature commits to its own input's amount alone, so two
signatures over different lies combine into a transaction with an enormous fee.
"""

import dataclasses
import json

import pytest
from msgspec import structs

from airgap_relay.sandbox.faults import Fault
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin.transaction import Output
from tests.e2e.world import forged, read_batch, relay_key

TWO_COINS = 0.015
"""More than one of the coins of 0.01 that these tests fund."""

LIE = 100
"""Base units by which an amount is lied about; so few that the fee stays right."""


def lied_to(pending, index):
    """A pending list in which one input's coin is said to hold less."""
    for item in pending:
        serialized = json.loads(item["serializedTransaction"])
        serialized["inputs"][index]["output"]["satoshis"] -= LIE
        item["serializedTransaction"] = json.dumps(serialized)
    return pending


def nothing_known(_request):
    return Fault(refuse_with=404)


def refusals(world, *batch):
    """The codes with which the signer refuses every item of a batch."""
    answer = world.sign(*batch)
    assert answer["signed"] == 0, answer
    return [item["error"]["code"] for item in answer["items"]]


@pytest.mark.parametrize("index", [0, 1])
def test_an_amount_that_the_previous_transaction_disproves_is_refused(world, index):
    """One of the two rounds each: the relay can look the truth up."""
    for _ in range(2):
        world.fund()
    id_ = world.transfer(TWO_COINS)
    world.lies.of_path["/pending/BTC"] = lambda _: Fault(
        lie=lambda pending: lied_to(pending, index)
    )
    world.relay.run("poll")
    assert world.show(id_)["state"] == "REFUSED"
    assert world.relay.try_("export", "-o", world.path("unsigned")).status == 0
    assert not (world.folder / "unsigned").exists()
    (report,) = world.sandbox.tatum.pending.reported
    assert report["signatureId"] == id_


def test_two_rounds_of_lies_without_previous_transactions_are_both_refused(world):
    """Tatum lies and hides what would disprove it: the signer is the last line."""
    for _ in range(2):
        world.fund()
    for end in ("/node/bitcoin-testnet", *coins_of(world)):
        world.lies.of_path[end] = nothing_known
    for index in (0, 1):
        id_ = world.transfer(TWO_COINS)
        world.lies.of_path["/pending/BTC"] = lambda _, index=index: Fault(
            lie=lambda pending: lied_to(pending, index)
        )
        batch = world.export(f"unsigned-{index}")
        (code,) = refusals(world, batch, f"signed-{index}")
        assert code == "refusal.policy.unproven_amounts"
        world.relay.run("import", world.path(f"signed-{index}"))
        assert world.show(id_)["state"] == "REFUSED"
        world.tatum.call("DELETE", f"/v3/kms/{id_}")


def coins_of(world):
    """The ends of the paths under which the coins' transactions are looked up."""
    ledger = world.sandbox.tatum.ledgers["BTC"]
    return [f"/transaction/{tx_id}" for tx_id in ledger.transactions]


def test_a_false_previous_transaction_proves_nothing(world):
    """Bytes that do not hash to the id are no answer, whoever sends them."""
    tx_id = world.fund()
    other = world.fund(1, "5")
    world.transfer()
    false = world.tatum.get(f"/v3/bitcoin/transaction/{other}").body
    lie = Fault(lie=lambda _: {**false, "hash": tx_id})
    world.lies.of_path[f"/transaction/{tx_id}"] = lambda _: lie
    raw = {"result": false["hex"], "id": 1, "error": None}
    world.lies.of_path["/node/bitcoin-testnet"] = lambda _: Fault(lie=lambda _: raw)
    world.relay.run("poll")
    result = world.relay.try_("export", "-o", world.path("unsigned"))
    assert result.status == 0
    if (world.folder / "unsigned").exists():
        document = read_batch(world.path("unsigned"), relay_key(world.relay.home))
        (spent,) = psbt.decode(document.items[0].payload).inputs
        assert spent.previous is None


class TestARelayInWrongHands:
    """Batches that the relay's own key has signed, with whatever contents."""

    @pytest.fixture
    def honest(self, world):
        """A batch with one payment out of two coins, and its only item."""
        for _ in range(2):
            world.fund()
        world.transfer(TWO_COINS)
        batch = world.export()
        (item,) = read_batch(batch, relay_key(world.relay.home)).items
        return batch, item

    def test_two_rounds_of_claims_without_proof_are_both_refused(self, world, honest):
        batch, item = honest
        for index in (0, 1):
            lied = structs.replace(item, payload=claimed_alone(item.payload, index))
            more = {"id": f"{index:024x}", "sequence": 10 + index}
            path = forged(world, batch, f"forged-{index}", items=(lied,), **more)
            codes = refusals(world, path, f"signed-{index}")
            assert codes == ["refusal.policy.unproven_amounts"]

    def test_a_claim_that_differs_from_the_proof_is_refused(self, world, honest):
        batch, item = honest
        container = psbt.decode(item.payload)
        first, *rest = container.inputs
        claim = Output(0, b"\x00\x14" + b"\x07" * 20)
        both = dataclasses.replace(first, claimed=claim)
        lied = dataclasses.replace(container, inputs=(both, *rest))
        items = (structs.replace(item, payload=lied.encode()),)
        path = forged(world, batch, "forged", items=items)
        assert refusals(world, path, "signed") == ["contract.bitcoin.claim"]

    def test_a_previous_transaction_of_another_id_is_refused(self, world, honest):
        batch, item = honest
        container = psbt.decode(item.payload)
        first, *rest = container.inputs
        assert first.previous is not None
        richer = dataclasses.replace(first.previous, lock_time=1)
        other = dataclasses.replace(first, previous=richer)
        lied = dataclasses.replace(container, inputs=(other, *rest))
        items = (structs.replace(item, payload=lied.encode()),)
        path = forged(world, batch, "forged", items=items)
        assert refusals(world, path, "signed") == ["contract.bitcoin.previous"]


class TestWhatWasSignedIsRemembered:
    """Signed bytes stay valid for ever: nothing that conflicts is signed."""

    def test_the_same_tatum_id_with_other_coins_is_refused(self, signed_world):
        world, first = signed_world, signed_world.path("unsigned")
        (item,) = read_batch(first, relay_key(world.relay.home)).items
        world.fund(1)
        world.transfer(0.004, 1)
        second = world.export("second")
        (other,) = read_batch(second, relay_key(world.relay.home)).items
        items = (structs.replace(other, id=item.id),)
        path = forged(world, second, "forged", items=items)
        assert refusals(world, path, "again") == ["refusal.conflict.tatum_id"]

    def test_the_same_coin_under_another_tatum_id_is_refused(self, signed_world):
        world, first = signed_world, signed_world.path("unsigned")
        (item,) = read_batch(first, relay_key(world.relay.home)).items
        container = psbt.decode(item.payload)
        outputs = (Output(995_000, b"\x00\x14" + b"\x07" * 20),)
        other = dataclasses.replace(container.unsigned, outputs=outputs)
        payload = dataclasses.replace(container, unsigned=other).encode()
        items = (structs.replace(item, payload=payload, id="e" * 24),)
        more = {"id": "f" * 24, "sequence": 10}
        path = forged(world, first, "forged", items=items, **more)
        assert refusals(world, path, "again") == ["refusal.conflict.coin"]

    def test_a_used_sequence_number_is_refused(self, signed_world):
        world = signed_world
        path = forged(world, world.path("unsigned"), "forged", id="f" * 24)
        result = world.signer.try_("--json", "review", path)
        assert (result.status, result.json["error"]["code"]) == (3, "refusal.replay")


def claimed_alone(payload, index):
    """The same transaction, its coins claimed without proof, one of them falsely."""
    container = psbt.decode(payload)
    inputs = []
    for number, values in enumerate(container.inputs):
        assert values.previous is not None
        point = container.unsigned.inputs[number].out_point
        coin = values.previous.outputs[point.index]
        lie = LIE if number == index else 0
        inputs.append(psbt.PSBTInput(None, Output(coin.amount - lie, coin.script)))
    return dataclasses.replace(container, inputs=tuple(inputs)).encode()
