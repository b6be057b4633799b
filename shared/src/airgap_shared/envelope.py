"""A signed document: type, raw payload, and Ed25519 signatures over both.

The payload stays raw bytes until its signature has been checked, so that nothing a
stranger wrote is ever parsed beyond this frame. Knows nothing of what documents mean.
See ``docs/spec/envelope.md``.
"""

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from airgap_shared.errors import ContractError
from airgap_shared.limits import MAX_DOCUMENT_BYTES

Key = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
SignatureHex = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{128}\Z")]
Type = Annotated[str, msgspec.Meta(pattern=r"\Aairgap\.[a-z-]{1,32}\.v[0-9]{1,4}\Z")]

T = TypeVar("T")

Sign = Callable[[bytes], bytes]
"""Signs a message with the author's Ed25519 key; 64 bytes (RFC 8032 §5.1.6)."""

_FIELD_PRIME = 2**255 - 19
_ORDER_EIGHT_Y = int(
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", 16
)
_SMALL_ORDER_Y = frozenset(
    {0, 1, _FIELD_PRIME - 1, _ORDER_EIGHT_Y, _FIELD_PRIME - _ORDER_EIGHT_Y}
)
"""y of the eight points of order 1, 2, 4 and 8: under such a key anybody can sign."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One author's signature."""

    key: Key
    signature: SignatureHex


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The frame; ``payload`` is canonical JSON that has not been looked at."""

    type: Type
    payload: msgspec.Raw
    signatures: Annotated[
        tuple[Signature, ...], msgspec.Meta(min_length=1, max_length=16)
    ]


def pre_authentication_encoding(type_: str, payload: bytes) -> bytes:
    """Return what is signed and fingerprinted (DSSE protocol, PAE).

    Both lengths and both texts, so that no type and payload read as another pair.
    """
    kind = type_.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def fingerprint(type_: str, payload: bytes) -> str:
    """Return the document's SHA-256, 64 hex digits; signatures do not change it."""
    return hashlib.sha256(pre_authentication_encoding(type_, payload)).hexdigest()


def code(digest: str, groups: int) -> str:
    """Return the first ``4 * groups`` hex digits, as a person reads them."""
    return "-".join(digest[4 * i : 4 * i + 4].upper() for i in range(groups))


def check_key(key: str) -> None:
    """Refuse an Ed25519 key that is not canonical or of small order.

    Raises ``contract.key``.
    """
    y = int.from_bytes(bytes.fromhex(key), "little") & (2**255 - 1)
    if y >= _FIELD_PRIME or y in _SMALL_ORDER_Y:
        raise ContractError(
            "contract.key", f"Ed25519 key {key} is not canonical or of small order"
        )


def verify(key: str, signature: str, message: bytes) -> bool:
    """Whether ``signature`` over ``message`` is ``key``'s (hex, RFC 8032 §5.1.7)."""
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    try:
        public.verify(bytes.fromhex(signature), message)
    except InvalidSignature:
        return False
    return True


def seal(type_: str, payload: bytes, key: str, sign: Sign) -> bytes:
    """Return the envelope of ``payload``, signed by ``key`` through ``sign``."""
    signature = sign(pre_authentication_encoding(type_, payload)).hex()
    frame = Envelope(type_, msgspec.Raw(payload), (Signature(key, signature),))
    return msgspec.json.encode(frame) + b"\n"


def unframe(data: bytes, expected_type: str) -> Envelope:
    """Return the frame of ``data``, its one signature verified.

    The author may be a stranger: the caller checks that before it reads the payload.

    Raises ``contract.too_large``, ``contract.malformed``, ``contract.version``,
    ``contract.type``, ``contract.not_canonical``, ``contract.not_authentic``.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ContractError(
            "contract.too_large",
            f"document has {len(data)} bytes, at most {MAX_DOCUMENT_BYTES} are read",
        )
    frame = decode_json(data, Envelope, "envelope")
    _check_type(frame.type, expected_type)
    if msgspec.json.encode(frame) + b"\n" != data:
        raise ContractError(
            "contract.not_canonical", f"envelope of {frame.type} is not canonical"
        )
    if len(frame.signatures) != 1:
        raise ContractError(
            "contract.not_authentic",
            f"document has {len(frame.signatures)} signatures, expected its author's",
        )
    author = frame.signatures[0]
    check_key(author.key)
    message = pre_authentication_encoding(frame.type, bytes(frame.payload))
    if not verify(author.key, author.signature, message):
        raise ContractError(
            "contract.not_authentic",
            f"the signature of {frame.type} does not verify",
            "the file was changed on its way; carry it again",
        )
    return frame


def decode_json(data: bytes, type_: type[T], what: str) -> T:
    """Decode strict JSON into ``type_``; raises ``contract.malformed``."""
    try:
        return msgspec.json.decode(data, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError("contract.malformed", f"{what}: {error}") from error


def _check_type(found: str, expected: str) -> None:
    if found == expected:
        return
    if found.rpartition(".")[0] == expected.rpartition(".")[0]:
        raise ContractError(
            "contract.version",
            f"document is {found}, this program reads {expected}",
            "use the same version of Airgap KMS on both sides",
        )
    raise ContractError("contract.type", f"document is {found}, expected {expected}")
