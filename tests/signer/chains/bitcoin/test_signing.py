"""Signatures, sizes, private keys and addresses."""

import json
from pathlib import Path

import pytest
from embit import ec as embit_ec
from embit import psbt as embit_psbt

from airgap_shared.chains import TABLE, lookup
from airgap_shared.errors import SafetyError, StorageError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.spending import Scheme
from airgap_shared.formats.bitcoin.transaction import Output
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer import chains
from airgap_signer import keys as key_material
from airgap_signer.chains import bitcoin
from tests.signer.chains.bitcoin.coins import KINDS, key, p2pk
from tests.signer.world import (
    ALLOW,
    HOT,
    Vault,
    key_entry,
    payment,
    secret_of,
    wif,
)
from tests.simulators.relay_side import (
    SOMEBODY,
    SOMEBODY_ADDRESS,
    coin,
    key_of,
)

CHAIN = lookup("BTC", "testnet")
DAY = 24 * 3600


class TestSize:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("count", [1, 3])
    def test_the_size_is_never_below_and_at_most_one_byte_an_input_above(
        self, vault, kind, count
    ):
        coins = [coin(f"{kind}{n}", KINDS[kind]("hot")) for n in range(count)]
        item = vault.relay.item(
            "x", coins, [(SOMEBODY, 100_000 * count - 1_000)], [key_of(HOT)]
        )
        expected = vault.intent(item).size
        (answer,) = vault.sign(item)
        true = transaction.decode(answer.signed).virtual_size()
        assert expected - count <= true <= expected

    def test_a_mixed_transaction_counts_the_empty_witness_of_its_legacy_inputs(
        self, vault
    ):
        coins = [coin(kind, pays("hot")) for kind, pays in KINDS.items()]
        item = vault.relay.item("x", coins, [(SOMEBODY, 390_000)], [key_of(HOT)])
        (answer,) = vault.sign(item)
        true = transaction.decode(answer.signed).virtual_size()
        assert vault.intent(item).size - 4 <= true <= vault.intent(item).size


class TestPrivateKeys:
    def test_a_key_goes_to_text_and_back(self):
        text = bitcoin.FAMILY.secret_text(secret_of("hot"), CHAIN)
        assert bitcoin.FAMILY.secret(text, CHAIN) == secret_of("hot")
        assert embit_ec.PrivateKey.from_wif(text).secret == secret_of("hot")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "hello",
            "0" * 52,
            wif("hot", "mainnet"),
            wif("hot")[:-1],
            wif("hot")[:-1] + "!",
            wif("hot").swapcase(),
            "91avARGdfge8E4tZfYLoxeJ5sGBdNJQH4kvjJoQFacbgwmaKkrx",
            bitcoin.FAMILY.secret_text(bytes(32), CHAIN),
            bitcoin.FAMILY.secret_text(b"\xff" * 32, CHAIN),
            bitcoin.FAMILY.secret_text(b"\x01" * 31, CHAIN),
            "cafe\N{LATIN SMALL LETTER E WITH ACUTE}",
        ],
    )
    def test_anything_but_a_compressed_key_of_the_network_is_refused(self, text):
        with pytest.raises(StorageError) as caught:
            bitcoin.FAMILY.secret(text, CHAIN)
        assert caught.value.code == "storage.bad_key"
        assert len(text) < 8 or text not in caught.value.message


class TestDestinations:
    def test_an_address_stands_in_full(self):
        assert bitcoin.FAMILY.destination(SOMEBODY, CHAIN) == SOMEBODY_ADDRESS

    def test_a_script_without_an_address_shows_its_kind_and_bytes(self):
        shown = bitcoin.FAMILY.destination(b"\x6a\x02hi", CHAIN)
        assert shown == "op_return 6a026869"
        assert bitcoin.FAMILY.destination(p2pk("hot"), CHAIN).startswith("p2pk 21")

    def test_the_managed_address_is_native_segwit(self):
        assert bitcoin.FAMILY.address(key("hot"), CHAIN).startswith("tb1q")


class TestSigning:
    def test_a_signature_that_does_not_verify_never_leaves(self, vault, monkeypatch):
        item = payment(vault.relay)
        other = key_material.sign_ecdsa(secret_of("spare"), bytes(32))
        monkeypatch.setitem(bitcoin.SIGN, Scheme.ECDSA, lambda *_: other)
        with pytest.raises(SafetyError) as caught:
            vault.sign(item)
        assert caught.value.code == "safety.signature"

    def test_the_container_is_what_any_wallet_reads(self, vault):
        item = payment(vault.relay)
        read = embit_psbt.PSBT.parse(item.payload)
        assert read.tx.txid().hex() == psbt.decode(item.payload).unsigned.tx_id()

    def test_every_supported_chain_has_its_family(self):
        assert chains.family(CHAIN) is bitcoin.FAMILY

    def test_the_worst_height_bound_is_documented_by_a_date(self):
        for height, when, seconds in (chain.bitcoin.height for chain in TABLE):
            assert height > 0 < when
            assert seconds <= 600


VECTORS = json.loads(
    (Path(__file__).parents[3] / "vectors/bips/bip143.json").read_text()
)


def test_bip143s_example_is_signed_byte_for_byte():
    example = VECTORS["examples"][0]
    vault = Vault("mainnet")
    unsigned = transaction.decode(bytes.fromhex(example["unsigned"]))
    said, keys = [], []
    for number, spent in enumerate(example["inputs"]):
        secret = bytes.fromhex(spent["secret"])
        text = bitcoin.FAMILY.secret_text(secret, lookup("BTC", "mainnet"))
        signature_id = f"{number}0000000-0000-4000-8000-000000000000"
        vault.add(key_entry(signature_id, text, "mainnet"), text)
        keys.append(key_of(signature_id))
        claimed = Output(spent["amount"], bytes.fromhex(spent["script"]))
        said.append(PSBTInput(None, claimed))
    payload = PSBT(unsigned, tuple(said)).encode()
    item = vault.relay.item_of("bip143", payload, keys)
    (judged,) = vault.judged(item, policy=ALLOW)
    secrets = {k: vault.secrets[k.signature_id] for k in keys}
    raw = {
        k: bitcoin.FAMILY.secret(text, lookup("BTC", "mainnet"))
        for k, text in secrets.items()
    }
    assert judged.reading.sign(raw).data.hex() == example["signed"]
