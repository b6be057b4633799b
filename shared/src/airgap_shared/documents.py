"""The documents that cross the gap, as values that have passed every check.

Canonical JSON: fields in declared order, defaults omitted, no null, integers below
2^53, printable ASCII. Decoding encodes again and compares, so one value has one
byte string. See ``docs/spec/documents.md``.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from airgap_shared import envelope, limits
from airgap_shared.chains import Network
from airgap_shared.errors import ContractError

Hex32 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""32 bytes as lower-case hex: digests, fingerprints, transaction ids, keys."""
TatumId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{24}\Z")]
"""Tatum's id of a pending transaction."""
SignatureId = Annotated[
    str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
]
"""Tatum's name for a wallet entry, a UUID (RFC 9562)."""
Text = Annotated[str, Meta(pattern=r"\A[ -~]*\Z", max_length=limits.MAX_HINT)]
"""What a person may read: printable ASCII."""
Code = Annotated[str, Meta(pattern=r"\A[a-z0-9_.]{1,64}\Z")]
"""A stable error code."""
Count = Annotated[int, Meta(ge=0, le=limits.MAX_INTEGER)]
"""A number that JSON readers agree on."""
Seconds = Count
"""A moment, Unix seconds."""
ChainCode = Annotated[str, Meta(pattern=r"\A[A-Z]{2,8}\Z")]
"""A chain as Tatum calls it; whether it is known is for ``chains.lookup``."""
Role = Literal["signer", "relay", "approver", "administrator"]
"""What an identity may be trusted for. One key has one role."""


class _Document(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename="camel",
):
    """Common form of everything below."""


class Head(_Document, frozen=True, kw_only=True):
    """A signer's journal at one moment, under its own signature.

    The signature is over the pre-authentication encoding of type
    ``airgap.head.v1`` and the text ``<height> <head>``.
    """

    height: Count
    head: Hex32
    signature: envelope.SignatureHex


class Identity(_Document, frozen=True, kw_only=True):
    """Who somebody is; signed by its own key."""

    TYPE: ClassVar[str] = "airgap.identity.v1"
    role: Role
    name: Annotated[str, Meta(pattern=r"\A[ -~]+\Z", max_length=limits.MAX_NAME)]
    key: Hex32


class Entry(_Document, frozen=True, kw_only=True):
    """The public half of a wallet entry."""

    signature_id: SignatureId
    chain: ChainCode
    network: Network
    kind: Literal["privateKey", "mnemonic"]
    public_key: Annotated[str, Meta(pattern=r"\A(0[23][0-9a-f]{64})?\Z")] = ""
    """Compressed public key of a private key."""
    address: Annotated[str, Meta(pattern=r"\A[!-~]*\Z", max_length=128)] = ""
    xpub: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]*\Z", max_length=128)] = ""
    """Extended public key of a mnemonic, at the chain's path."""


class Manifest(_Document, frozen=True, kw_only=True):
    """What a signer holds; nothing secret. Tatum is polled by its signature ids."""

    TYPE: ClassVar[str] = "airgap.manifest.v1"
    signer: Hex32
    number: Count
    created: Seconds
    head: Head
    entries: Annotated[tuple[Entry, ...], Meta(max_length=limits.MAX_ENTRIES)]


class KeyReference(_Document, frozen=True, kw_only=True):
    """A key of an item: an entry, and for a mnemonic the child's index."""

    signature_id: SignatureId
    index: Annotated[int, Meta(ge=0, le=limits.MAX_INDEX)] | None = None


class UnsignedItem(_Document, frozen=True, kw_only=True):
    """One transaction to sign: the chain's own unsigned bytes, and claims about it."""

    id: TatumId
    chain: ChainCode
    keys: Annotated[tuple[KeyReference, ...], Meta(max_length=limits.MAX_KEYS)]
    payload: Annotated[bytes, Meta(max_length=limits.MAX_ITEM_BYTES)]
    source: Hex32
    """SHA-256 of Tatum's JSON, for the log alone."""
    replaces: Literal["", "tatum", "fee", "cancel"] = ""
    """Why the relay thinks that this replaces an earlier one."""
    hint: Text = ""
    """What the relay adds for people; shown as a claim."""


class UnsignedBatch(_Document, frozen=True, kw_only=True):
    """What the relay asks a signer to sign."""

    TYPE: ClassVar[str] = "airgap.unsigned-batch.v1"
    id: TatumId
    relay: Hex32
    signer: Hex32
    sequence: Count
    created: Seconds
    expires: Seconds
    network: Network
    manifest: Count
    """Number of the manifest that the relay prepared from."""
    items: Annotated[
        tuple[UnsignedItem, ...],
        Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS),
    ]
    seen: Head | None = None
    """The signer's last head that the relay has seen."""


class SignedItem(_Document, frozen=True, kw_only=True):
    """One item's answer: signed bytes and transaction id, or a refusal code."""

    id: TatumId
    signed: Annotated[bytes, Meta(max_length=limits.MAX_TRANSACTION_BYTES)] = b""
    tx_id: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]*\Z", max_length=128)] = ""
    refused: Annotated[str, Meta(pattern=r"\A[a-z0-9_.]{0,64}\Z")] = ""


class SignedBatch(_Document, frozen=True, kw_only=True):
    """What a signer answers to one unsigned batch."""

    TYPE: ClassVar[str] = "airgap.signed-batch.v1"
    batch: TatumId
    unsigned: Hex32
    """Fingerprint of the unsigned batch."""
    signer: Hex32
    relay: Hex32
    created: Seconds
    items: Annotated[
        tuple[SignedItem, ...], Meta(min_length=1, max_length=limits.MAX_BATCH_ITEMS)
    ]
    head: Head
    links: Annotated[tuple[Hex32, ...], Meta(max_length=limits.MAX_LINKS)]
    """Journal links after the head that the relay had seen, oldest first."""
    software: Hex32
    """Digest of the signer's software."""
    self_test: Code
    """``passed``, or the code of what failed."""


class ReceiptItem(_Document, frozen=True, kw_only=True):
    """How one item ended, as the relay says."""

    id: TatumId
    state: Annotated[str, Meta(pattern=r"\A[A-Z]{1,16}\Z")]
    tx_id: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]*\Z", max_length=128)] = ""


class Receipt(_Document, frozen=True, kw_only=True):
    """What became of signed items: a claim of the relay."""

    TYPE: ClassVar[str] = "airgap.receipt.v1"
    relay: Hex32
    signer: Hex32
    number: Count
    created: Seconds
    items: Annotated[tuple[ReceiptItem, ...], Meta(max_length=limits.MAX_BATCH_ITEMS)]


Document = Identity | Manifest | UnsignedBatch | SignedBatch | Receipt
D = TypeVar("D", Identity, Manifest, UnsignedBatch, SignedBatch, Receipt)


@dataclass(frozen=True, slots=True)
class Sealed(Generic[D]):
    """A document that was authentic and canonical, and who signed it."""

    document: D
    fingerprint: str
    key: str


def seal(document: Document, key: str, sign: envelope.Sign) -> bytes:
    """Return the file of ``document``, signed by ``key`` through ``sign``.

    Raises ``contract.too_large`` when it would not be read back.
    """
    data = envelope.seal(document.TYPE, msgspec.json.encode(document), key, sign)
    if len(data) > limits.MAX_DOCUMENT_BYTES:
        raise ContractError(
            "contract.too_large",
            f"document would have {len(data)} bytes, "
            f"at most {limits.MAX_DOCUMENT_BYTES} are read",
        )
    return data


def fingerprint(document: Document) -> str:
    """Return the fingerprint that ``document`` has on the other side."""
    return envelope.fingerprint(document.TYPE, msgspec.json.encode(document))


def unseal(data: bytes, type_: type[D], trusted: Collection[str]) -> Sealed[D]:
    """Return the document in ``data`` when one of the ``trusted`` keys signed it.

    Raises what ``envelope.unframe`` does, ``contract.stranger``,
    ``contract.malformed`` and ``contract.not_canonical``.
    """
    frame = envelope.unframe(data, type_.TYPE)
    key = frame.signatures[0].key
    if key not in trusted:
        raise ContractError(
            "contract.stranger",
            f"{type_.TYPE} is signed by {key[:16]}..., which is not paired for this",
            "pair the author's identity first, comparing its whole fingerprint",
        )
    return Sealed(_decode_payload(frame, type_), _fingerprint(frame), key)


def unseal_identity(data: bytes) -> Sealed[Identity]:
    """Return the identity in ``data``, signed by its own key; trusts nobody yet."""
    frame = envelope.unframe(data, Identity.TYPE)
    identity = _decode_payload(frame, Identity)
    if identity.key != frame.signatures[0].key:
        raise ContractError(
            "contract.not_authentic", "an identity must be signed by its own key"
        )
    return Sealed(identity, _fingerprint(frame), identity.key)


def head_message(height: int, head: str) -> bytes:
    """Return what the signer signs to vouch for its journal's head."""
    return envelope.pre_authentication_encoding(
        "airgap.head.v1", f"{height} {head}".encode()
    )


def next_head(head: str, link: str) -> str:
    """Return the journal head that follows ``head`` when ``link`` is appended."""
    data = b"airgap.link.v1" + bytes.fromhex(head) + bytes.fromhex(link)
    return hashlib.sha256(data).hexdigest()


def _fingerprint(frame: envelope.Envelope) -> str:
    return envelope.fingerprint(frame.type, bytes(frame.payload))


def _decode_payload(frame: envelope.Envelope, type_: type[D]) -> D:
    payload = bytes(frame.payload)
    document = envelope.decode_json(payload, type_, type_.TYPE)
    if msgspec.json.encode(document) != payload:
        raise ContractError(
            "contract.not_canonical", f"{type_.TYPE} is not in canonical form"
        )
    return document
