"""A signed batch → journal. Nothing is taken before everything is verified."""

from collections.abc import Mapping
from dataclasses import dataclass

from airgap_relay.batching import Batch, Peer
from airgap_relay.lifecycle import Change, Event, Item, State
from airgap_relay.service.exporting import read_batch
from airgap_relay.service.pairing import check_head, head_error
from airgap_relay.service.relay import Relay
from airgap_shared import documents
from airgap_shared.documents import (
    Head,
    SignedBatch,
    SignedItem,
    UnsignedBatch,
    UnsignedItem,
)
from airgap_shared.errors import ContractError


@dataclass(frozen=True, slots=True)
class Imported:
    """What an answer held."""

    batch: str
    signed: int
    refused: int


def import_(relay: Relay, data: bytes) -> Imported:
    """Take in a signed batch, wholly or not at all; again gives the same result.

    The answer to a batch that has expired is taken too: what was signed can be paid
    by whoever holds the bytes, so it is better known here.

    Raises ``contract.*``.
    """
    signer = relay.signer()
    answer = documents.unseal(data, SignedBatch, [signer.key]).document
    batch, unsigned = _question(relay, signer, answer)
    for asked, item in zip(unsigned.items, answer.items, strict=True):
        _check_item(relay, asked, item)
    heads = _heads(relay, signer, unsigned.seen, answer)
    stored = relay.journal.items_by_id(item.id for item in answer.items)
    changes = [_change(item, stored[item.id], batch) for item in answer.items]
    changed = [change for change in changes if change is not None]
    relay.journal.answer_batch(batch.id, changed, heads, relay.now())
    refused = sum(bool(item.refused) for item in answer.items)
    return Imported(batch.id, len(answer.items) - refused, refused)


def _question(
    relay: Relay, signer: Peer, answer: SignedBatch
) -> tuple[Batch, UnsignedBatch]:
    """Return the batch that is answered."""
    batch = relay.journal.batch(answer.batch)
    if batch is None:
        raise _error("batch", f"this relay has made no batch {answer.batch}")
    if answer.unsigned != batch.fingerprint:
        raise _error("unsigned", f"it answers other bytes than those of {batch.id}")
    if answer.relay != relay.author.fingerprint:
        raise _error("relay", "it is addressed to another relay")
    if answer.signer != signer.fingerprint:
        raise _error("signer", "it names another signer's identity")
    unsigned = read_batch(relay, batch)
    if [item.id for item in answer.items] != [item.id for item in unsigned.items]:
        raise _error("items", f"its items are not those of batch {batch.id}, in order")
    return batch, unsigned


def _check_item(relay: Relay, asked: UnsignedItem, item: SignedItem) -> None:
    """Accept an item that is signed or refused, and signed as it was asked."""
    if item.refused:
        if item.signed or item.tx_id:
            raise _error("both", f"item {item.id} is both signed and refused")
        return
    if not item.signed:
        raise _error("neither", f"item {item.id} is neither signed nor refused")
    _chain, family = relay.chain(asked.chain)
    tx_id = family.matches(asked.payload, item.signed)
    if tx_id != item.tx_id:
        raise ContractError(
            "contract.signed.tx_id",
            f"item {item.id} is said to be {item.tx_id}, its bytes are {tx_id}",
        )


def _heads(
    relay: Relay, signer: Peer, seen: Head | None, answer: SignedBatch
) -> dict[int, Head]:
    """Return the signer's heads from the one that its batch told, to the last."""
    if seen is None:
        raise head_error("the batch told the signer no head to go on from")
    known = relay.journal.heads(seen.height, seen.height + len(answer.links))
    height, head = seen.height, seen.head
    heads: dict[int, Head] = {}
    for link in answer.links:
        height, head = height + 1, documents.next_head(head, link)
        if known.get(height, head) != head:
            raise head_error(f"another head was seen at height {height}")
        heads[height] = Head(height=height, head=head, signature="")
    if (answer.head.height, answer.head.head) != (height, head):
        raise head_error(f"its links end at height {height} with another head")
    check_head(relay, signer, answer.head)
    return heads | {height: answer.head}


def _change(item: SignedItem, stored: Item, batch: Batch) -> Change | None:
    """Return what the answer changes of an item; ``None`` for nothing."""
    if item.refused:
        # A newer batch may have its own answer; only the last one's refusal counts.
        if stored.state is not State.EXPORTED or stored.batch != batch.id:
            return None
        message = f"refused by the signer: {item.refused}"
        values: Mapping[str, object]
        values = {"error_code": item.refused, "error_message": message}
        return Change(item.id, State.EXPORTED, (Event.REFUSE,), values)
    if stored.signed:
        if stored.signed != item.signed:
            raise ContractError(
                "contract.signed.differs",
                f"item {item.id} was signed before with other bytes",
                "keep both files and find out why the signer signed it twice",
            )
        return None
    values = {
        "signed": item.signed,
        "tx_id": item.tx_id,
        "error_code": "",
        "error_message": "",
    }
    return Change(item.id, stored.state, (Event.SIGN,), values)


def _error(reason: str, what: str) -> ContractError:
    return ContractError(f"contract.answer.{reason}", f"the signed batch: {what}")
