"""Public keys of a mnemonic's children."""

import json
from pathlib import Path

import pytest
from embit import base58
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import chains
from airgap_shared.derivation import ExtendedKey
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import script
from tests.vectors.authors import XPUB

VECTORS = Path(__file__).parents[1] / "vectors"
BIP32 = json.loads((VECTORS / "bips/bip32.json").read_text())
TATUM = json.loads((VECTORS / "tatum/derivation.json").read_text())
WALLETS = {
    name: wallet
    for name, wallet in TATUM.items()
    if name.partition("-")[0] in chains.CODES
}


def refused(xpub):
    with pytest.raises(ContractError) as caught:
        ExtendedKey(xpub)
    assert caught.value.code == "contract.xpub"
    # An extended private key may have been pasted here: it is never repeated.
    assert xpub[:20] not in caught.value.message


@pytest.mark.parametrize("step", BIP32["steps"], ids=lambda step: step["child"][-6:])
def test_children_are_those_of_bip_32(step):
    # The last 33 bytes of an extended key are the public key itself.
    expected = base58.decode_check(step["child"])[-33:]
    assert ExtendedKey(step["parent"]).child(step["index"]) == expected


@pytest.mark.parametrize("vector", BIP32["invalid"], ids=lambda vector: vector["why"])
def test_invalid_extended_keys_of_bip_32_are_refused(vector):
    refused(vector["key"])


@pytest.mark.parametrize("key", BIP32["private"])
def test_an_extended_private_key_is_refused(key):
    refused(key)


def test_the_deepest_key_has_children_too():
    # Their depth fits no byte any more; nobody writes it down.
    data = bytearray(base58.decode_check(XPUB))
    data[4] = 255
    deepest = ExtendedKey(base58.encode_check(bytes(data)))
    assert deepest.child(0) == ExtendedKey(XPUB).child(0)


@pytest.mark.parametrize("name", WALLETS)
def test_the_addresses_are_those_of_tatum(name):
    code, _, network = name.partition("-")
    parameters = chains.lookup(code, network).bitcoin
    xpub = ExtendedKey(WALLETS[name]["xpub"])
    for index, expected in WALLETS[name]["idx"].items():
        output = script.managed_script(xpub.child(int(index)), parameters)
        assert script.address(output, parameters) == expected["address"]


@pytest.mark.parametrize("name", WALLETS)
def test_the_version_of_the_xpub_is_that_of_the_table(name):
    code, _, network = name.partition("-")
    version = base58.decode_check(WALLETS[name]["xpub"])[:4]
    assert version == chains.lookup(code, network).bitcoin.xpub_version


@pytest.mark.parametrize("size", range(len(XPUB)))
def test_a_truncated_extended_key_is_refused(size):
    with pytest.raises(ContractError):
        ExtendedKey(XPUB[:size])


@given(st.text(max_size=120))
def test_arbitrary_text_is_no_extended_key(text):
    with pytest.raises(ContractError):
        ExtendedKey(text)


@given(st.binary(max_size=90))
def test_arbitrary_bytes_behind_a_right_checksum_are_refused(data):
    with pytest.raises(ContractError):
        ExtendedKey(base58.encode_check(data))


@given(st.integers(0, 77), st.integers(1, 255))
def test_a_changed_byte_gives_another_key_or_an_error(at, difference):
    data = bytearray(base58.decode_check(XPUB))
    data[at] ^= difference
    try:
        child = ExtendedKey(base58.encode_check(bytes(data))).child(0)
    except ContractError:
        return
    # Version, depth, parent and number do not take part in derivation.
    assert (child == ExtendedKey(XPUB).child(0)) == (at < 13)


def test_more_bytes_than_an_extended_key_has_are_refused():
    refused(base58.encode_check(base58.decode_check(XPUB) + b"\0"))


def test_nothing_is_derived_in_pure_python(monkeypatch):
    expected = ExtendedKey(XPUB).child(7)
    for name in ("ec_pubkey_parse", "ec_pubkey_add", "ec_pubkey_serialize"):
        monkeypatch.setattr(f"embit.util.secp256k1.{name}", lambda *_: b"")
    assert ExtendedKey(XPUB).child(7) == expected
