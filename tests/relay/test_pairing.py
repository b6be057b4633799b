"""Whom the relay trusts, and what that signer says it holds."""

import pytest

from airgap_relay import service
from airgap_shared import documents
from airgap_shared.documents import Head, Identity
from airgap_shared.errors import ContractError, RefusalError
from tests.simulators.signer import START, FakeSigner, replace_fields


def refused(call, *arguments):
    with pytest.raises(ContractError) as caught:
        call(*arguments)
    return caught.value.code


def test_the_same_signer_may_be_paired_again(world):
    identity = service.read_signer(world.signer.identity_file())
    assert service.is_paired(world.relay, identity)
    service.accept_signer(world.relay, identity)


def test_a_second_signer_is_refused(world):
    identity = service.read_signer(FakeSigner("other").identity_file())
    with pytest.raises(RefusalError) as caught:
        service.accept_signer(world.relay, identity)
    assert caught.value.code == "refusal.paired"


def test_a_relay_is_no_signer():
    author = FakeSigner("other")
    identity = Identity(role="relay", name="other", key=author.key)
    assert refused(service.read_signer, author.seal(identity)) == "contract.role"


def test_the_same_manifest_is_taken_twice(world):
    data = world.signer.manifest()
    service.accept_manifest(world.relay, data)
    assert service.accept_manifest(world.relay, data).number == 2


def test_an_older_manifest_is_refused(world):
    older = world.signer.manifest()
    service.accept_manifest(world.relay, world.signer.manifest())
    found = refused(service.accept_manifest, world.relay, older)
    assert found == "contract.manifest.older"
    assert world.relay.manifest().number == 3


def test_another_manifest_with_the_same_number_is_refused(world):
    other = world.signer.manifest(number=1, entries=())
    found = refused(service.accept_manifest, world.relay, other)
    assert found == "contract.manifest.changed"


def test_a_strangers_manifest_is_refused(world):
    data = FakeSigner("stranger").manifest()
    assert refused(service.accept_manifest, world.relay, data) == "contract.stranger"


def test_a_manifest_that_names_another_signer_is_refused(world):
    data = world.signer.manifest(signer="00" * 32)
    found = refused(service.accept_manifest, world.relay, data)
    assert found == "contract.manifest.signer"


def test_a_head_with_a_wrong_signature_is_refused(world):
    head = Head(height=5, head=START, signature="00" * 64)
    data = world.signer.manifest(head=head)
    assert refused(service.accept_manifest, world.relay, data) == "contract.head"


def test_a_head_that_contradicts_the_one_seen_is_refused(world):
    other = "11" * 32
    signature = world.signer.sign(documents.head_message(0, other)).hex()
    head = Head(height=0, head=other, signature=signature)
    data = world.signer.manifest(head=head)
    assert refused(service.accept_manifest, world.relay, data) == "contract.head"


@pytest.mark.parametrize(
    ("number", "change"), [(0, {"public_key": ""}), (1, {"xpub": ""})]
)
def test_an_entry_without_its_public_key_is_refused(world, number, change):
    entries = list(world.signer.entries)
    entries[number] = replace_fields(entries[number], change)
    data = world.signer.manifest(entries=tuple(entries))
    found = refused(service.accept_manifest, world.relay, data)
    assert found == "contract.manifest.entry"


def test_an_entry_that_comes_twice_is_refused(world):
    data = world.signer.manifest(entries=tuple(world.signer.entries * 2))
    found = refused(service.accept_manifest, world.relay, data)
    assert found == "contract.manifest.entry"
