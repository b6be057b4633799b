"""The whole way of a payment, and every way in which it can be disturbed."""

import pytest

from airgap_relay import service
from airgap_relay.lifecycle import State
from airgap_shared.errors import RemoteUnavailableError
from tests.relay import world as worlds
from tests.simulators.tatum import CrashError, Fault, Steps


def test_a_payment_goes_from_tatum_to_the_network_and_back(world):
    unsigned, pending = world.payment(1)
    assert world.poll() == service.Polled(seen=1, new=1)
    exported = world.export()
    assert exported.items == 1
    taken = service.import_(world.relay, world.answer(exported))
    assert taken == service.Imported(exported.batch.id, signed=1, refused=0)
    sent = service.broadcast(world.relay, world.tatum)
    assert sent == service.Sent(completed=1, waiting=0, uncertain=0, rejected=0)
    assert world.tatum.completed == {pending["id"]: unsigned.tx_id()}
    history = [state for state, _at in world.relay.journal.history(pending["id"])]
    assert history == [
        State.SEEN,
        State.PREPARED,
        State.EXPORTED,
        State.SIGNED,
        State.BROADCASTING,
        State.COMPLETED,
    ]


def test_what_is_listed_again_is_not_taken_again(world):
    world.payment(1)
    world.poll()
    assert world.poll() == service.Polled(seen=1, new=0)
    assert world.export().items == 1
    assert service.export(world.relay) is None


def whole_way(world):
    """Do everything that is possible now, as cron and a person would."""
    service.poll(world.relay, world.tatum, ["BTC"])
    exported = service.export(world.relay)
    if exported is None:
        lost = {s.batch for s in world.relay.journal.summaries() if s.batch}
        for batch in lost:
            again = service.written_again(world.relay, batch)
            service.import_(world.relay, world.answer(again))
    else:
        service.import_(world.relay, world.answer(exported))
    service.broadcast(world.relay, world.tatum)


@pytest.mark.parametrize("faults", [(), (Fault.FAILED,), (Fault.LOST_AFTER,)])
def test_ended_at_any_step_and_started_again_it_sends_one_payload_once(
    tmp_path, faults
):
    last = 1
    while True:
        world = worlds.build(tmp_path / f"relay{last}")
        world.payment(1)
        world.tatum.fail("broadcast", *faults)
        steps = Steps(last)
        world.open(steps)
        try:
            whole_way(world)
        except CrashError:
            world.open()
            whole_way(world)
            whole_way(world)
        assert len({payload for _id, payload in world.tatum.sent}) == 1
        assert set(world.states().values()) == {"COMPLETED"}
        assert len(world.tatum.completed) == 1
        world.close()
        if steps.left > 0:
            break
        last += 1
    assert last > 20


@pytest.mark.parametrize("call", ["broadcast", "transaction", "complete"])
@pytest.mark.parametrize("fault", list(Fault))
def test_no_fault_of_the_server_sends_two_payloads_or_loses_one(world, call, fault):
    unsigned, _pending = world.payment(1)
    world.to_signed()
    world.tatum.fail("broadcast", Fault.FAILED)
    world.tatum.fail(call, fault)
    for _ in range(4):
        try:
            service.broadcast(world.relay, world.tatum)
        except RemoteUnavailableError:
            continue
    assert {payload for _id, payload in world.tatum.sent} <= {
        world.relay.journal.items(State.COMPLETED, State.REJECTED)[0].signed
    }
    assert world.tatum.known.get(unsigned.tx_id()) is not None
    assert set(world.states().values()) == {"COMPLETED"}


def test_a_rejected_payment_ends_rejected_and_is_reported_once(world):
    _unsigned, pending = world.payment(1)
    world.to_signed()
    world.tatum.reject.add(pending["id"])
    sent = service.broadcast(world.relay, world.tatum)
    assert sent == service.Sent(completed=0, waiting=0, uncertain=0, rejected=1)
    service.report(world.relay, world.tatum)
    service.report(world.relay, world.tatum)
    assert [id_ for id_, _text in world.tatum.reported] == [pending["id"]]


def test_a_rejection_of_what_the_network_has_is_not_believed(world):
    world.payment(1)
    world.to_signed()
    world.tatum.fail("broadcast", Fault.REJECT_AFTER)
    assert service.broadcast(world.relay, world.tatum).completed == 1


def test_a_rejection_is_uncertain_while_nobody_can_be_asked(world):
    world.payment(1)
    world.to_signed()
    world.tatum.fail("broadcast", Fault.REJECT)
    world.tatum.fail("transaction", Fault.SERVER_ERROR)
    assert service.broadcast(world.relay, world.tatum).uncertain == 1
    assert service.broadcast(world.relay, world.tatum).completed == 1


def test_uncertain_is_left_neither_by_time_nor_by_a_rejection(world):
    _unsigned, pending = world.payment(1)
    world.to_signed()
    world.tatum.fail("broadcast", Fault.LOST_BEFORE)
    assert service.broadcast(world.relay, world.tatum).uncertain == 1
    world.tatum.reject.add(pending["id"])
    world.time += 10**8
    for _ in range(3):
        assert service.broadcast(world.relay, world.tatum).uncertain == 1
    assert len({payload for _id, payload in world.tatum.sent}) == 1
    world.tatum.reject.clear()
    assert service.broadcast(world.relay, world.tatum).completed == 1


def test_another_transaction_id_is_an_alarm(world):
    world.payment(1)
    world.to_signed()
    world.tatum.fail("broadcast", Fault.LIE)
    sent = service.broadcast(world.relay, world.tatum)
    assert sent == service.Sent(completed=0, waiting=0, uncertain=1, rejected=0)
    assert any(note.startswith("ALARM") for note in world.notes)


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.UNAUTHORIZED])
def test_a_server_that_is_not_reached_leaves_everything_to_be_sent(world, fault):
    world.payment(1)
    world.payment(2)
    world.to_signed()
    world.tatum.always["broadcast"] = fault
    with pytest.raises(RemoteUnavailableError):
        service.broadcast(world.relay, world.tatum)
    assert set(world.states().values()) == {"SIGNED"}
    world.tatum.always.clear()
    assert service.broadcast(world.relay, world.tatum).completed == 2


def test_a_parent_is_sent_before_its_child(world):
    # The child is listed first: order alone would send it first.
    parent = world.payment(2, pays=worlds.OWN)[0]
    del world.tatum.listed[world.pending_id(2)]
    world.tatum.known[parent.tx_id()] = parent.encode()
    world.payment(1, parents=[parent])
    world.payment(2, pays=worlds.OWN)
    world.poll()
    del world.tatum.known[parent.tx_id()]
    service.import_(world.relay, world.answer(world.export()))
    service.broadcast(world.relay, world.tatum)
    assert [id_ for id_, _payload in world.tatum.sent] == [
        world.pending_id(2),
        world.pending_id(1),
    ]


def test_a_child_waits_for_a_parent_that_was_rejected(world):
    parent, pending = world.payment(2, pays=worlds.OWN)
    world.tatum.known[parent.tx_id()] = parent.encode()
    world.payment(1, parents=[parent])
    world.poll()
    del world.tatum.known[parent.tx_id()]
    service.import_(world.relay, world.answer(world.export()))
    world.tatum.reject.add(pending["id"])
    sent = service.broadcast(world.relay, world.tatum)
    assert sent == service.Sent(completed=0, waiting=1, uncertain=0, rejected=1)


def test_a_hundred_payments_are_all_sent(world):
    for number in range(100):
        world.payment(number)
    world.to_signed()
    assert service.broadcast(world.relay, world.tatum).completed == 100
