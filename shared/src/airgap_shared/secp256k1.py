"""libsecp256k1, really loaded: the digest of the library is compared first.

embit carries a prebuilt library and falls back to pure Python without a word when
it cannot load it: 60 times slower and open to timing. Importing this module either
gives the pinned native library or raises ``safety.secp256k1``. An edge: it reads
one file of its own installation.
"""

import hashlib
import platform
from pathlib import Path

import embit

from airgap_shared.errors import SafetyError

PINNED = {
    "x86_64": "602c643b17d7d863e801d4a4eca12711b2724698d0e2d822711fd724cf9b74c1",
    "aarch64": "2650b5111bbceff6daadd00bc9614f8b4079d71eebc2e311e76fb791b6cad0c7",
}
"""SHA-256 of the library in embit 0.8.0, by machine. Others are not vouched for."""

SECRET_BYTES = 32
"""Bytes of a private key and of a digest."""

SIGNATURE_BYTES = 64
"""Bytes of a Schnorr signature (BIP-340)."""


def library_digest() -> str:
    """Return the SHA-256 of the library that embit would load on this machine."""
    name = f"libsecp256k1_linux_{platform.machine()}.so"
    path = Path(embit.__path__[0]) / "util" / "prebuilt" / name
    if not path.is_file():
        raise SafetyError(
            "safety.secp256k1", f"no native libsecp256k1 for {platform.machine()}"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()


if library_digest() != PINNED.get(platform.machine()):
    raise SafetyError(
        "safety.secp256k1",
        f"libsecp256k1 has digest {library_digest()}, "
        f"expected {PINNED.get(platform.machine(), 'a known machine')}",
        "install embit 0.8.0 again from the project's lock file",
    )

from embit.util import ctypes_secp256k1
from embit.util import secp256k1 as embit_secp256k1

native = ctypes_secp256k1
"""The checked library's functions, 32-byte secrets and digests in, bytes out."""

ORDER = int("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
"""Order of the group (SEC 2, §2.4.1)."""

FIELD_PRIME = 2**256 - 2**32 - 977
"""Prime of the field (SEC 2, §2.4.1)."""


def require_native() -> None:
    """Refuse to go on when embit's own modules fell back to pure Python.

    Raises ``safety.secp256k1``. They load the library for themselves, without a
    word when that fails; by now it has been compared and loaded here.
    """
    if embit_secp256k1.ec_pubkey_create is not native.ec_pubkey_create:
        raise SafetyError("safety.secp256k1", "embit runs without libsecp256k1")


def parse_public_key(key: bytes) -> bytes:
    """Return the native form of a 33- or 65-byte public key.

    Raises ``ValueError`` when ``key`` is no point of the curve.
    """
    return bytes(native.ec_pubkey_parse(key))


def public_key(secret: bytes) -> bytes:
    """Return the compressed public key of a 32-byte secret."""
    return bytes(native.ec_pubkey_serialize(native.ec_pubkey_create(secret)))


def is_secret(secret: bytes) -> bool:
    """Whether ``secret`` is 32 bytes in the range [1, order)."""
    return len(secret) == SECRET_BYTES and 0 < int.from_bytes(secret, "big") < ORDER


def tagged_hash(tag: str, data: bytes) -> bytes:
    """Return the tagged SHA-256 of BIP-340."""
    prefix = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).digest()


def taproot_tweak(key: bytes) -> bytes:
    """Return what a key without scripts is tweaked with (BIP-341, BIP-86)."""
    return tagged_hash("TapTweak", key[1:])


def taproot_output_key(key: bytes) -> bytes:
    """Return the 32-byte output key of a compressed key without scripts (BIP-341)."""
    internal = parse_public_key(b"\x02" + key[1:])
    tweaked = native.ec_pubkey_add(internal, taproot_tweak(key))
    return bytes(native.ec_pubkey_serialize(tweaked))[1:]


def verify_schnorr(signature: bytes, digest: bytes, output_key: bytes) -> bool:
    """Whether a 64-byte signature over ``digest`` is the x-only key's (BIP-340)."""
    try:
        key = parse_public_key(b"\x02" + output_key)
    except ValueError:
        return False
    if len(signature) != SIGNATURE_BYTES:
        return False
    return bool(native.schnorrsig_verify(signature, digest, key))


def is_square(y: int) -> bool:
    """Whether ``y`` has a square root modulo the field's prime (Euler)."""
    return pow(y, (FIELD_PRIME - 1) // 2, FIELD_PRIME) == 1


def schnorr_bch_challenge(r: bytes, key: bytes, digest: bytes) -> bytes:
    """Return e of Bitcoin Cash's Schnorr signatures, reduced (2019-05-15 upgrade)."""
    e = int.from_bytes(hashlib.sha256(r + key + digest).digest(), "big") % ORDER
    return e.to_bytes(32, "big")


def verify_schnorr_bch(signature: bytes, digest: bytes, key: bytes) -> bool:
    """Whether a 64-byte signature is ``key``'s by Bitcoin Cash's 2019 rules.

    R = s*G - e*P must have r as its x, and a y that is a square.
    """
    r, s = signature[:32], signature[32:]
    if len(signature) != SIGNATURE_BYTES or not is_secret(s):
        return False
    minus_e = ORDER - int.from_bytes(schnorr_bch_challenge(r, key, digest), "big")
    try:
        # The library multiplies in place, hence the copy of the parsed key.
        product = bytes(bytearray(parse_public_key(key)))
        native.ec_pubkey_tweak_mul(product, minus_e.to_bytes(32, "big"))
        point = native.ec_pubkey_combine(native.ec_pubkey_create(s), product)
    except ValueError:
        return False
    xy = bytes(native.ec_pubkey_serialize(point, native.EC_UNCOMPRESSED))[1:]
    return xy[:32] == r and is_square(int.from_bytes(xy[32:], "big"))


def verify_ecdsa(signature: bytes, digest: bytes, key: bytes) -> bool:
    """Whether ``signature`` (strict DER, low S) over ``digest`` is ``key``'s.

    libsecp256k1 verifies only low S (BIP-146) and its DER parser is strict, so
    that one digest and key have a single accepted encoding of each signature.
    """
    try:
        parsed = native.ecdsa_signature_parse_der(signature)
        if native.ecdsa_signature_serialize_der(parsed) != signature:
            return False
        return bool(native.ecdsa_verify(parsed, digest, parse_public_key(key)))
    except ValueError:
        return False
