"""A refused item's second chance: afresh, or only the same bytes."""

import pytest

from airgap_relay import service
from airgap_relay.lifecycle import State
from airgap_shared.errors import RefusalError, UsageError
from tests.relay.world import HOT


def refuse(world, number, code="refusal.operator"):
    world.signer.refuse[world.pending_id(number)] = code


def retry(world, number=1):
    return service.retry(world.relay, world.pending_id(number))


def test_what_could_not_be_prepared_is_prepared_again_from_what_tatum_said(world):
    world.payment(1, hashes=["11111111-2222-4333-8444-000000000000"])
    world.poll()
    assert world.item(1).state is State.REFUSED
    service.report(world.relay, world.tatum)
    assert retry(world) is State.SEEN
    item = world.item(1)
    assert (item.error_code, item.error_message, item.error_reported) == ("", "", False)
    # Tatum lists it no more, and the key has arrived with a new manifest.
    world.tatum.listed.clear()
    world.signer.add_private_key("11111111-2222-4333-8444-000000000000", HOT)
    service.accept_manifest(world.relay, world.signer.manifest())
    world.poll()
    assert world.item(1).state is State.PREPARED


def test_a_second_refusal_is_reported_anew(world):
    world.payment(1, hashes=[])
    for _ in range(2):
        world.poll()
        service.report(world.relay, world.tatum)
        service.report(world.relay, world.tatum)
        retry(world)
    assert [id_ for id_, _text in world.tatum.reported] == [world.pending_id(1)] * 2


def test_refused_in_every_batch_it_is_prepared_afresh(world):
    world.payment(1)
    world.poll()
    first = world.export()
    world.time += 10**6
    second = world.export()
    refuse(world, 1)
    world.import_(first)
    world.import_(second)
    assert retry(world) is State.SEEN
    item = world.item(1)
    assert (item.payload, item.keys, item.version) == (b"", (), 0)
    world.poll()
    world.signer.refuse.clear()
    world.import_(world.export())
    assert world.broadcast().completed == 1
    assert len(world.relay.journal.versions(world.pending_id(1))) == 2


def test_while_a_batch_is_not_answered_only_the_same_bytes_are_asked_for(world):
    world.payment(1)
    world.poll()
    lost = world.export()
    world.time += 10**6
    refuse(world, 1)
    world.import_(world.export())
    payload = world.item(1).payload
    assert retry(world) is State.PREPARED
    assert world.item(1).payload == payload
    world.signer.refuse.clear()
    world.import_(world.export())
    # The lost answer turns up too, and holds the same bytes.
    world.import_(lost)
    assert world.broadcast().completed == 1
    assert len({data for _id, data in world.tatum.sent}) == 1
    assert len(world.relay.journal.versions(world.pending_id(1))) == 1


def test_a_late_answer_to_the_same_bytes_counts_before_they_go_out_again(world):
    world.payment(1)
    world.poll()
    lost = world.export()
    world.time += 10**6
    refuse(world, 1)
    newer = world.export()
    world.import_(newer)
    retry(world)
    world.signer.refuse.clear()
    world.import_(lost)
    assert world.item(1).state is State.SIGNED
    assert world.broadcast().completed == 1


def test_an_answer_to_an_earlier_payload_is_kept_and_never_sent(world):
    world.payment(1)
    world.poll()
    exported = world.export()
    refuse(world, 1)
    refused = world.answer(exported)
    service.import_(world.relay, refused)
    retry(world)
    world.poll()
    # A signer that changes its mind: its second answer is stored, not obeyed.
    world.signer.refuse.clear()
    world.signer.answers.clear()
    service.import_(world.relay, world.answer(exported))
    assert world.item(1).state is State.PREPARED
    (version,) = world.relay.journal.versions(world.pending_id(1))
    assert version.signed
    assert world.broadcast().completed == 0
    assert world.tatum.sent == []


def test_only_a_refused_one_is_retried(world):
    world.payment(1)
    for step in (world.poll, world.export):
        step()
        with pytest.raises(RefusalError) as caught:
            retry(world)
        assert caught.value.code == "refusal.retry"
    with pytest.raises(UsageError) as unknown:
        retry(world, 7)
    assert unknown.value.code == "usage.id"
