"""Who is trusted, and what they are told."""

import msgspec
import pytest

from airgap_shared import documents
from airgap_shared.documents import Identity
from airgap_shared.errors import RefusalError
from airgap_signer import pairs
from tests.signer.world import COLD, HOT, SPARE, WALLET, head_of, key_entry, wif
from tests.vectors.authors import NOON, RELAY, STRANGER


def identity(author, role="relay", name="online"):
    document = Identity(role=role, name=name, key=author.key)
    return documents.unseal_identity(documents.seal(document, author.key, author.sign))


class TestPeers:
    def test_a_peer_is_kept_in_its_own_role(self, vault):
        sealed = identity(STRANGER, "approver", "boss")
        public = pairs.with_peer(vault.public, sealed, NOON + 5)
        peer = public.peers[-1]
        assert (peer.role, peer.name, peer.key) == ("approver", "boss", STRANGER.key)
        assert (peer.fingerprint, peer.paired) == (sealed.fingerprint, NOON + 5)
        assert len(public.peers) == 2
        assert public.peer_name(STRANGER.key) == "boss"

    def test_pairing_again_renews_the_peer(self, vault):
        public = pairs.with_peer(vault.public, identity(RELAY, name="new"), NOON + 5)
        assert [peer.name for peer in public.peers] == ["new"]

    def test_a_key_of_one_role_never_gets_another(self, vault):
        with pytest.raises(RefusalError) as caught:
            pairs.with_peer(vault.public, identity(RELAY, "approver"), NOON)
        assert caught.value.code == "refusal.role"

    def test_the_signers_own_key_is_nobody_else(self, vault):
        public = msgspec.structs.replace(vault.public, key=STRANGER.key)
        with pytest.raises(RefusalError) as caught:
            pairs.with_peer(public, identity(STRANGER), NOON)
        assert caught.value.code == "refusal.role"

    def test_the_person_says_the_role(self):
        sealed = identity(STRANGER, "approver")
        pairs.check_role(sealed.document, "approver")
        with pytest.raises(RefusalError) as caught:
            pairs.check_role(sealed.document, "relay")
        assert caught.value.code == "refusal.role"

    def test_who_is_unpaired_is_no_longer_trusted(self, vault):
        (peer,) = vault.public.peers
        assert pairs.without_peer(vault.public, peer).peers == ()


class TestManifest:
    def test_it_lists_live_entries_in_order_and_nothing_secret(self, vault):
        retired = "00000000-2222-4333-8444-555555555555"
        vault.add(key_entry(retired, wif("old"), retired=True), wif("old"))
        vault.public = msgspec.structs.replace(vault.public, manifest=7)
        made = pairs.manifest(vault.public, head_of(3, "ab" * 32), NOON)
        assert (made.signer, made.number) == (vault.public.fingerprint(), 7)
        assert [e.signature_id for e in made.entries] == [COLD, WALLET, HOT, SPARE]
        data = msgspec.json.encode(made)
        for secret in vault.secrets.values():
            assert secret.encode() not in data
        for private in (b"highest", b"exposed", b"retired"):
            assert private not in data
        assert b'"created"' in data.split(b'"entries"')[0]
        assert b'"created"' not in data.split(b'"entries"')[1]

    def test_a_private_key_shows_key_and_address_a_mnemonic_its_xpub(self, vault):
        made = pairs.manifest(vault.public, head_of(3, "ab" * 32), NOON)
        by_id = {entry.signature_id: entry for entry in made.entries}
        assert by_id[HOT].public_key
        assert by_id[HOT].address
        assert by_id[HOT].xpub == ""
        assert by_id[WALLET].xpub.startswith("tpub")
        assert by_id[WALLET].public_key == ""
