"""Signed batches: taken whole, or not at all."""

import pytest

from airgap_relay import service
from airgap_relay.lifecycle import State
from airgap_shared import documents
from airgap_shared.documents import SignedBatch, SignedItem, UnsignedBatch
from airgap_shared.errors import ContractError
from tests.simulators.signer import FakeSigner, replace_fields


@pytest.fixture
def exported(world):
    world.payment(1)
    world.payment(2)
    world.poll()
    return world.export()


def refused(world, data):
    before = world.states()
    with pytest.raises(ContractError) as caught:
        service.import_(world.relay, data)
    assert caught.value.status == 4
    assert world.states() == before
    return caught.value.code


def answered(world, exported):
    data = world.answer(exported)
    return documents.unseal(data, SignedBatch, [world.signer.key]).document


def changed(world, exported, **changes):
    return world.signer.seal(replace_fields(answered(world, exported), changes))


def with_item(world, exported, **changes):
    answer = answered(world, exported)
    first = replace_fields(answer.items[0], changes)
    return world.signer.seal(
        replace_fields(answer, {"items": (first, *answer.items[1:])})
    )


def test_signed_bytes_are_stored_before_anything_is_sent(world, exported):
    data = world.answer(exported)
    service.import_(world.relay, data)
    (first, _second) = world.relay.journal.items(State.SIGNED)
    assert first.signed
    assert first.tx_id
    assert world.tatum.sent == []


def test_again_gives_the_same_result_and_changes_nothing(world, exported):
    data = world.answer(exported)
    taken = service.import_(world.relay, data)
    service.broadcast(world.relay, world.tatum)
    before = world.states()
    assert service.import_(world.relay, data) == taken
    assert world.states() == before


def test_a_refused_item_is_refused_and_the_other_signed(world, exported):
    world.signer.refuse[world.pending_id(1)] = "refusal.policy.max_fee"
    taken = service.import_(world.relay, world.answer(exported))
    assert (taken.signed, taken.refused) == (1, 1)
    item = world.relay.journal.item(world.pending_id(1))
    assert (item.state, item.error_code) == (State.REFUSED, "refusal.policy.max_fee")
    service.report(world.relay, world.tatum)
    service.report(world.relay, world.tatum)
    assert [id_ for id_, _text in world.tatum.reported] == [world.pending_id(1)]


def test_the_answer_to_an_expired_batch_is_taken(world, exported):
    world.time += 10**6
    assert service.import_(world.relay, world.answer(exported)).signed == 2


def test_the_refusal_of_an_old_batch_does_not_end_an_item_of_a_newer(world, exported):
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    old = world.answer(exported)
    world.time += 10**6
    newer = world.export()
    service.import_(world.relay, old)
    assert world.relay.journal.item(world.pending_id(1)).state is State.EXPORTED
    world.signer.refuse.clear()
    service.import_(world.relay, world.answer(newer))
    assert set(world.states().values()) == {"SIGNED"}


@pytest.mark.parametrize("newer_first", [False, True])
def test_a_signature_counts_whichever_batch_brings_it(world, exported, newer_first):
    old = world.answer(exported)
    world.time += 10**6
    newer = world.export()
    world.signer.refuse[world.pending_id(1)] = "refusal.operator"
    world.signer.refuse[world.pending_id(2)] = "refusal.operator"
    answers = [old, world.answer(newer)]
    for data in reversed(answers) if newer_first else answers:
        service.import_(world.relay, data)
    assert set(world.states().values()) == {"SIGNED"}


def test_a_stranger_is_refused(world, exported):
    stranger = FakeSigner("stranger")
    assert refused(world, stranger.seal(answered(world, exported))) == (
        "contract.stranger"
    )


def test_a_batch_that_this_relay_never_made_is_refused(world, exported):
    data = changed(world, exported, batch="0" * 24)
    assert refused(world, data) == "contract.answer.batch"


def test_other_bytes_than_those_asked_are_refused(world, exported):
    data = changed(world, exported, unsigned="00" * 32)
    assert refused(world, data) == "contract.answer.unsigned"


@pytest.mark.parametrize("side", ["relay", "signer"])
def test_another_addressee_or_author_is_refused(world, exported, side):
    data = changed(world, exported, **{side: "00" * 32})
    assert refused(world, data) == f"contract.answer.{side}"


def test_items_in_another_order_are_refused(world, exported):
    items = tuple(reversed(answered(world, exported).items))
    assert refused(world, changed(world, exported, items=items)) == (
        "contract.answer.items"
    )


def test_a_missing_item_is_refused(world, exported):
    items = answered(world, exported).items[:1]
    assert refused(world, changed(world, exported, items=items)) == (
        "contract.answer.items"
    )


def test_neither_signed_nor_refused_is_refused(world, exported):
    data = with_item(world, exported, signed=b"", tx_id="")
    assert refused(world, data) == "contract.answer.neither"


@pytest.mark.parametrize("more", [{}, {"signed": b""}, {"tx_id": ""}])
def test_both_signed_and_refused_is_refused(world, exported, more):
    data = with_item(world, exported, refused="refusal.operator", **more)
    assert refused(world, data) == "contract.answer.both"


def test_another_transaction_id_is_refused(world, exported):
    data = with_item(world, exported, tx_id="ab" * 32)
    assert refused(world, data) == "contract.signed.tx_id"


def test_a_swapped_transaction_is_refused(world, exported):
    second = answered(world, exported).items[1]
    data = with_item(world, exported, signed=second.signed, tx_id=second.tx_id)
    assert refused(world, data) == "contract.signed.changed"


def test_one_bad_item_keeps_the_good_one_out_too(world, exported):
    answer = answered(world, exported)
    bad = SignedItem(id=answer.items[1].id, signed=b"\x00", tx_id="ab" * 32)
    data = changed(world, exported, items=(answer.items[0], bad))
    assert refused(world, data) == "contract.signed.malformed"


def test_a_broken_chain_of_heads_is_refused(world, exported):
    links = tuple("00" * 32 for _ in answered(world, exported).links)
    assert refused(world, changed(world, exported, links=links)) == "contract.head"


def test_a_missing_link_is_refused(world, exported):
    links = answered(world, exported).links[1:]
    assert refused(world, changed(world, exported, links=links)) == "contract.head"


def test_a_head_signed_by_somebody_else_is_refused(world, exported):
    head = replace_fields(answered(world, exported).head, {"signature": "00" * 64})
    assert refused(world, changed(world, exported, head=head)) == "contract.head"


def test_a_signer_that_was_rolled_back_is_refused(world, exported):
    service.import_(world.relay, world.answer(exported))
    world.payment(3)
    world.poll()
    later = world.export()
    # The disk of before the first batch is put back, and signs the second one.
    seen = world.signer.heads
    batch = documents.unseal(
        later.batch.document, UnsignedBatch, [world.relay.author.key]
    ).document
    world.signer.heads = [*seen[:1]]
    world.signer.links = []
    told = replace_fields(batch, {"seen": world.signer.head()})
    forged = world.signer._answer(told, later.batch.fingerprint)
    assert refused(world, world.signer.seal(forged)) == "contract.head"


def test_all_heads_are_kept_and_the_last_one_goes_out_next(world, exported):
    service.import_(world.relay, world.answer(exported))
    known = world.relay.journal.heads(0, 9)
    assert known == dict(enumerate(world.signer.heads))
    assert world.relay.journal.last_head() == world.signer.head()


def test_every_flipped_bit_and_every_cut_is_refused(world, exported):
    data = world.answer(exported)
    for position in range(0, len(data), 37):
        flipped = bytearray(data)
        flipped[position] ^= 1 << position % 8
        assert refused(world, bytes(flipped)).startswith("contract.")
        assert refused(world, data[:position]).startswith("contract.")
    assert refused(world, data + b" ") == "contract.not_canonical"


def test_an_unsigned_batch_is_no_answer(world, exported):
    assert refused(world, exported.batch.document) == "contract.type"
