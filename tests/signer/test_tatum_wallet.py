"""Moving over from Tatum KMS: nothing counts before it is derived again here."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given, settings
from hypothesis import strategies as st

from airgap_shared.chains import lookup
from airgap_shared.errors import AirgapError, StorageError
from airgap_signer import chains, keys, tatum_wallet
from tests.signer.world import LEGAL, MNEMONIC, wif
from tests.vectors.authors import NOON

WALLETS = Path(__file__).parents[1] / "vectors/tatum/wallets"
INDEX = json.loads((WALLETS / "index.json").read_text())
ONE = "6bb7dd7f-d0b7-45d7-97a2-3c6b93e47e04"


def wallet_dat(plain, password=b"password"):
    """Write what Tatum KMS would: OpenSSL's salted AES-256-CBC under MD5."""
    salt = b"8 bytes!"
    derived = block = b""
    while len(derived) < 48:
        block = hashlib.md5(block + password + salt).digest()
        derived += block
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[32:])).encryptor()
    return base64.b64encode(b"Salted__" + salt + cipher.update(padded))


def adopted(entries):
    """Return what becomes of ``entries``, by signature id."""
    found = tatum_wallet.read(wallet_dat(json.dumps(entries).encode()), b"password")
    return {o.found.signature_id: o for o in tatum_wallet.adopt(found, NOON)}


def code_of(call, *arguments):
    with pytest.raises(StorageError) as caught:
        call(*arguments)
    return caught.value.code


def btc(**fields):
    return {"chain": "BTC", "testnet": True, **fields}


@pytest.mark.parametrize("wallet", INDEX, ids=lambda w: w["name"])
def test_a_wallet_of_tatums_own_comes_over_whole(wallet):
    data = (WALLETS / wallet["file"]).read_bytes()
    found = tatum_wallet.read(data, wallet["password"].encode())
    exported = json.loads((WALLETS / wallet["export"]).read_text())
    assert {each.signature_id: json.loads(each.raw) for each in found} == exported
    assert [each.signature_id for each in found] == list(exported)
    outcomes = list(tatum_wallet.adopt(found, NOON))
    assert all(outcome.error is None for outcome in outcomes)
    for outcome in outcomes:
        fields = exported[outcome.found.signature_id]
        assert outcome.entry is not None
        if outcome.entry.kept:
            assert json.loads(outcome.text) == fields
        else:
            assert outcome.text == fields.get("mnemonic", fields.get("privateKey"))
            assert outcome.address


@pytest.mark.parametrize("wallet", INDEX, ids=lambda w: w["name"])
@given(password=st.binary(max_size=12))
@settings(max_examples=30, deadline=None)
def test_another_password_is_named_so(wallet, password):
    data = (WALLETS / wallet["file"]).read_bytes()
    assert code_of(tatum_wallet.read, data, password) == "storage.tatum.password"


@pytest.mark.parametrize(
    "data",
    [b"", b"no base64!", base64.b64encode(b"Salted__"), base64.b64encode(b"x" * 64)],
)
def test_another_file_is_named_so(data):
    assert code_of(tatum_wallet.read, data, b"password") == "storage.tatum.file"


@pytest.mark.parametrize(
    "plain",
    [
        b"[]",
        b"1",
        b'{"no uuid": {"chain": "BTC", "testnet": true}}',
        json.dumps({ONE: {"chain": 1, "testnet": True}}).encode(),
        json.dumps({ONE: {"chain": "BTC", "testnet": "true"}}).encode(),
        json.dumps({ONE: {"chain": "BTC"}}).encode(),
        json.dumps({ONE: 7}).encode(),
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_decrypts_to_something_else_counts_as_a_wrong_password(plain):
    data = wallet_dat(plain)
    assert code_of(tatum_wallet.read, data, b"password") == "storage.tatum.password"


@given(st.binary(max_size=200))
def test_arbitrary_bytes_only_ever_raise_our_errors(data):
    for each in (data, base64.b64encode(b"Salted__" + data)):
        with pytest.raises(AirgapError):
            tatum_wallet.read(each, b"password")


def test_an_xpub_that_the_words_do_not_give_is_refused():
    other = keys.xpub(LEGAL, lookup("BTC", "testnet"))
    outcome = adopted({ONE: btc(mnemonic=MNEMONIC, xpub=other)})[ONE]
    assert outcome.entry is None
    assert outcome.error.code == "storage.tatum.xpub"


@pytest.mark.parametrize(
    "words", ["", "abandon abandon", MNEMONIC.replace("junk", "zoo")]
)
def test_words_that_are_no_mnemonic_are_refused(words):
    outcome = adopted({ONE: btc(mnemonic=words or " ", xpub="x")})[ONE]
    assert outcome.error.code == "storage.bad_mnemonic"


@pytest.mark.parametrize("text", ["", "x", wif("hot", "mainnet")])
def test_a_key_that_is_none_of_this_network_is_refused(text):
    outcome = adopted({ONE: btc(privateKey=text)})[ONE]
    assert outcome.error.code == "storage.bad_key"


def test_a_key_is_stored_as_it_was_typed():
    typed = f" {wif('hot')}\n"
    outcome = adopted({ONE: btc(privateKey=typed)})[ONE]
    assert outcome.text == typed
    assert outcome.address.startswith("tb1q")


def test_what_was_typed_with_spaces_still_signs():
    chain = lookup("BTC", "testnet")
    family = chains.family(chain)
    assert family.secret(f" {wif('hot')}\n", chain) == family.secret(wif("hot"), chain)
    spaced = MNEMONIC.replace(" ", "  ")
    plain = keys.child_secret(MNEMONIC, chain, 3)
    assert keys.child_secret(spaced, chain, 3) == plain


def test_a_chain_that_is_not_supported_is_kept_as_it_came():
    fields = {"address": "r", "secret": "s", "chain": "XRP", "testnet": False}
    outcome = adopted({ONE: fields})[ONE]
    assert outcome.entry.kept
    assert json.loads(outcome.text) == fields
    assert (outcome.address, outcome.entry.address) == ("", "")


class TestRepeating:
    def stored(self, entries):
        return {key: outcome.entry for key, outcome in adopted(entries).items()}

    def test_the_same_entry_is_known(self):
        entries = {ONE: btc(privateKey=wif("hot"))}
        assert tatum_wallet.is_known(adopted(entries)[ONE], self.stored(entries))

    def test_a_new_entry_is_not(self):
        outcome = adopted({ONE: btc(privateKey=wif("hot"))})[ONE]
        assert not tatum_wallet.is_known(outcome, {})

    def test_another_entry_under_the_same_id_is_refused(self):
        stored = self.stored({ONE: btc(privateKey=wif("spare"))})
        outcome = adopted({ONE: btc(privateKey=wif("hot"))})[ONE]
        code = code_of(tatum_wallet.is_known, outcome, stored)
        assert code == "storage.tatum.differs"


def test_many_entries_come_over_in_their_order():
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(40)]
    entries = {each: btc(privateKey=wif(each)) for each in ids}
    assert list(adopted(entries)) == ids
