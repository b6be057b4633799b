"""Receipts: what became of the signer's answers, each change once."""

import pytest

from airgap_relay import service
from airgap_relay.service import receipts
from airgap_shared import documents
from airgap_shared.documents import Receipt
from airgap_shared.errors import UsageError


def read(world, told):
    author = world.relay.author.key
    return documents.unseal(told.document, Receipt, [author]).document


def made(world):
    told = service.make_receipt(world.relay)
    assert told is not None
    receipt = read(world, told)
    assert (receipt.number, len(receipt.items)) == (told.number, told.items)
    return receipt


def test_each_change_is_told_once_and_numbers_grow(world):
    world.payment(1)
    world.poll()
    assert service.make_receipt(world.relay) is None
    exported = world.export()
    world.import_(exported)
    world.broadcast()
    receipt = made(world)
    assert (receipt.number, receipt.created) == (1, world.time)
    assert (receipt.relay, receipt.signer) == (
        world.relay.author.fingerprint,
        world.signer.fingerprint,
    )
    (item,) = receipt.items
    assert (item.id, item.state) == (world.pending_id(1), "COMPLETED")
    assert item.tx_id == world.item(1).tx_id
    assert service.make_receipt(world.relay) is None
    world.payment(2)
    world.poll()
    world.export()
    second = made(world)
    assert (second.number, [i.state for i in second.items]) == (2, ["EXPORTED"])


def test_another_transaction_id_is_news(world):
    world.payment(1, change=20_000)
    world.to_signed()
    world.broadcast()
    made(world)
    tx_id = world.replace(1)
    world.import_(world.export())
    world.broadcast()
    (item,) = made(world).items
    assert (item.state, item.tx_id) == ("COMPLETED", tx_id)


def test_more_than_fit_are_told_by_the_next_one_oldest_first(world, monkeypatch):
    monkeypatch.setattr(receipts, "MAX_BATCH_ITEMS", 2)
    for number in range(3):
        world.payment(number)
    world.poll()
    for _ in range(3):
        world.export(limit=1)
        world.time += 1
    told = [[item.id for item in made(world).items] for _ in range(2)]
    assert told == [[world.pending_id(0), world.pending_id(1)], [world.pending_id(2)]]
    assert service.make_receipt(world.relay) is None


def test_an_earlier_one_is_written_again_byte_for_byte(world):
    world.payment(1)
    world.poll()
    world.export()
    told = service.make_receipt(world.relay)
    assert service.receipt_again(world.relay, 1) == told
    with pytest.raises(UsageError) as caught:
        service.receipt_again(world.relay, 2)
    assert caught.value.code == "usage.receipt"
