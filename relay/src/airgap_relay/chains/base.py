"""What the relay asks of a chain family, and Tatum's pending transaction as a value.

A family knows its bytes and nothing of network, journal or time. Its modules have
the same names on both sides; the table of families is in this package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from airgap_shared.chains import Chain
from airgap_shared.documents import ChainCode, Entry, KeyReference, TatumId
from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.limits import MAX_INDEX, MAX_ITEM_BYTES, MAX_KEYS

Name = Annotated[str, Meta(max_length=128)]


class Derived(msgspec.Struct, frozen=True):
    """A key that Tatum asks for by wallet and derivation index."""

    id: Name
    index: Annotated[int, Meta(ge=0, le=MAX_INDEX)] | None = None


class Pending(msgspec.Struct, frozen=True, rename="camel"):
    """What Tatum asks to sign. Fields that mean nothing to us may come and go."""

    id: TatumId
    chain: ChainCode
    serialized_transaction: str
    hashes: Annotated[tuple[Name, ...], Meta(max_length=MAX_KEYS)] | None = None
    signatures: Annotated[tuple[Derived, ...], Meta(max_length=MAX_KEYS)] | None = None
    withdrawal_id: Name | None = None
    withdrawal_responses: msgspec.Raw = msgspec.Raw(b"null")
    """Looked at only when it is a virtual account's withdrawal."""
    tx_id: Name | None = None


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """The little that must be readable to keep track of a pending transaction."""

    id: TatumId
    chain: str = ""
    tx_id: str | None = None
    withdrawal_id: str | None = None


def decode_pending(raw: bytes) -> Pending:
    """Return Tatum's pending transaction; raises ``contract.tatum.malformed``."""
    try:
        return decode_json(raw, Pending, "pending transaction")
    except ContractError as error:
        raise ContractError("contract.tatum.malformed", str(error)) from error


@dataclass(frozen=True, slots=True)
class Prepared:
    """The unsigned bytes that cross the gap, and the keys that sign them in order."""

    payload: bytes
    keys: tuple[KeyReference, ...]


@dataclass(frozen=True, slots=True)
class Bump:
    """What a person wishes of a replacement."""

    fees: tuple[int, ...]
    """What every earlier version pays: the new one has to pay more."""
    paying: frozenset[str]
    """Signature ids of the keys that pay."""
    fee: int | None = None
    """Base units."""
    fee_rate: int | None = None
    """Base units a virtual byte."""
    is_cancel: bool = False
    """Everything comes back to us."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another version of a payment."""

    payload: bytes
    fee: int


class Family(Protocol):
    """What differs from one chain family to the next."""

    def needs(self, pending: Pending) -> frozenset[str]:
        """Return the ids of the transactions that prove what is being spent."""
        ...

    def find(self, answer: bytes, tx_id: str) -> bytes | None:
        """Return the bytes of transaction ``tx_id`` when ``answer`` proves them."""
        ...

    def is_confirmed(self, answer: bytes) -> bool:
        """Whether ``answer`` says that a transaction is in a block."""
        ...

    def prepare(
        self,
        pending: Pending,
        previous: Mapping[str, bytes],
        entries: Mapping[str, Entry],
        chain: Chain,
    ) -> Prepared:
        """Return what is to be signed; ``previous`` has only what was found."""
        ...

    def replace(
        self, payload: bytes, wish: Bump, entries: Mapping[str, Entry], chain: Chain
    ) -> Replaced:
        """Return the version of ``payload`` that a person wishes for."""
        ...

    def fee(self, payload: bytes) -> int:
        """Return what ``payload`` pays to miners, base units."""
        ...

    def coins(self, payload: bytes) -> frozenset[str]:
        """Return what ``payload`` spends, as ``txid:index``."""
        ...

    def spends(self, data: bytes) -> frozenset[str]:
        """Return what a transaction's bytes spend, as ``txid:index``."""
        ...

    def matches(self, payload: bytes, signed: bytes, chain: Chain) -> str:
        """Return the id of ``signed`` when it is ``payload`` plus valid signatures."""
        ...

    def describe(self, payload: bytes, chain: Chain) -> dict[str, Any]:
        """Return amounts and addresses of ``payload`` for people."""
        ...


def tatum_error(reason: str, message: str) -> ContractError:
    """Return the error for a pending transaction that cannot be prepared."""
    return ContractError(f"contract.tatum.{reason}", f"Tatum's transaction: {message}")


def require_size(payload: bytes) -> bytes:
    """Return ``payload`` unless it is too large for any batch."""
    if len(payload) > MAX_ITEM_BYTES:
        raise ContractError(
            "contract.tatum.too_large",
            f"the unsigned transaction with its previous transactions has "
            f"{len(payload)} bytes, at most {MAX_ITEM_BYTES} fit",
        )
    return payload
