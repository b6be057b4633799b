"""Key material: mnemonics, derivation and signatures, against published answers."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from embit import bip39
from embit.bip32 import HDKey

from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.derivation import ExtendedKey
from airgap_shared.errors import StorageError
from airgap_signer import chains, keys
from tests.signer.world import MNEMONIC, secret_of

VECTORS = Path(__file__).parents[1] / "vectors"
DERIVATION = json.loads((VECTORS / "tatum/derivation.json").read_text())
NETWORKS = ["mainnet", "testnet"]

BIP39 = [
    (each["entropy"], each["words"], each["seed"])
    for each in json.loads((VECTORS / "bips/bip39.json").read_text())["english"]
]
BIP32 = json.loads((VECTORS / "bips/bip32-private.json").read_text())


class TestMnemonics:
    @pytest.mark.parametrize(("entropy", "words", "_seed"), BIP39)
    def test_fresh_words_are_those_of_the_entropy(self, entropy, words, _seed):
        data = bytes.fromhex(entropy)
        if len(data) == keys.MNEMONIC_BYTES:
            assert keys.fresh_mnemonic(lambda size: data[:size]) == words
        assert keys.check_mnemonic(words) == words

    @pytest.mark.parametrize(("_entropy", "words", "seed"), BIP39)
    def test_the_library_below_stretches_words_as_published(
        self, _entropy, words, seed
    ):
        assert bip39.mnemonic_to_seed(words, "TREZOR").hex() == seed

    @pytest.mark.parametrize(("_entropy", "words", "_seed"), BIP39)
    def test_a_wallet_is_made_of_the_words_without_a_passphrase(
        self, _entropy, words, _seed
    ):
        chain = lookup("BTC", "mainnet")
        plain = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
        account = HDKey.from_seed(plain).derive("m/44h/0h/0h/0")
        assert keys.xpub(words, chain) == account.to_public().to_base58()

    def test_fresh_words_come_from_the_randomness_given(self):
        asked = []

        def random(size):
            asked.append(size)
            return bytes(range(size))

        assert keys.check_mnemonic(keys.fresh_mnemonic(random))
        assert asked == [32]

    def test_spaces_and_lines_between_words_do_not_matter(self):
        assert keys.check_mnemonic("\n" + MNEMONIC.replace(" ", "  ") + " ") == MNEMONIC

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ocean river",
            "abandon " * 12,
            "abandon " * 11 + "abuot",
            "abandon " * 10 + "about",
            ("abandon " * 11 + "about").upper(),
            "zoo " * 23 + "art",
        ],
    )
    def test_mistyped_words_are_refused_and_not_repeated(self, text):
        with pytest.raises(StorageError) as caught:
            keys.check_mnemonic(text)
        assert caught.value.code == "storage.bad_mnemonic"
        assert text not in caught.value.message or not text


class TestDerivation:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_tatums_extended_key_addresses_and_private_keys_come_out(self, network):
        chain = lookup("BTC", network)
        family, expected = chains.family(chain), DERIVATION[f"BTC-{network}"]
        assert keys.xpub(DERIVATION["mnemonic"], chain) == expected["xpub"]
        assert set(expected["idx"]) == {"0", "1", "7"}
        for index, child in expected["idx"].items():
            secret = keys.child_secret(DERIVATION["mnemonic"], chain, int(index))
            key = secp256k1.public_key(secret)
            assert family.secret_text(secret, chain) == child["privateKey"]
            assert family.secret(child["privateKey"], chain) == secret
            assert family.address(key, chain) == child["address"]
            assert ExtendedKey(expected["xpub"]).child(int(index)) == key

    def test_bip32_private_vectors_hold_in_the_library_below(self):
        root = HDKey.from_seed(bytes.fromhex(BIP32["seed"]))
        for each in BIP32["keys"]:
            assert root.derive(each["path"]).to_base58() == each["xprv"]


class TestSecrets:
    def test_a_fresh_secret_is_never_out_of_range(self):
        order = secp256k1.ORDER.to_bytes(32, "big")
        draws = [bytes(32), order, b"\xff" * 32, b"\x01" * 32]
        assert keys.fresh_secret(lambda _size: draws.pop(0)) == b"\x01" * 32
        assert draws == []

    def test_the_largest_secret_is_one_below_the_order(self):
        largest = (secp256k1.ORDER - 1).to_bytes(32, "big")
        assert keys.fresh_secret(lambda _size: largest) == largest


class TestNonces:
    def test_a_nonce_out_of_range_is_drawn_again(self, monkeypatch):
        """RFC 6979, section 3.2, step h.3: it happens once in 2^128 signatures."""
        drawn = []
        real = secp256k1.is_secret

        def first_is_too_large(value):
            drawn.append(value)
            return len(drawn) > 1 and real(value)

        monkeypatch.setattr(secp256k1, "is_secret", first_is_too_large)
        secret, digest = secret_of("hot"), bytes(32)
        signature = keys.sign_schnorr_bch(secret, digest)
        assert len(drawn) == len(set(drawn)) == 2
        key = secp256k1.public_key(secret)
        monkeypatch.undo()
        assert signature != keys.sign_schnorr_bch(secret, digest)
        assert secp256k1.verify_schnorr_bch(signature, digest, key)


class TestSignatures:
    DIGEST = hashlib.sha256(b"to sign").digest()

    def test_a_signature_is_deterministic_and_verifies(self):
        secret = secret_of("hot")
        first = keys.sign_ecdsa(secret, self.DIGEST)
        assert keys.sign_ecdsa(secret, self.DIGEST) == first
        assert secp256k1.verify_ecdsa(first, self.DIGEST, secp256k1.public_key(secret))

    def test_another_implementation_verifies_it_too(self):
        private = ec.derive_private_key(
            int.from_bytes(secret_of("hot"), "big"), ec.SECP256K1()
        )
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        signature = keys.sign_ecdsa(secret_of("hot"), self.DIGEST)
        private.public_key().verify(signature, self.DIGEST, algorithm)
        with pytest.raises(InvalidSignature):
            private.public_key().verify(signature, bytes(32), algorithm)

    def test_s_is_low_and_r_is_not_ground(self):
        lengths = set()
        for number in range(64):
            digest = hashlib.sha256(b"%d" % number).digest()
            signature = keys.sign_ecdsa(secret_of("hot"), digest)
            r, s = utils.decode_dss_signature(signature)
            assert s <= secp256k1.ORDER // 2
            lengths.add(r.bit_length() > 255)
        assert lengths == {True, False}

    def test_the_identity_is_ed25519_of_its_seed(self):
        seed = bytes.fromhex(
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
        )
        assert keys.identity_public(seed) == (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        )
