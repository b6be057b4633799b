"""Batches: frozen bytes, expiry, and what never shares one."""

import pytest

from airgap_relay import config, journal, service
from airgap_shared import documents
from airgap_shared.documents import UnsignedBatch
from airgap_shared.errors import UsageError
from tests.relay.world import OWN, World
from tests.simulators.signer import FakeSigner
from tests.simulators.tatum import SimulatedTatum


def document(world, exported):
    author = world.relay.author.key
    return documents.unseal(exported.batch.document, UnsignedBatch, [author]).document


def test_a_batch_says_for_whom_and_for_how_long(world):
    world.payment(1)
    world.poll()
    exported = world.export(valid_seconds=60)
    batch = document(world, exported)
    assert (batch.relay, batch.signer) == (
        world.relay.author.fingerprint,
        world.signer.fingerprint,
    )
    assert (batch.created, batch.expires) == (world.time, world.time + 60)
    assert (batch.sequence, batch.manifest, batch.network) == (1, 1, "testnet")
    assert batch.seen == world.signer.head()
    assert documents.fingerprint(batch) == exported.batch.fingerprint
    assert len(batch.items[0].source) == 64


def test_nothing_to_sign_makes_no_batch(world):
    assert service.export(world.relay) is None
    assert world.relay.journal.next_sequence() == 1


def test_the_limit_splits_and_the_sequence_grows(world):
    for number in range(3):
        world.payment(number)
    world.poll()
    made = [service.export(world.relay, limit=2) for _ in range(3)]
    assert [batch and batch.items for batch in made] == [2, 1, None]
    assert [document(world, batch).sequence for batch in made[:2]] == [1, 2]


def test_two_payments_of_one_coin_go_into_two_batches(world):
    made = world.coin(1, OWN)
    world.payment(1, parents=[made])
    world.payment(2, parents=[made])
    world.payment(3)
    world.poll()
    ids = [i.id for i in document(world, world.export()).items]
    assert ids == [world.pending_id(1), world.pending_id(3)]
    ids = [i.id for i in document(world, world.export()).items]
    assert ids == [world.pending_id(2)]


def test_an_expired_batch_goes_out_again_with_the_same_bytes(world):
    world.payment(1)
    world.poll()
    first = world.export(valid_seconds=60)
    assert service.export(world.relay) is None
    world.time += 60
    second = world.export()
    assert second.batch.id != first.batch.id
    assert document(world, second).items == document(world, first).items


def test_a_batch_is_written_again_byte_for_byte(world):
    world.payment(1)
    world.poll()
    exported = world.export()
    assert service.written_again(world.relay, exported.batch.id) == exported
    with pytest.raises(UsageError) as caught:
        service.written_again(world.relay, "0" * 24)
    assert caught.value.code == "usage.batch"


def test_without_a_signer_or_its_manifest_there_is_no_batch(tmp_path):
    home = tmp_path / "relay"
    config.prepare_home(home)
    journal.create(config.journal_path(home)).close()
    config.create(home, config.new("testnet", "", "relay"), b"\x05" * 32)
    world = World(home, SimulatedTatum(), FakeSigner())
    world.open()
    with pytest.raises(UsageError) as caught:
        service.export(world.relay)
    assert caught.value.code == "usage.not_paired"
    identity = service.read_signer(world.signer.identity_file())
    service.accept_signer(world.relay, identity)
    with pytest.raises(UsageError) as caught:
        service.export(world.relay)
    assert caught.value.code == "usage.no_manifest"
    world.close()
