"""A signed batch → journal. Nothing is taken before everything is verified."""

from collections.abc import Sequence
from dataclasses import dataclass

from airgap_relay.batching import Batch, Peer
from airgap_relay.journal import encode_keys
from airgap_relay.lifecycle import Change, Event, Item, Outcome, State, Version
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
    changes = [
        change
        for item, context in zip(
            answer.items, _contexts(relay, batch, answer), strict=True
        )
        if (change := _change(relay, item, context)) is not None
    ]
    outcomes = [Outcome(i.id, i.signed, i.tx_id) for i in answer.items]
    relay.journal.answer_batch(batch.id, outcomes, changes, heads, relay.now())
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
    chain, family = relay.chain(asked.chain)
    tx_id = family.matches(asked.payload, item.signed, chain)
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


@dataclass(frozen=True, slots=True)
class _Context:
    """What is known of an item whose answer arrives."""

    item: Item
    asked: int
    """The version that was in the batch."""
    batch: Batch
    versions: Sequence[Version]

    @property
    def version(self) -> Version:
        """What was asked for."""
        return next(v for v in self.versions if v.number == self.asked)

    @property
    def earlier(self) -> Version | None:
        """The newest signed version, when anything of the item was ever sent."""
        signed = [version for version in self.versions if version.signed]
        return signed[-1] if any(v.is_sent for v in signed) else None


def _contexts(relay: Relay, batch: Batch, answer: SignedBatch) -> list[_Context]:
    items = relay.journal.items_by_id(item.id for item in answer.items)
    asked = relay.journal.asked_in(batch.id)
    return [
        _Context(
            items[item.id],
            asked[item.id].version,
            batch,
            relay.journal.versions(item.id),
        )
        for item in answer.items
    ]


def _change(relay: Relay, item: SignedItem, known: _Context) -> Change | None:
    """Return what the answer changes of an item; ``None`` for nothing."""
    if item.refused:
        return _refused(item.refused, known)
    earlier = known.version.signed
    if earlier:
        if earlier != item.signed:
            raise ContractError(
                "contract.signed.differs",
                f"item {item.id} was signed before with other bytes",
                "keep both files and find out why the signer signed it twice",
            )
        return None
    state = known.item.state
    if state is State.CANCELLED:
        return _alarm(relay, item)
    if known.asked != known.item.version or state not in _AWAITED:
        # An older version: kept with it, since it can be paid by whoever holds it.
        return None
    values = {
        "signed": item.signed,
        "tx_id": item.tx_id,
        "error_code": "",
        "error_message": "",
    }
    return Change(item.id, state, (Event.SIGN,), values)


_AWAITED = frozenset({State.PREPARED, State.EXPORTED, State.REFUSED})
"""States in which the signature of the current version is news."""


def _refused(code: str, known: _Context) -> Change | None:
    item = known.item
    if item.state is not State.EXPORTED or item.batch != known.batch.id:
        # A newer batch may have its own answer; only the last one's refusal counts.
        return None
    message = f"refused by the signer: {code}"
    values = {"error_code": code, "error_message": message, "error_reported": False}
    earlier = known.earlier
    if earlier is None:
        return Change(item.id, State.EXPORTED, (Event.REFUSE,), values)
    values |= {
        "payload": earlier.payload,
        "keys": encode_keys(earlier.keys),
        "replaces": earlier.replaces,
        "version": earlier.number,
        "signed": earlier.signed,
        "tx_id": earlier.tx_id,
    }
    return Change(item.id, State.EXPORTED, (Event.FALL_BACK,), values)


def _alarm(relay: Relay, item: SignedItem) -> Change:
    """Keep the signature of a cancelled item, and say so; it is never sent."""
    message = f"signed as {item.tx_id} although it was cancelled"
    relay.note(f"ALARM: {item.id} was {message}")
    values = {"error_code": "contract.answer.cancelled", "error_message": message}
    return Change(item.id, State.CANCELLED, (), values)


def _error(reason: str, what: str) -> ContractError:
    return ContractError(f"contract.answer.{reason}", f"the signed batch: {what}")
