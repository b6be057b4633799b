"""What a batch is made from, and which items form the next. Pure: values only."""

from collections.abc import Iterable
from dataclasses import dataclass

from airgap_shared.limits import MAX_BATCH_ITEMS, MAX_DOCUMENT_BYTES

FRAME_BYTES = 16 * 1024
"""Room for the envelope and the batch's own fields; they take about 1 kB."""

ITEM_BYTES = 1024
"""Room for an item's own fields: ids, digest, names, a hint; they take about 600."""

KEY_BYTES = 96
"""Room for one key reference: a UUID, an index and their names take 82."""


@dataclass(frozen=True, slots=True)
class Batch:
    """An unsigned batch as it was written."""

    id: str
    sequence: int
    created: int
    expires: int
    fingerprint: str
    document: bytes
    answered: int | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom this relay trusts in a role."""

    role: str
    key: str
    fingerprint: str
    name: str


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """The last list of the signer's wallet entries."""

    number: int
    fingerprint: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """What counts of an item that waits to be signed."""

    id: str
    payload_bytes: int
    keys: int
    coins: frozenset[str]
    """What it spends, as ``txid:index``."""

    def document_bytes(self) -> int:
        """Return what it takes in a document at most; payloads are base64 there."""
        payload = 4 * ((self.payload_bytes + 2) // 3)
        return payload + ITEM_BYTES + KEY_BYTES * self.keys


def choose(
    candidates: Iterable[Candidate],
    limit: int = MAX_BATCH_ITEMS,
    max_bytes: int = MAX_DOCUMENT_BYTES,
) -> list[str]:
    """Return the ids of the next batch, in the order given.

    An item that shares a coin with one already chosen waits, because only one of
    the two can ever be paid; one that does not fit waits for the batch after.
    """
    chosen: list[str] = []
    spent: set[str] = set()
    room = max_bytes - FRAME_BYTES
    for candidate in candidates:
        if len(chosen) >= min(limit, MAX_BATCH_ITEMS):
            break
        size = candidate.document_bytes()
        if size > room or not spent.isdisjoint(candidate.coins):
            continue
        chosen.append(candidate.id)
        spent |= candidate.coins
        room -= size
    return chosen
