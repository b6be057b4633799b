"""Who is trusted, and what they are told: peers and manifest. Pure."""

import msgspec

from airgap_shared import documents
from airgap_shared.documents import Entry, Head, Identity, Manifest, Sealed
from airgap_shared.errors import RefusalError
from airgap_signer.wallet import Peer, Public


def check_role(identity: Identity, role: str) -> None:
    """Refuse an identity that is meant for another role; ``refusal.role``."""
    if identity.role != role:
        raise RefusalError(
            "refusal.role",
            f"this identity is a {identity.role}'s, not a {role}'s",
            "one key has one role",
        )


def with_peer(public: Public, sealed: Sealed[Identity], now: int) -> Public:
    """Return ``public`` with the identity trusted in its own role.

    Raises ``refusal.role`` when its key is the signer's own or has another role.
    """
    identity = sealed.document
    taken = identity.key == public.key or any(
        peer.key == identity.key and peer.role != identity.role for peer in public.peers
    )
    if taken:
        raise RefusalError("refusal.role", "this key has another role here already")
    peer = Peer(identity.role, identity.name, identity.key, sealed.fingerprint, now)
    others = tuple(p for p in public.peers if p.key != identity.key)
    return msgspec.structs.replace(public, peers=(*others, peer))


def without_peer(public: Public, gone: Peer) -> Public:
    """Return ``public`` without the peer ``gone``."""
    others = tuple(peer for peer in public.peers if peer != gone)
    return msgspec.structs.replace(public, peers=others)


def manifest(public: Public, head: Head, now: int) -> Manifest:
    """Return what the relay may know of every live entry, in order of its id."""
    live = (e for e in public.entries.values() if not e.retired and not e.kept)
    entries = tuple(
        Entry(
            signature_id=entry.signature_id,
            chain=entry.chain,
            network=entry.network,
            kind=entry.kind,
            public_key=entry.public_key,
            address=entry.address,
            xpub=entry.xpub,
        )
        for entry in sorted(live, key=lambda entry: entry.signature_id)
    )
    return documents.Manifest(
        signer=public.fingerprint(),
        number=public.manifest,
        created=now,
        head=head,
        entries=entries,
    )
