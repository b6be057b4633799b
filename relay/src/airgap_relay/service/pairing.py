"""Whom the relay trusts, and what that signer says it holds."""

from airgap_relay.batching import Peer, StoredManifest
from airgap_relay.service.relay import Relay
from airgap_shared import documents, envelope
from airgap_shared.documents import Entry, Head, Identity, Manifest, Sealed
from airgap_shared.errors import ContractError, RefusalError


def read_signer(data: bytes) -> Sealed[Identity]:
    """Return the signer's identity in ``data``; raises ``contract.role``."""
    identity = documents.unseal_identity(data)
    if identity.document.role != "signer":
        raise ContractError(
            "contract.role",
            f"the identity is a {identity.document.role}'s, expected a signer's",
        )
    return identity


def is_paired(relay: Relay, identity: Sealed[Identity]) -> bool:
    """Whether this very signer is paired; ``refusal.paired`` when another one is."""
    known = relay.journal.peer("signer")
    if known is None:
        return False
    if (known.key, known.fingerprint) == (identity.key, identity.fingerprint):
        return True
    raise RefusalError(
        "refusal.paired",
        f"this relay is paired with signer {envelope.code(known.fingerprint, 5)}",
        "one relay serves one signer; use another --home for another signer",
    )


def accept_signer(relay: Relay, identity: Sealed[Identity]) -> None:
    """Trust a signer whose code a person has compared."""
    if is_paired(relay, identity):
        return
    name = identity.document.name
    relay.journal.add_peer(Peer("signer", identity.key, identity.fingerprint, name))


def accept_manifest(relay: Relay, data: bytes) -> Manifest:
    """Take in the signer's list of wallet entries.

    Raises ``contract.manifest.*`` and ``contract.head``.
    """
    signer = relay.signer()
    sealed = documents.unseal(data, Manifest, [signer.key])
    manifest = sealed.document
    if manifest.signer != signer.fingerprint:
        raise ContractError(
            "contract.manifest.signer", "the manifest names another signer's identity"
        )
    _check_entries(manifest.entries)
    check_head(relay, signer, manifest.head)
    stored = relay.journal.manifest()
    if stored is not None:
        _check_number(stored, manifest.number, sealed.fingerprint)
    new = StoredManifest(manifest.number, sealed.fingerprint, data)
    relay.journal.add_manifest(new, manifest.head)
    return manifest


def check_head(relay: Relay, signer: Peer, head: Head) -> None:
    """Accept a journal head that the signer signed and that fits what was seen."""
    message = documents.head_message(head.height, head.head)
    if not envelope.verify(signer.key, head.signature, message):
        raise head_error(f"the signature over the head at {head.height} is wrong")
    known = relay.journal.heads(head.height, head.height).get(head.height)
    if known is not None and known != head.head:
        raise head_error(f"another head was seen at height {head.height}")


def head_error(what: str) -> ContractError:
    """Return the error for a signer's journal that is not the one seen so far."""
    return ContractError(
        "contract.head",
        f"the signer's journal does not continue what this relay has seen: {what}",
        "the signer's disk may have been rolled back; find out before you go on",
    )


def _check_number(stored: StoredManifest, number: int, fingerprint: str) -> None:
    if number < stored.number:
        raise ContractError(
            "contract.manifest.older",
            f"the manifest has number {number}, this relay has number {stored.number}",
            "write a new one with airgap-signer manifest",
        )
    if number == stored.number and fingerprint != stored.fingerprint:
        raise ContractError(
            "contract.manifest.changed",
            f"another manifest with number {number} is here already",
            "write a new one with airgap-signer manifest",
        )


def _check_entries(entries: tuple[Entry, ...]) -> None:
    seen = set()
    for entry in entries:
        has_key = entry.public_key if entry.kind == "privateKey" else entry.xpub
        if not has_key or entry.signature_id in seen:
            raise ContractError(
                "contract.manifest.entry",
                f"wallet entry {entry.signature_id} has no public key or comes twice",
            )
        seen.add(entry.signature_id)
