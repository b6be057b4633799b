"""The native library, and the one form of a signature that counts."""

import hashlib
import json
import runpy
from pathlib import Path

import pytest
from embit import ec
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import secp256k1
from airgap_shared.errors import SafetyError

SECRET = hashlib.sha256(b"test key").digest()
KEY = secp256k1.public_key(SECRET)
DIGEST = hashlib.sha256(b"message").digest()
SIGNATURE = ec.PrivateKey(SECRET).sign(DIGEST, grind=False).serialize()

WYCHEPROOF = (
    Path(__file__).parents[3]
    / "shared/vectors/wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json"
)


def test_the_library_is_the_pinned_one():
    assert secp256k1.library_digest() in secp256k1.PINNED.values()
    secp256k1.require_native()


def test_a_machine_without_a_known_library_is_refused(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "pdp11")
    with pytest.raises(SafetyError) as caught:
        secp256k1.library_digest()
    assert caught.value.code == "safety.secp256k1"


def test_a_silent_fallback_of_embit_is_refused(monkeypatch):
    monkeypatch.setattr("embit.util.secp256k1.ec_pubkey_create", lambda _: b"")
    with pytest.raises(SafetyError) as caught:
        secp256k1.require_native()
    assert caught.value.code == "safety.secp256k1"


def test_a_library_of_another_digest_is_not_loaded(monkeypatch):
    # The check runs when the module does, before it imports what loads the library.
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"another library")
    with pytest.raises(SafetyError) as caught:
        runpy.run_path(str(secp256k1.__file__))
    assert caught.value.code == "safety.secp256k1"


def test_a_public_key_is_that_of_an_independent_computation():
    # The generator point itself (SEC 2, §2.4.1) belongs to the secret 1.
    one = (1).to_bytes(32, "big")
    x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    assert secp256k1.public_key(one).hex() == "02" + x


@pytest.mark.parametrize(
    ("number", "valid"),
    [
        (0, False),
        (1, True),
        (secp256k1.ORDER - 1, True),
        (secp256k1.ORDER, False),
        (2**256 - 1, False),
    ],
)
def test_a_secret_lies_between_one_and_the_order(number, valid):
    assert secp256k1.is_secret(number.to_bytes(32, "big")) is valid


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_secret_has_32_bytes(size):
    assert not secp256k1.is_secret(b"\x01" * size)


@pytest.mark.parametrize(
    "key",
    [b"", KEY[:-1], KEY + b"\0", b"\x05" + KEY[1:], b"\x02" + b"\xff" * 32],
)
def test_what_is_no_point_is_refused(key):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words
        secp256k1.parse_public_key(key)


def test_a_true_signature_verifies_and_nothing_near_it():
    assert secp256k1.verify_ecdsa(SIGNATURE, DIGEST, KEY)
    assert not secp256k1.verify_ecdsa(SIGNATURE, hashlib.sha256(b"x").digest(), KEY)
    other = secp256k1.public_key(hashlib.sha256(b"other").digest())
    assert not secp256k1.verify_ecdsa(SIGNATURE, DIGEST, other)
    assert not secp256k1.verify_ecdsa(SIGNATURE, DIGEST, b"no key")


def test_every_flipped_bit_of_a_signature_is_refused():
    for at in range(len(SIGNATURE)):
        for bit in range(8):
            changed = bytearray(SIGNATURE)
            changed[at] ^= 1 << bit
            assert not secp256k1.verify_ecdsa(bytes(changed), DIGEST, KEY)


def test_the_high_s_twin_is_refused():
    size = SIGNATURE[3]
    r, s = SIGNATURE[4 : 4 + size], int.from_bytes(SIGNATURE[6 + size :], "big")
    twin = (secp256k1.ORDER - s).to_bytes(33, "big")
    body = b"\x02" + bytes([size]) + r + b"\x02\x21" + twin
    assert not secp256k1.verify_ecdsa(b"\x30" + bytes([len(body)]) + body, DIGEST, KEY)


class TestSchnorr:
    OUTPUT_KEY = secp256k1.taproot_output_key(KEY)
    SIGNATURE = ec.PrivateKey(SECRET).taproot_tweak().schnorr_sign(DIGEST).serialize()

    def test_the_output_key_is_that_of_bip_86(self):
        # Account 0, first receiving address.
        internal = "cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115"
        output = "a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"
        for prefix in ("02", "03"):
            key = bytes.fromhex(prefix + internal)
            assert secp256k1.taproot_output_key(key).hex() == output

    def test_a_true_signature_verifies(self):
        assert secp256k1.verify_schnorr(self.SIGNATURE, DIGEST, self.OUTPUT_KEY)

    def test_every_flipped_bit_is_refused(self):
        for at in range(len(self.SIGNATURE)):
            for bit in range(8):
                changed = bytearray(self.SIGNATURE)
                changed[at] ^= 1 << bit
                found = secp256k1.verify_schnorr(
                    bytes(changed), DIGEST, self.OUTPUT_KEY
                )
                assert not found

    def test_another_message_or_key_is_refused(self):
        other = hashlib.sha256(b"other").digest()
        assert not secp256k1.verify_schnorr(self.SIGNATURE, other, self.OUTPUT_KEY)
        for key in (KEY[1:], b"\xff" * 32, b"\x00" * 32):
            assert not secp256k1.verify_schnorr(self.SIGNATURE, DIGEST, key)

    @given(st.binary(max_size=70))
    def test_arbitrary_bytes_are_no_schnorr_signature(self, data):
        assert not secp256k1.verify_schnorr(data, DIGEST, self.OUTPUT_KEY)


class TestSchnorrOfBitcoinCash:
    """The first two vectors of the draft that Bitcoin Cash's 2019 rules took up."""

    VECTORS = (
        (
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "00" * 32,
            (
                "787a848e71043d280c50470e8e1532b2dd5d20ee912a45dbdd2bd1dfbf187ef6"
                "7031a98831859dc34dffeedda86831842ccd0079e1f92af177f7f22cc1dced05"
            ),
        ),
        (
            "02dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
            "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
            (
                "2a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d"
                "1e51a22ccec35599b8f266912281f8365ffc2d035a230434a1a64dc59f7013fd"
            ),
        ),
    )

    @pytest.mark.parametrize("vector", VECTORS)
    def test_the_published_signatures_verify(self, vector):
        key, digest, signature = map(bytes.fromhex, vector)
        before = bytes(key)
        assert secp256k1.verify_schnorr_bch(signature, digest, key)
        assert key == before

    @pytest.mark.parametrize("vector", VECTORS)
    def test_every_flipped_bit_is_refused(self, vector):
        key, digest, signature = map(bytes.fromhex, vector)
        for at in range(64):
            changed = bytearray(signature)
            changed[at] ^= 1 << at % 8
            assert not secp256k1.verify_schnorr_bch(bytes(changed), digest, key)
        assert not secp256k1.verify_schnorr_bch(signature, DIGEST, key)
        assert not secp256k1.verify_schnorr_bch(signature, digest, KEY)
        assert not secp256k1.verify_schnorr_bch(signature, digest, b"no key")

    def test_the_half_s_lies_below_the_order(self):
        key, digest, signature = map(bytes.fromhex, self.VECTORS[0])
        for s in (0, secp256k1.ORDER, 2**256 - 1):
            other = signature[:32] + s.to_bytes(32, "big")
            assert not secp256k1.verify_schnorr_bch(other, digest, key)

    @given(st.binary(max_size=70))
    def test_arbitrary_bytes_are_no_signature(self, data):
        assert not secp256k1.verify_schnorr_bch(data, DIGEST, KEY)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_no_signature(data):
    assert not secp256k1.verify_ecdsa(data, DIGEST, KEY)


@pytest.mark.skipif(
    not WYCHEPROOF.is_file(), reason="Wycheproof's vectors are not beside the project"
)
def test_wycheproofs_bitcoin_vectors_are_judged_as_they_say():
    wrong, count = [], 0
    for group in json.loads(WYCHEPROOF.read_text())["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["uncompressed"])
        for test in group["tests"]:
            digest = hashlib.sha256(bytes.fromhex(test["msg"])).digest()
            found = secp256k1.verify_ecdsa(bytes.fromhex(test["sig"]), digest, key)
            count += 1
            if found != (test["result"] == "valid"):
                wrong.append((test["tcId"], test["comment"]))
    assert wrong == []
    assert count == 463
