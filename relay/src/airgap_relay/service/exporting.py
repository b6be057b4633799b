"""What is prepared → unsigned batches."""

from dataclasses import dataclass

from airgap_relay.batching import Batch, Candidate, choose
from airgap_relay.lifecycle import Export
from airgap_relay.service.relay import Relay
from airgap_shared import documents
from airgap_shared.documents import UnsignedBatch, UnsignedItem
from airgap_shared.errors import UsageError
from airgap_shared.limits import MAX_BATCH_ITEMS, MAX_BATCH_SECONDS

DEFAULT_VALID_SECONDS = 48 * 3600
"""How long a batch waits for its answer: a weekend, not a holiday."""

BATCH_ID_BYTES = 12
"""Random bytes of a batch id, written as 24 hex digits like Tatum's own ids."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A batch that is in the journal and can be written."""

    batch: Batch
    items: int


def export(
    relay: Relay,
    limit: int = MAX_BATCH_ITEMS,
    valid_seconds: int = DEFAULT_VALID_SECONDS,
) -> Exported | None:
    """Make the next unsigned batch; ``None`` when there is nothing to sign.

    It is in the journal when this returns, and writing its file can be repeated.
    """
    signer, manifest = relay.signer(), relay.manifest()
    now = relay.now()
    exports = _next_exports(relay, now, limit)
    if not exports:
        return None
    document = UnsignedBatch(
        id=relay.random(BATCH_ID_BYTES).hex(),
        relay=relay.author.fingerprint,
        signer=signer.fingerprint,
        sequence=relay.journal.next_sequence(),
        created=now,
        expires=now + min(valid_seconds, MAX_BATCH_SECONDS),
        network=relay.network,
        manifest=manifest.number,
        items=tuple(_unsigned(export) for export in exports),
        seen=relay.journal.last_head(),
    )
    batch = Batch(
        id=document.id,
        sequence=document.sequence,
        created=document.created,
        expires=document.expires,
        fingerprint=documents.fingerprint(document),
        document=documents.seal(document, relay.author.key, relay.author.sign),
    )
    relay.journal.add_batch(batch, exports)
    return Exported(batch, len(exports))


def written_again(relay: Relay, batch_id: str) -> Exported:
    """Return an earlier batch, byte for byte; raises ``usage.batch``."""
    batch = relay.journal.batch(batch_id)
    if batch is None:
        raise UsageError(
            "usage.batch", f"this relay has made no batch {batch_id[:24]!r}"
        )
    return Exported(batch, len(read_batch(relay, batch).items))


def read_batch(relay: Relay, batch: Batch) -> UnsignedBatch:
    """Return a stored batch as a value."""
    trusted = [relay.author.key]
    return documents.unseal(batch.document, UnsignedBatch, trusted).document


def _next_exports(relay: Relay, now: int, limit: int) -> list[Export]:
    waiting = {item.id: item for item in relay.journal.waiting_for_signature(now)}
    coins = {
        item.id: relay.chain(item.chain)[1].coins(item.payload)
        for item in waiting.values()
    }
    candidates = (
        Candidate(item.id, len(item.payload), len(item.keys), coins[item.id])
        for item in waiting.values()
    )
    chosen = [waiting[id_] for id_ in choose(candidates, limit)]
    new = {item.id: coins[item.id] for item in chosen if not item.version}
    spenders = relay.journal.spenders(frozenset().union(*new.values()))
    exports = []
    for item in chosen:
        replaces = item.replaces
        others = {id_ for coin in new.get(item.id, ()) for id_ in spenders[coin]}
        if not replaces and others - {item.id}:
            # Tatum asks for coins that may be spent by what was exported before:
            # only one of the two can be paid, and the signer decides which.
            replaces = "tatum"
        exports.append(Export(item, replaces, coins[item.id]))
    return exports


def _unsigned(export: Export) -> UnsignedItem:
    item = export.item
    return UnsignedItem(
        id=item.id,
        chain=item.chain,
        keys=item.keys,
        payload=item.payload,
        source=item.source,
        replaces=export.replaces,
    )
