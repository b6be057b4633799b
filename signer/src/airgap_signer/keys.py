"""Key material: mnemonics, derivation and signatures. The only owner of secrets.

Nothing here decides anything; whoever calls has been through the whole ceremony.
BIP-32, BIP-39; ECDSA with RFC 6979 nonces and low S, never ground for a low R, so
that a second machine gives the same bytes and nothing can hide in a nonce.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from embit import base58, bip39, hashes

from airgap_shared import secp256k1
from airgap_shared.chains import Chain
from airgap_shared.derivation import child_digest
from airgap_shared.errors import StorageError

Random = Callable[[int], bytes]

SCHNORR_BCH = b"Schnorr+SHA256  "
"""What sets Schnorr's nonces apart from ECDSA's (Bitcoin Cash, 2019-05-15)."""

EVEN_Y = 0x02
"""First byte of a compressed public key whose y is even (SEC 1, §2.3.3)."""

HARDENED = 1 << 31
"""First number of a hardened child (BIP-32)."""

_WORDS = {word: number for number, word in enumerate(bip39.WORDLIST)}

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
    words = text.split()
    numbers = [_WORDS[word] for word in words if word in _WORDS]
    if len(numbers) != len(words) or not _is_checked(numbers):
        raise StorageError(
            "storage.bad_mnemonic",
            "these are not the words of a BIP-39 mnemonic, or one is mistyped",
        )
    return " ".join(words)


def _is_checked(numbers: list[int]) -> bool:
    """Whether the last word carries the checksum of the others (BIP-39)."""
    if len(numbers) not in (12, 15, 18, 21, 24):
        return False
    check_bits = len(numbers) // 3
    bits = 0
    for number in numbers:
        bits = bits << 11 | number
    entropy = (bits >> check_bits).to_bytes(4 * check_bits, "big")
    expected = hashlib.sha256(entropy).digest()[0] >> (8 - check_bits)
    return bits & (1 << check_bits) - 1 == expected


def xpub(mnemonic: str, chain: Chain) -> str:
    """Return the extended public key at the chain's path (BIP-32)."""
    account = _account(mnemonic, chain.path)
    data = chain.bitcoin.xpub_version + account.place + account.chain_code
    return str(base58.encode_check(data + secp256k1.public_key(account.secret)))


def child_secret(mnemonic: str, chain: Chain, index: int) -> bytes:
    """Return the private key of the non-hardened child ``index``."""
    return _child(_account(mnemonic, chain.path), index).secret


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


@dataclass(frozen=True, slots=True, repr=False)
class _Node:
    """An extended private key (BIP-32)."""

    secret: bytes
    chain_code: bytes
    place: bytes
    """Depth, fingerprint of the parent, and number, as they are serialized."""


def _child(node: _Node, number: int) -> _Node:
    key = secp256k1.public_key(node.secret)
    parent = b"\x00" + node.secret if number >= HARDENED else key
    added, chain_code = child_digest(node.chain_code, parent, number)
    secret = bytes(secp256k1.native.ec_privkey_add(node.secret, added))
    place = bytes([node.place[0] + 1]) + hashes.hash160(key)[:4]
    return _Node(secret, chain_code, place + number.to_bytes(4, "big"))


@lru_cache(maxsize=64)
def _seed(words: str) -> bytes:
    """Stretch a mnemonic once a run: 2,048 rounds of HMAC-SHA512 (BIP-39)."""
    return hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)


@lru_cache(maxsize=64)
def _account(mnemonic: str, path: str) -> _Node:
    """Derive a mnemonic's account at a chain's path (BIP-32)."""
    seed = _seed(" ".join(mnemonic.split()))
    digest = hmac.digest(b"Bitcoin seed", seed, "sha512")
    node = _Node(digest[:32], digest[32:], bytes(9))
    for step in path.split("/")[1:]:
        number = int(step.removesuffix("h"))
        node = _child(node, number + HARDENED if step.endswith("h") else number)
    return node
