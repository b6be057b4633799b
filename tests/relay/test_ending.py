"""Given up, or found to be paid: only when nothing else can happen any more."""

import pytest

from airgap_relay import service
from airgap_relay.lifecycle import State
from airgap_shared.errors import (
    AirgapError,
    RefusalError,
    RemoteError,
    RemoteUnavailableError,
)
from tests.relay.world import OWN, SOMEBODY
from tests.simulators.tatum import Fault


def cancel(world, number=1, conflict=""):
    """Cancel a payment, as a person who confirms it; return the plan."""
    plan = service.plan_cancellation(
        world.relay, world.tatum, world.pending_id(number), conflict
    )
    service.cancel(world.relay, world.tatum, plan)
    return plan


def code_of(call, *arguments, **more):
    with pytest.raises(AirgapError) as caught:
        call(*arguments, **more)
    return caught.value.code


def resolve(world, sent=""):
    plan = service.plan_settlement(world.relay, world.tatum, world.pending_id(1), sent)
    service.settle(world.relay, world.tatum, plan)
    return plan


@pytest.fixture
def lost(world):
    """A payment that was sent, and nobody knows what became of it; its txid."""
    world.payment(1, change=20_000)
    world.to_signed()
    world.tatum.fail("broadcast", Fault.LOST_BEFORE)
    world.broadcast()
    assert world.item(1).state is State.UNCERTAIN
    return world.item(1).tx_id


def conflicting(world, number=50, *, confirmed=True):
    """Let the network have a payment of the same coin by somebody else."""
    unsigned, _pending = world.payment(
        number, parents=[world.coin(1, OWN)], pays=SOMEBODY
    )
    del world.tatum.listed[world.pending_id(number)]
    world.tatum.add_transaction(unsigned)
    if confirmed:
        world.tatum.confirmed.add(unsigned.tx_id())
    return unsigned.tx_id()


def test_what_was_never_exported_is_cancelled_and_given_back(world):
    world.payment(1)
    world.payment(2, hashes=[])
    world.tatum.fail("transaction", Fault.SERVER_ERROR)
    world.poll()
    for number in (1, 2):
        assert cancel(world, number).reverts
    assert set(world.states().values()) == {"CANCELLED"}
    assert world.tatum.cancelled == {
        world.pending_id(1): True,
        world.pending_id(2): True,
    }


def test_what_is_cancelled_is_never_exported(world):
    world.payment(1)
    world.poll()
    cancel(world)
    assert service.export(world.relay) is None


def test_refused_in_every_batch_is_cancelled_and_not_given_back(world):
    world.payment(1)
    world.poll()
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    world.import_(world.export())
    assert not cancel(world).reverts
    assert world.tatum.cancelled == {world.pending_id(1): False}


def test_what_one_batch_may_still_bring_signed_is_not_cancelled(world):
    world.payment(1)
    world.poll()
    world.export()
    world.time += 10**6
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    world.import_(world.export())
    assert world.item(1).state is State.REFUSED
    assert code_of(cancel, world) == "refusal.cancel.exported"


@pytest.mark.parametrize("step", ["EXPORTED", "SIGNED", "COMPLETED"])
def test_what_was_exported_is_not_cancelled(world, step):
    world.payment(1)
    world.poll()
    exported = world.export()
    if step != "EXPORTED":
        world.import_(exported)
    if step == "COMPLETED":
        world.broadcast()
    assert world.states() == {world.pending_id(1): step}
    assert code_of(cancel, world) == "refusal.cancel.exported"
    assert world.states() == {world.pending_id(1): step}
    assert world.tatum.cancelled == {}


@pytest.mark.usefixtures("lost")
def test_a_confirmed_conflict_cancels(world):
    tx_id = conflicting(world)
    plan = cancel(world, conflict=tx_id)
    assert (plan.reverts, plan.conflict) == (False, tx_id)
    assert world.item(1).state is State.CANCELLED
    assert world.tatum.cancelled == {world.pending_id(1): False}


def test_a_conflict_that_proves_nothing_does_not_cancel(world, lost):
    waiting = conflicting(world, confirmed=False)
    other, _pending = world.payment(60)
    world.tatum.add_transaction(other)
    world.tatum.confirmed |= {other.tx_id()}
    for tx_id in (waiting, other.tx_id(), "ab" * 32):
        assert code_of(cancel, world, conflict=tx_id) == "refusal.cancel.conflict"
    assert code_of(cancel, world, conflict="../" * 20) == "usage.tx_id"
    world.tatum.known[lost] = world.item(1).signed
    world.tatum.confirmed |= {lost}
    assert code_of(cancel, world, conflict=lost) == "refusal.cancel.conflict"
    assert world.item(1).state is State.UNCERTAIN


@pytest.mark.usefixtures("lost")
def test_a_conflict_that_nobody_can_look_up_does_not_cancel(world):
    tx_id = conflicting(world)
    world.tatum.always["transaction"] = Fault.SERVER_ERROR
    assert code_of(cancel, world, conflict=tx_id) == "remote.failed"
    world.tatum.always["transaction"] = Fault.LIE
    world.tatum.always["raw_transaction"] = Fault.SERVER_ERROR
    assert code_of(cancel, world, conflict=tx_id) == "remote.failed"
    assert world.item(1).state is State.UNCERTAIN


def test_another_payment_of_ours_that_is_confirmed_cancels(world):
    coin = world.coin(1, OWN)
    world.payment(1, parents=[coin])
    world.payment(2, parents=[coin], change=20_000)
    world.poll()
    for _ in range(2):
        world.import_(world.export())
    world.broadcast()
    assert code_of(cancel, world) == "refusal.cancel.exported"
    world.tatum.confirmed.add(world.item(2).tx_id)
    assert cancel(world).conflict == world.item(2).tx_id


def test_what_was_paid_is_not_cancelled(world):
    world.payment(1)
    world.to_signed()
    world.broadcast()
    world.tatum.confirmed.add(world.item(1).tx_id)
    assert code_of(cancel, world) == "refusal.cancel.paid"


def test_what_was_paid_back_to_us_is_cancelled(world):
    world.payment(1, change=20_000)
    world.to_signed()
    world.broadcast()
    tx_id = world.replace(1, is_cancel=True)
    world.import_(world.export())
    world.broadcast()
    assert code_of(cancel, world) == "refusal.cancel.exported"
    world.tatum.confirmed.add(tx_id)
    plan = cancel(world)
    assert (plan.conflict, plan.reverts) == (tx_id, False)


def test_cancelled_here_first_and_told_to_tatum_when_it_is_back(world):
    world.payment(1)
    world.poll()
    world.tatum.fail("cancel", Fault.UNREACHABLE)
    plan = service.plan_cancellation(world.relay, world.tatum, world.pending_id(1))
    with pytest.raises(RemoteUnavailableError) as caught:
        service.cancel(world.relay, world.tatum, plan)
    assert "again" in caught.value.hint
    assert world.item(1).state is State.CANCELLED
    assert cancel(world).reverts
    # Once more: Tatum has no such transaction, and that is what was wanted.
    assert cancel(world).reverts
    assert world.tatum.cancelled == {world.pending_id(1): True}


def test_a_deletion_that_tatum_refuses_is_told(world):
    world.payment(1)
    world.poll()
    world.tatum.fail("cancel", Fault.REJECT)
    assert code_of(cancel, world) == "remote.rejected"
    world.tatum.fail("cancel", Fault.REJECT)
    world.tatum.fail("get", Fault.SERVER_ERROR)
    assert code_of(cancel, world) == "remote.rejected"


def test_a_signature_of_what_is_cancelled_is_kept_with_an_alarm_and_not_sent(world):
    world.payment(1)
    world.poll()
    exported = world.export()
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    world.import_(exported)
    cancel(world)
    world.signer.refuse.clear()
    world.signer.answers.clear()
    for _ in range(2):
        world.import_(exported)
    item = world.item(1)
    assert item.state is State.CANCELLED
    assert item.error_code == "contract.answer.cancelled"
    assert len([note for note in world.notes if note.startswith("ALARM")]) == 1
    (version,) = world.relay.journal.versions(item.id)
    assert version.signed
    assert world.broadcast().completed == 0
    assert world.tatum.sent == []


def test_an_uncertain_one_that_is_found_is_completed(world, lost):
    assert code_of(resolve, world) == "refusal.resolve.open"
    world.tatum.known[lost] = world.item(1).signed
    assert resolve(world).is_found
    assert world.item(1).state is State.COMPLETED
    assert world.tatum.completed == {world.pending_id(1): lost}


def test_every_version_is_looked_up(world, lost):
    world.replace(1)
    world.import_(world.export())
    world.tatum.fail("broadcast", Fault.LOST_BEFORE)
    world.broadcast()
    first = world.relay.journal.versions(world.pending_id(1))[0]
    world.tatum.known[lost] = first.signed
    assert resolve(world).tx_id == lost
    assert world.item(1).tx_id == lost


@pytest.mark.usefixtures("lost")
def test_nobody_can_be_asked_so_nothing_is_settled(world):
    world.tatum.always["transaction"] = Fault.SERVER_ERROR
    with pytest.raises(RemoteError):
        resolve(world)
    assert world.item(1).state is State.UNCERTAIN


def test_a_person_vouches_for_one_of_our_transactions_only(world, lost):
    assert code_of(resolve, world, "ab" * 32) == "refusal.resolve.tx_id"
    assert not resolve(world, lost).is_found
    assert world.item(1).state is State.COMPLETED
    assert world.tatum.completed == {world.pending_id(1): lost}


def test_a_person_is_not_believed_against_the_network(world, lost):
    tx_id = world.replace(1)
    world.import_(world.export())
    world.tatum.fail("broadcast", Fault.LOST_BEFORE)
    world.broadcast()
    first, second = world.relay.journal.versions(world.pending_id(1))
    world.tatum.known[lost] = first.signed
    assert second.tx_id == tx_id
    assert code_of(resolve, world, tx_id) == "refusal.resolve.tx_id"
    assert resolve(world, lost).is_found


def test_a_settlement_that_tatum_does_not_hear_of_is_told_by_the_next_broadcast(
    world, lost
):
    world.tatum.known[lost] = world.item(1).signed
    world.tatum.fail("complete", Fault.UNREACHABLE)
    with pytest.raises(RemoteUnavailableError):
        resolve(world)
    assert world.item(1).state is State.BROADCAST
    assert world.broadcast().completed == 1


def test_only_uncertain_ones_are_settled(world):
    world.payment(1)
    world.poll()
    assert code_of(resolve, world) == "refusal.resolve.state"
    with pytest.raises(RefusalError):
        service.require_open(world.relay, world.pending_id(1))
