"""What every chain family does for the ceremony."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from airgap_shared.chains import Chain
from airgap_shared.documents import KeyReference, UnsignedItem
from airgap_signer.intent import Intent, Owner
from airgap_signer.wallet import StoredEntry

Secrets = Mapping[KeyReference, bytes]
"""Private keys by their reference."""

PublicKeys = Mapping[KeyReference, bytes]
"""Compressed public keys by their reference, in signing order."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Bytes that the network accepts, and the transaction's id."""

    data: bytes
    tx_id: str


class Reading(Protocol):
    """An item whose bytes were read and understood; nothing is signed yet."""

    @property
    def intent(self) -> Intent:
        """What it would do."""

    def sign(self, secrets: Secrets) -> Signed:
        """Sign, then verify as a stranger would; raises ``safety.signature``."""


class Ownership(Protocol):
    """Recognises outputs of ours on one chain and network."""

    def owner(
        self, script: bytes, keys: PublicKeys
    ) -> tuple[Owner, KeyReference | None]:
        """Return whose ``script`` is when ``keys`` pay, and which key spends it."""


class Family(Protocol):
    """One chain family."""

    def ownership(self, chain: Chain, entries: Sequence[StoredEntry]) -> Ownership:
        """Return what recognises our outputs, given all entries of ``chain``."""

    def read(
        self,
        chain: Chain,
        item: UnsignedItem,
        keys: PublicKeys,
        ours: Ownership,
        now: int,
    ) -> Reading:
        """Return what ``item`` would do; raises ``contract.*`` and ``refusal.*``."""

    def spends(self, key: bytes, script: bytes, chain: Chain) -> bool:
        """Whether ``key`` alone spends ``script``."""

    def destination(self, script: bytes, chain: Chain) -> str:
        """Return the address of ``script`` in full, or what stands in its place."""

    def address(self, key: bytes, chain: Chain) -> str:
        """Return the managed address of a public key."""

    def secret(self, text: str, chain: Chain) -> bytes:
        """Return the private key that ``text`` encodes; raises ``storage.bad_key``."""

    def secret_text(self, secret: bytes, chain: Chain) -> str:
        """Return the usual text of a private key."""
