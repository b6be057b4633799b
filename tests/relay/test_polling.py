"""What is listed, what waits, what is set aside."""

import json

import pytest

from airgap_relay import service
from airgap_shared.formats import psbt
from tests.relay.world import OWN
from tests.simulators.tatum import Fault


def item(world, number=1):
    return world.relay.journal.item(world.pending_id(number))


def test_one_that_fails_does_not_hold_up_the_others(world):
    world.payment(1, hashes=[])
    world.payment(2)
    world.payment(3, serializedTransaction="{")
    world.payment(4, chain="XYZ")
    world.payment(5, withdrawalId="b" * 24)
    world.payment(6, hashes=7)
    world.poll()
    assert world.states() == {
        world.pending_id(1): "REFUSED",
        world.pending_id(2): "PREPARED",
        world.pending_id(3): "REFUSED",
        world.pending_id(4): "REFUSED",
        world.pending_id(5): "REFUSED",
        world.pending_id(6): "REFUSED",
    }
    codes = [item(world, number).error_code for number in (1, 3, 4, 5, 6)]
    assert codes == [
        "contract.tatum.key_missing",
        "contract.tatum.malformed",
        "contract.chain",
        "contract.tatum.withdrawal",
        "contract.tatum.malformed",
    ]


def test_each_failure_is_reported_once(world):
    world.payment(1, hashes=[])
    world.poll()
    world.tatum.fail("report_errors", Fault.UNREACHABLE)
    for _ in range(3):
        service.report(world.relay, world.tatum)
    ((id_, text),) = world.tatum.reported
    assert id_ == world.pending_id(1)
    assert text.startswith("contract.tatum.key_missing: ")


def test_an_error_of_our_own_sets_one_item_aside(world, monkeypatch):
    world.payment(1)
    _chain, family = world.relay.chain("BTC")

    def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(type(family), "prepare", broken)
    world.poll()
    assert item(world).error_code == "contract.tatum.unreadable"


@pytest.mark.parametrize(
    "raw", [b"{}", b"7", b'{"id":"../x"}', b'{"id":"A5f3a0c0de1b2c3d4e5f6071"}']
)
def test_what_has_no_valid_id_is_left_out(world, raw):
    world.payment(1)
    listed = world.tatum.pending
    world.tatum.pending = lambda *arguments: [raw, *listed(*arguments)]
    assert world.poll() == service.Polled(seen=1, new=1)
    assert len(world.notes) == 1


def test_what_is_completed_or_listed_twice_is_no_second_item(world):
    _unsigned, pending = world.payment(1)
    raw = json.dumps(pending).encode()
    done = json.dumps(pending | {"id": "c" * 24, "txId": "ab" * 32}).encode()
    world.tatum.pending = lambda *_arguments: [raw, raw, done]
    assert world.poll() == service.Polled(seen=1, new=1)


def test_tatums_json_is_kept_byte_for_byte(world):
    _unsigned, pending = world.payment(1)
    raw = b" " + json.dumps(pending, indent=3).encode()
    world.tatum.pending = lambda *_arguments: [raw]
    world.poll()
    assert item(world).pending == raw


def test_only_the_transactions_asked_for_are_taken(world):
    world.payment(1)
    world.payment(2)
    wanted = [world.pending_id(2)]
    polled = service.poll(world.relay, world.tatum, ["BTC"], (), wanted)
    assert polled == service.Polled(seen=1, new=1)


def test_no_wallet_means_no_question(world):
    world.payment(1)
    polled = service.poll(world.relay, world.tatum, ["BTC"], ["unknown"])
    assert polled == service.Polled(seen=0, new=0)
    assert "pending" not in world.tatum.calls


def test_an_item_waits_while_its_previous_transaction_is_not_known(world):
    world.payment(1)
    world.tatum.fail("transaction", Fault.SERVER_ERROR)
    world.poll()
    assert world.states() == {world.pending_id(1): "SEEN"}
    assert item(world).error_code == "remote.failed"
    world.poll()
    assert world.states() == {world.pending_id(1): "PREPARED"}
    assert item(world).error_code == ""


def test_a_previous_transaction_that_is_not_found_is_done_without(world):
    unsigned, _pending = world.payment(1)
    del world.tatum.known[unsigned.inputs[0].out_point.tx_id]
    world.poll()
    assert psbt.decode(item(world).payload).inputs[0].previous is None


def test_what_hashes_to_another_id_is_asked_of_a_node(world):
    world.payment(1)
    world.tatum.fail("transaction", Fault.LIE)
    world.poll()
    assert "raw_transaction" in world.tatum.calls
    assert psbt.decode(item(world).payload).inputs[0].previous is not None


def test_a_claim_that_the_previous_transaction_contradicts_is_set_aside(world):
    made = world.coin(1, OWN, amount=5_000)
    _unsigned, pending = world.payment(1, parents=[made])
    told = json.loads(pending["serializedTransaction"])
    told["inputs"][0]["output"]["satoshis"] += 1
    world.tatum.listed[pending["id"]]["serializedTransaction"] = json.dumps(told)
    world.poll()
    assert item(world).error_code == "contract.tatum.amount"


def test_one_previous_transaction_is_asked_for_once_in_a_group(world):
    made = world.coin(1, OWN)
    for number in range(10):
        world.payment(number, parents=[made])
    world.poll()
    assert world.tatum.calls.count("transaction") == 1
