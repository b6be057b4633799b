"""What every step of the relay works with."""

from collections.abc import Callable
from dataclasses import dataclass

from airgap_relay.batching import Peer, StoredManifest
from airgap_relay.chains import FAMILIES
from airgap_relay.chains.base import Family
from airgap_relay.config import Author
from airgap_relay.journal import Journal
from airgap_relay.lifecycle import Item
from airgap_shared import chains, documents
from airgap_shared.chains import Chain, Network
from airgap_shared.documents import Manifest
from airgap_shared.errors import UsageError

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""


def _silent(_what: str, _done: int, _total: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay: its memory, its identity, and its senses."""

    journal: Journal
    author: Author
    network: Network
    now: Callable[[], int]
    """The time, Unix seconds."""
    random: Callable[[int], bytes]
    note: Callable[[str], None]
    """Tells the person something that is not the result."""
    progress: Progress = _silent

    def signer(self) -> Peer:
        """Return the paired signer; raises ``usage.not_paired``."""
        peer = self.journal.peer("signer")
        if peer is None:
            raise UsageError(
                "usage.not_paired",
                "no signer is paired with this relay",
                "run airgap-relay pair with the signer's identity file",
            )
        return peer

    def manifest(self) -> Manifest:
        """Return the signer's last list; raises ``usage.no_manifest``."""
        stored = self.journal.manifest()
        if stored is None:
            raise UsageError(
                "usage.no_manifest",
                "the signer's list of wallet entries is not here yet",
                "run airgap-relay manifest with the file that the signer wrote",
            )
        return self.read_manifest(stored)

    def read_manifest(self, stored: StoredManifest) -> Manifest:
        """Return a stored manifest as a value."""
        trusted = [self.signer().key]
        return documents.unseal(stored.document, Manifest, trusted).document

    def item(self, id_: str) -> Item:
        """Return one item; raises ``usage.id``."""
        item = self.journal.item(id_)
        if item is None:
            raise UsageError("usage.id", f"the journal has no transaction {id_[:64]!r}")
        return item

    def chain(self, code: str) -> tuple[Chain, Family]:
        """Return a chain of this network and its family's code."""
        chain = chains.lookup(code, self.network)
        return chain, FAMILIES[chain.family]
