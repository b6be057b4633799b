"""Key material: mnemonics, derivation and signatures. The only owner of secrets.

Nothing here decides anything; whoever calls has been through the whole ceremony.
BIP-32, BIP-39; ECDSA with RFC 6979 nonces and low S, never ground for a low R, so
that a second machine gives the same bytes and nothing can hide in a nonce.
"""

import hmac
from collections.abc import Callable
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from embit import base58, bip39
from embit.bip32 import HDKey

from airgap_shared import secp256k1
from airgap_shared.chains import Chain
from airgap_shared.errors import StorageError

Random = Callable[[int], bytes]

SCHNORR_BCH = b"Schnorr+SHA256  "
"""What sets Schnorr's nonces apart from ECDSA's (Bitcoin Cash, 2019-05-15)."""

EVEN_Y = 0x02
"""First byte of a compressed public key whose y is even (SEC 1, §2.3.3)."""

MNEMONIC_BYTES = 32
"""Entropy of a fresh mnemonic: 24 words, as Tatum KMS makes them."""


def fresh_mnemonic(random: Random) -> str:
    """Return 24 English words of fresh entropy (BIP-39)."""
    return str(bip39.mnemonic_from_bytes(random(MNEMONIC_BYTES)))


def fresh_secret(random: Random) -> bytes:
    """Return a fresh private key, 32 bytes in [1, order)."""
    while not secp256k1.is_secret(secret := random(secp256k1.SECRET_BYTES)):
        pass
    return secret


def check_mnemonic(text: str) -> str:
    """Return ``text`` with single spaces; raises ``storage.bad_mnemonic``."""
    mnemonic = " ".join(text.split())
    if not bip39.mnemonic_is_valid(mnemonic):
        raise StorageError(
            "storage.bad_mnemonic",
            "these are not the words of a BIP-39 mnemonic, or one is mistyped",
        )
    return mnemonic


def xpub(mnemonic: str, chain: Chain) -> str:
    """Return the extended public key at the chain's path (BIP-32)."""
    # embit writes only versions that read xpub; Litecoin's reads Ltub.
    account = _account(mnemonic, chain.path).to_public()
    return str(base58.encode_check(account.serialize(chain.bitcoin.xpub_version)))


def child_secret(mnemonic: str, chain: Chain, index: int) -> bytes:
    """Return the private key of the non-hardened child ``index``."""
    return bytes(_account(mnemonic, chain.path).child(index).secret)


def sign_ecdsa(secret: bytes, digest: bytes) -> bytes:
    """Return the DER signature of a 32-byte digest (RFC 6979, low S)."""
    native = secp256k1.native
    return bytes(
        native.ecdsa_signature_serialize_der(native.ecdsa_sign(digest, secret))
    )


def sign_taproot(secret: bytes, digest: bytes) -> bytes:
    """Return the Schnorr signature of the secret's output key (BIP-340, BIP-341).

    Zeros stand for the auxiliary randomness: a second machine gives the same bytes.
    The scalars are negated and added inside libsecp256k1.
    """
    native = secp256k1.native
    key = secp256k1.public_key(secret)
    even = secret if key[0] == EVEN_Y else native.ec_privkey_negate(secret)
    tweaked = native.ec_privkey_add(even, secp256k1.taproot_tweak(key))
    return bytes(native.schnorrsig_sign(digest, tweaked, None, bytes(32)))


def sign_schnorr_bch(secret: bytes, digest: bytes) -> bytes:
    """Return Bitcoin Cash's Schnorr signature, 64 bytes (2019-05-15 upgrade).

    The nonce is RFC 6979's with the scheme's name after the digest, negated when
    y of its point is no square. Secret scalars meet only inside libsecp256k1.
    """
    native = secp256k1.native
    key = secp256k1.public_key(secret)
    nonce = _nonce(secret, digest + SCHNORR_BCH)
    point = native.ec_pubkey_serialize(
        native.ec_pubkey_create(nonce), native.EC_UNCOMPRESSED
    )
    r, y = bytes(point[1:33]), int.from_bytes(point[33:], "big")
    if not secp256k1.is_square(y):
        nonce = native.ec_privkey_negate(nonce)
    # The library multiplies in place, hence the copy.
    product = bytes(bytearray(secret))
    challenge = secp256k1.schnorr_bch_challenge(r, key, digest)
    native.ec_privkey_tweak_mul(product, challenge)
    return r + bytes(native.ec_privkey_add(product, nonce))


def _nonce(secret: bytes, seed: bytes) -> bytes:
    """Return the nonce of RFC 6979 §3.2 for HMAC-SHA256 and ``seed``."""
    v, k = b"\x01" * 32, bytes(32)
    for step in (b"\x00", b"\x01"):
        k = hmac.digest(k, v + step + secret + seed, "sha256")
        v = hmac.digest(k, v, "sha256")
    while True:
        v = hmac.digest(k, v, "sha256")
        if secp256k1.is_secret(v):
            return v
        k = hmac.digest(k, v + b"\x00", "sha256")
        v = hmac.digest(k, v, "sha256")


def identity_key(seed: bytes) -> Ed25519PrivateKey:
    """Return the signer's Ed25519 key of its 32-byte seed (RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def identity_public(seed: bytes) -> str:
    """Return the public key of ``seed``, hex."""
    return identity_key(seed).public_key().public_bytes_raw().hex()


@lru_cache(maxsize=64)
def _account(mnemonic: str, path: str) -> HDKey:
    """Derive a mnemonic's account once a run: 2,048 rounds of HMAC-SHA512."""
    secp256k1.require_native()
    return HDKey.from_seed(bip39.mnemonic_to_seed(mnemonic)).derive(path)
