"""The values in the wallet storage: entries, peers and settings, and the secrets.

Pure: knows neither files nor encryption. The public half says who and what; the
secret half holds only what signs.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from airgap_shared import documents
from airgap_shared.chains import Network
from airgap_shared.documents import Entry, Hex32, Role, SignatureId
from airgap_shared.errors import StorageError
from airgap_shared.limits import MAX_ENTRIES

OWN_GAP = 1_000
"""Indexes beyond the highest exported one that still count as ours."""


class StoredEntry(Entry, frozen=True, kw_only=True):
    """An entry with what only the signer knows of it."""

    created: int
    highest: int = -1
    """Highest index whose address was given out."""
    retired: bool = False
    exposed: bool = False
    """Whether a private key of it has left the storage."""
    account: str = ""
    """Public key of a mnemonic's account, by which two networks are told apart."""
    kept: bool = False
    """Whether it is only kept as it came, for a chain that is not supported yet."""


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody whom a person paired, in one role."""

    role: Role
    name: str
    key: Hex32
    fingerprint: Hex32
    paired: int


class Public(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The public section: nothing here signs anything."""

    name: str
    key: Hex32
    """The signer's own Ed25519 key."""
    entries: dict[SignatureId, StoredEntry] = {}
    peers: tuple[Peer, ...] = ()
    manifest: int = 0
    """Number of the last manifest."""
    policy: Annotated[str, msgspec.Meta(max_length=1024 * 1024)] = ""
    """The policy file as it was set; empty for the default caution."""
    secret_digest: str = ""
    """SHA-256 of the encrypted secret section of the same generation."""

    def identity(self) -> documents.Identity:
        """Return the signer's public identity."""
        return documents.Identity(role="signer", name=self.name, key=self.key)

    def fingerprint(self) -> str:
        """Return the fingerprint of the signer's identity."""
        return documents.fingerprint(self.identity())

    def peer_name(self, key: str) -> str:
        """Return the name of a paired key."""
        return next(peer.name for peer in self.peers if peer.key == key)

    def entry(self, signature_id: str) -> StoredEntry:
        """Return a live entry; raises ``storage.no_entry``."""
        entry = self.entries.get(signature_id)
        if entry is None or entry.retired:
            raise StorageError(
                "storage.no_entry", f"no entry {signature_id} in the wallet storage"
            )
        return entry

    def usable(self, signature_id: str) -> StoredEntry:
        """Return a live entry of a supported chain; raises ``storage.kept`` too."""
        entry = self.entry(signature_id)
        if entry.kept:
            raise StorageError(
                "storage.kept",
                f"{entry.chain} is not supported yet: {signature_id} is only kept",
            )
        return entry

    def with_entries(self, added: dict[str, StoredEntry]) -> "Public":
        """Return the section with ``added`` entries.

        Raises ``storage.full``, and ``storage.key_reused`` when a public key would
        belong to two chains or networks of which one is a mainnet: where the signed
        digest names no network, what is signed for one is valid on the other.
        """
        if len(self.entries.keys() | added.keys()) > MAX_ENTRIES:
            raise StorageError(
                "storage.full",
                f"a wallet storage holds at most {MAX_ENTRIES} entries",
                "Tatum takes as many in one poll; use a second signer",
            )
        owners = Owners(self.entries.values())
        for entry in added.values():
            owners.add(entry)
        return msgspec.structs.replace(self, entries={**self.entries, **added})


class Secret(msgspec.Struct, frozen=True):
    """The secret section: the identity's seed, and each entry's secret as typed."""

    identity: bytes
    keys: dict[SignatureId, str]


class IdentitySecret(msgspec.Struct, frozen=True):
    """The secret section, read no further than the identity's seed."""

    identity: bytes


class Owners:
    """Which entry holds which public key; one key, one chain and network."""

    def __init__(self, entries: Iterable[StoredEntry]) -> None:
        """Take ``entries`` as they are."""
        self._by_key = {_key(e): e for e in entries if _key(e)}

    def add(self, entry: StoredEntry) -> None:
        """Add an entry; raises ``storage.key_reused``."""
        other = self._by_key.get(_key(entry))
        if other is not None and _must_not_share(entry, other):
            raise StorageError(
                "storage.key_reused",
                f"this key is stored for {other.chain} {other.network} already, "
                f"as {other.signature_id}",
                "use another key for each chain and network",
            )
        if _key(entry):
            self._by_key[_key(entry)] = entry


def _key(entry: StoredEntry) -> str:
    return entry.public_key or entry.account


def _must_not_share(one: StoredEntry, other: StoredEntry) -> bool:
    same = (one.chain, one.network) == (other.chain, other.network)
    networks: tuple[Network, Network] = (one.network, other.network)
    return not same and "mainnet" in networks
