"""Versions of a payment: which is sent, and which of them it became."""

import pytest

from airgap_relay import service
from airgap_relay.lifecycle import FROZEN, State
from airgap_shared import documents, secp256k1
from airgap_shared.documents import UnsignedBatch
from airgap_shared.errors import ContractError, RefusalError
from tests.relay import world as worlds
from tests.relay.world import OWN
from tests.simulators import signer
from tests.simulators.tatum import CrashError, Fault, Steps


@pytest.fixture
def paid(world):
    """A payment that is completed and not confirmed; its transaction id."""
    world.payment(1, change=20_000)
    world.to_signed()
    world.broadcast()
    return world.item(1).tx_id


def marks(world, exported):
    author = world.relay.author.key
    batch = documents.unseal(exported.batch.document, UnsignedBatch, [author]).document
    return {item.id: item.replaces for item in batch.items}


def replaced(world, **wish):
    """Replace the payment, and sign that; return the new transaction id."""
    tx_id = world.replace(1, **wish)
    world.import_(world.export())
    return tx_id


def test_a_higher_fee_takes_the_place_and_tatum_is_told_of_it(world, paid):
    tx_id = world.replace(1)
    assert world.item(1).state is State.PREPARED
    exported = world.export()
    assert marks(world, exported) == {world.pending_id(1): "fee"}
    world.import_(exported)
    assert world.broadcast().completed == 1
    assert world.item(1).tx_id == tx_id != paid
    assert world.tatum.completed == {world.pending_id(1): tx_id}
    versions = world.relay.journal.versions(world.pending_id(1))
    assert [version.tx_id for version in versions] == [paid, tx_id]
    assert all(version.is_sent for version in versions)


@pytest.mark.usefixtures("paid")
def test_a_cancellation_says_so(world):
    replaced(world, is_cancel=True)
    exported_again = world.item(1)
    assert exported_again.replaces == "cancel"
    assert world.broadcast().completed == 1


@pytest.mark.parametrize("state", sorted(FROZEN, key=str))
def test_every_state_after_an_export_can_be_replaced(world, state):
    world.payment(1, change=20_000)
    world.poll()
    if state is State.PREPARED:
        world.export()
        world.replace(1)
    elif state is State.EXPORTED:
        world.export()
    else:
        world.import_(world.export())
    faults = {
        State.UNCERTAIN: Fault.LOST_BEFORE,
        State.REJECTED: Fault.REJECT,
        State.BROADCAST: Fault.FAILED,
    }
    if state in faults:
        world.tatum.fail("broadcast", faults[state])
        world.tatum.fail("complete", Fault.SERVER_ERROR)
        world.tatum.always["get"] = Fault.SERVER_ERROR
        world.broadcast()
        world.tatum.always.clear()
        world.tatum.faults.clear()
    elif state in (State.COMPLETED, State.BROADCASTING):
        world.broadcast()
    if state is State.BROADCASTING:
        with world.relay.journal._begin() as connection:
            connection.exec_driver_sql("UPDATE item SET state = 'BROADCASTING'")
    assert world.item(1).state is state
    tx_id = replaced(world, fee=5_000)
    assert world.broadcast().completed == 1
    assert world.item(1).tx_id == tx_id


@pytest.mark.parametrize("wanted", ["SEEN", "REFUSED"])
def test_what_was_never_exported_is_not_replaced(world, wanted):
    world.payment(1, hashes=[] if wanted == "REFUSED" else None)
    if wanted == "SEEN":
        world.tatum.always["transaction"] = Fault.SERVER_ERROR
    world.poll()
    assert world.states() == {world.pending_id(1): wanted}
    with pytest.raises(RefusalError) as caught:
        world.replace(1)
    assert caught.value.code == "refusal.replace.state"


def test_what_is_prepared_for_the_first_time_is_not_replaced(world):
    world.payment(1, change=20_000)
    world.poll()
    with pytest.raises(RefusalError) as caught:
        world.replace(1)
    assert caught.value.code == "refusal.replace.state"


@pytest.mark.usefixtures("paid")
def test_a_replacement_that_was_not_exported_yet_can_be_planned_anew(world):
    world.replace(1, fee=3_000)
    tx_id = world.replace(1, fee=4_000)
    world.import_(world.export())
    world.broadcast()
    assert world.item(1).tx_id == tx_id
    assert len(world.relay.journal.versions(world.pending_id(1))) == 2


def test_the_earlier_version_that_is_confirmed_wins_over_a_later_one(world, paid):
    replaced(world)
    world.tatum.confirmed.add(paid)
    world.tatum.reject.add(world.pending_id(1))
    assert world.broadcast().completed == 1
    assert world.item(1).tx_id == paid
    assert world.tatum.completed == {world.pending_id(1): paid}


def test_of_two_that_are_found_the_confirmed_one_counts(world, paid):
    tx_id = replaced(world)
    world.tatum.fail("broadcast", Fault.LOST_AFTER)
    world.tatum.confirmed.add(paid)
    world.broadcast()
    assert tx_id in world.tatum.known
    assert world.item(1).tx_id == paid


def test_nobody_can_say_so_it_stays_uncertain_until_one_is_found(world, paid):
    tx_id = replaced(world)
    world.tatum.fail("broadcast", Fault.LOST_BEFORE)
    del world.tatum.known[paid]
    assert world.broadcast().uncertain == 1
    assert world.broadcast().completed == 1
    assert world.item(1).tx_id == tx_id


def test_a_rejected_replacement_of_what_was_sent_is_uncertain(world, paid):
    replaced(world)
    del world.tatum.known[paid]
    world.tatum.reject.add(world.pending_id(1))
    assert world.broadcast().uncertain == 1
    world.tatum.add_raw(paid, world.relay.journal.versions(world.pending_id(1))[0])
    assert world.broadcast().completed == 1
    assert world.item(1).tx_id == paid


def test_a_refused_replacement_falls_back_on_what_was_sent(world, paid):
    world.replace(1)
    exported = world.export()
    world.signer.refuse[world.pending_id(1)] = "refusal.conflict.tatum_id"
    world.import_(exported)
    item = world.item(1)
    assert item.state is State.UNCERTAIN
    assert item.error_code == "refusal.conflict.tatum_id"
    assert (item.tx_id, item.replaces) == (paid, "")
    service.report(world.relay, world.tatum)
    assert world.tatum.reported == []
    assert world.broadcast().completed == 1
    assert world.item(1).tx_id == paid
    assert {data for _id, data in world.tatum.sent} == {item.signed}


def test_a_refused_replacement_of_what_was_never_sent_sends_nothing(world):
    world.payment(1, change=20_000)
    world.to_signed()
    world.replace(1, is_cancel=True)
    exported = world.export()
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    world.import_(exported)
    assert world.item(1).state is State.REFUSED
    assert world.broadcast().completed == 0
    assert world.tatum.sent == []
    # Its first version is signed, so only the same replacement is asked for again.
    assert service.retry(world.relay, world.pending_id(1)) is State.PREPARED
    assert world.item(1).replaces == "cancel"


def test_an_answer_to_an_older_version_is_kept_and_not_sent(world):
    world.payment(1, change=20_000)
    world.poll()
    old = world.export()
    tx_id = world.replace(1)
    newer = world.export()
    world.import_(newer)
    world.import_(old)
    world.broadcast()
    assert world.item(1).tx_id == tx_id
    assert len({data for _id, data in world.tatum.sent}) == 1
    first, second = world.relay.journal.versions(world.pending_id(1))
    assert (bool(first.signed), first.is_sent) == (True, False)
    assert (second.tx_id, second.is_sent) == (tx_id, True)


def test_another_signature_of_an_older_version_is_refused(world, paid, monkeypatch):
    again = service.written_again(world.relay, world.item(1).batch)
    world.replace(1)

    def other(digest, key):
        native = secp256k1.native
        made = native.ecdsa_sign(digest, key, None, b"\x01" * 32)
        return native.ecdsa_signature_serialize_der(made)

    monkeypatch.setattr(signer, "ecdsa", other)
    world.signer.answers.clear()
    with pytest.raises(ContractError) as caught:
        world.import_(again)
    assert caught.value.code == "contract.signed.differs"
    assert world.relay.journal.versions(world.pending_id(1))[0].tx_id == paid


def test_tatums_own_replacement_goes_out_marked_and_in_a_batch_of_its_own(world):
    coin = world.coin(1, OWN)
    world.payment(1, parents=[coin])
    world.payment(2, parents=[coin])
    world.poll()
    first = world.export()
    assert marks(world, first) == {world.pending_id(1): ""}
    second = world.export()
    assert marks(world, second) == {world.pending_id(2): "tatum"}
    # Out again after its batch has expired, each is marked as it was.
    world.time += 10**6
    assert marks(world, world.export()) == {world.pending_id(1): ""}
    assert marks(world, world.export()) == {world.pending_id(2): "tatum"}


def test_coins_of_a_payment_that_the_signer_refused_are_free(world):
    coin = world.coin(1, OWN)
    world.payment(1, parents=[coin])
    world.poll()
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    world.import_(world.export())
    world.payment(2, parents=[coin])
    world.poll()
    assert marks(world, world.export()) == {world.pending_id(2): ""}


@pytest.mark.usefixtures("paid")
def test_a_replacement_is_planned_the_same_way_twice(world):
    def plan():
        wish = service.Wish(fee_rate=30)
        return service.plan_replacement(world.relay, world.pending_id(1), wish)

    assert plan().digest == plan().digest
    assert plan().old_fee == 1_000


def whole_way(world):
    """Replace the payment unless that is done, and do all that follows."""
    if world.item(1).replaces != "fee":
        world.replace(1)
    exported = service.export(world.relay)
    if exported is None and world.item(1).state is State.EXPORTED:
        exported = service.written_again(world.relay, world.item(1).batch)
    if exported is not None:
        world.import_(exported)
    world.broadcast()


@pytest.mark.parametrize("faults", [(), (Fault.FAILED,), (Fault.LOST_AFTER,)])
def test_ended_at_any_step_a_replacement_is_sent_and_completed(tmp_path, faults):
    last, ended = 1, True
    while ended:
        world = worlds.build(tmp_path / f"relay{last}")
        world.payment(1, change=20_000)
        world.to_signed()
        world.broadcast()
        first = world.item(1).tx_id
        world.tatum.fail("broadcast", *faults)
        world.open(Steps(last))
        ended = False
        try:
            whole_way(world)
        except CrashError:
            ended = True
            world.open()
            whole_way(world)
            whole_way(world)
        versions = world.relay.journal.versions(world.pending_id(1))
        assert {data for _id, data in world.tatum.sent} == {v.signed for v in versions}
        assert [version.is_sent for version in versions] == [True, True]
        assert world.item(1).state is State.COMPLETED
        # Whichever was found counts: here both, and the newer one was asked first.
        assert world.item(1).tx_id == versions[1].tx_id != first
        assert world.tatum.completed[world.pending_id(1)] == versions[1].tx_id
        world.close()
        last += 1
    assert last > 12
