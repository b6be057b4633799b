"""The values in the wallet storage."""

import pytest

from airgap_shared.errors import StorageError
from tests.signer.world import COLD, HOT, SPARE, WALLET, Vault, key_entry, wif


def entry(name, network="testnet", signature_id=COLD):
    return key_entry(signature_id, wif(name, network), network)


def test_a_live_entry_is_found(vault):
    assert vault.public.entry(HOT).signature_id == HOT


@pytest.mark.parametrize("change", [None, {"retired": True}])
def test_a_missing_or_retired_entry_is_not(vault, change):
    if change:
        vault.change(HOT, **change)
    signature_id = HOT if change else "33333333-2222-4333-8444-555555555555"
    with pytest.raises(StorageError) as caught:
        vault.public.entry(signature_id)
    assert caught.value.code == "storage.no_entry"


class TestReuse:
    @pytest.mark.parametrize(
        ("first", "second"), [("testnet", "mainnet"), ("mainnet", "testnet")]
    )
    def test_one_key_never_belongs_to_a_mainnet_and_another_network(
        self, first, second
    ):
        public = Vault().public.with_entries({HOT: entry("x", first, HOT)})
        with pytest.raises(StorageError) as caught:
            public.with_entries({SPARE: entry("x", second, SPARE)})
        assert caught.value.code == "storage.key_reused"
        assert HOT in caught.value.message

    def test_the_same_key_twice_on_one_network_is_allowed(self):
        public = Vault().public.with_entries({HOT: entry("x", signature_id=HOT)})
        public = public.with_entries({SPARE: entry("x", signature_id=SPARE)})
        assert set(public.entries) == {HOT, SPARE}

    def test_two_entries_added_together_are_compared_too(self):
        added = {
            HOT: entry("x", "testnet", HOT),
            SPARE: entry("x", "mainnet", SPARE),
        }
        with pytest.raises(StorageError) as caught:
            Vault().public.with_entries(added)
        assert caught.value.code == "storage.key_reused"

    def test_a_retired_entry_keeps_its_key_to_its_network(self, vault):
        vault.change(HOT, retired=True)
        with pytest.raises(StorageError):
            vault.public.with_entries({COLD: entry("hot", "mainnet")})

    def test_mnemonics_have_no_public_key_to_compare(self, vault):
        wallet = vault.public.entries[WALLET]
        assert vault.public.with_entries({WALLET: wallet}) == vault.public


def test_a_fingerprint_is_the_identitys(vault):
    assert len(vault.public.fingerprint()) == 64
    assert vault.public.identity().role == "signer"
