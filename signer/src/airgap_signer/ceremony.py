"""The ceremony: open -> decode -> evaluate -> confirm -> sign -> seal.

Start reading here. Bytes, the clock, the opened journal, the person and the secrets
come in as arguments; nothing here reads a file or waits. SECRETS ARE ASKED FOR ONLY
AFTER A PERSON HAS ACCEPTED WHAT WAS READ FROM THE VERY BYTES THAT GET SIGNED.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from airgap_shared import envelope
from airgap_shared.chains import Chain
from airgap_shared.documents import (
    Head,
    Sealed,
    SignedBatch,
    SignedItem,
    UnsignedBatch,
    head_message,
    unseal,
)
from airgap_shared.errors import RefusalError, SafetyError, UsageError
from airgap_shared.limits import MAX_BATCH_SECONDS
from airgap_signer import memory, replacement
from airgap_signer.chains.base import Ownership
from airgap_signer.items import ItemReview, answer, judge, read, references, sign
from airgap_signer.memory import Memory, Record
from airgap_signer.policy import Policy
from airgap_signer.wallet import Public


class History(Protocol):
    """What the ceremony asks of the journal."""

    def head_at(self, height: int) -> str | None:
        """Return the head at ``height``; ``None`` beyond the end."""

    def details(self, kind: str) -> list[str]:
        """Return the details of all entries of ``kind``."""

    def memory(self, tatum_ids: Sequence[str], references: Sequence[str]) -> Memory:
        """Return every record that shares a Tatum id or a coin with these."""


class Detail(msgspec.Struct, frozen=True):
    """What the journal keeps of a ceremony beside the signed items."""

    relay: str
    sequence: int
    unsigned: str
    refused: tuple[tuple[str, str], ...]
    """Tatum id and code of each item that was refused."""


@dataclass(frozen=True, slots=True)
class Review:
    """Everything a person needs to decide about one batch."""

    sealed: Sealed[UnsignedBatch]
    items: tuple[ItemReview, ...]
    at: int
    """When it was made, Unix seconds."""


def open_batch(data: bytes, public: Public) -> Sealed[UnsignedBatch]:
    """Return the batch in ``data``: authentic, canonical and meant for this signer.

    Raises ``contract.*``, and ``refusal.recipient`` for another signer's batch.
    """
    relays = {peer.key: peer for peer in public.peers if peer.role == "relay"}
    sealed = unseal(data, UnsignedBatch, relays)
    batch = sealed.document
    if batch.signer != public.fingerprint():
        raise RefusalError(
            "refusal.recipient",
            f"this batch is for signer {envelope.code(batch.signer, 5)}, "
            f"this one is {envelope.code(public.fingerprint(), 5)}",
        )
    if batch.relay != relays[sealed.key].fingerprint:
        raise RefusalError(
            "refusal.sender", "the batch names another relay than the one that signed"
        )
    return sealed


def check_batch(
    sealed: Sealed[UnsignedBatch], public: Public, history: History, now: int
) -> None:
    """Check what concerns the batch as a whole.

    Raises ``refusal.expired``, ``refusal.lifetime``, ``refusal.replay``,
    ``refusal.item_twice``, ``contract.head`` and ``safety.journal_forked``.
    """
    batch = sealed.document
    if batch.expires < now:
        raise RefusalError(
            "refusal.expired",
            f"the batch expired {now - batch.expires} s ago",
            "export it again; what it holds keeps its bytes",
        )
    if (
        batch.expires - batch.created > MAX_BATCH_SECONDS
        or batch.expires < batch.created
    ):
        raise RefusalError(
            "refusal.lifetime",
            f"the batch would live {batch.expires - batch.created} s, "
            f"at most {MAX_BATCH_SECONDS} are accepted",
        )
    if len({item.id for item in batch.items}) != len(batch.items):
        raise RefusalError("refusal.item_twice", "an item is in the batch twice")
    for text in history.details("sign"):
        earlier = msgspec.json.decode(text, type=Detail)
        used = (earlier.relay, earlier.sequence) == (batch.relay, batch.sequence)
        if used and earlier.unsigned != sealed.fingerprint:
            raise RefusalError(
                "refusal.replay",
                f"sequence {batch.sequence} was used by another batch of this relay",
            )
    if batch.seen is not None:
        _check_head(batch.seen, public, history)


def review_batch(
    sealed: Sealed[UnsignedBatch],
    public: Public,
    policy: Policy,
    history: History,
    now: int,
    *,
    replaces: Collection[str] = (),
) -> Review:
    """Return what each item would do and whether it may be signed.

    ``replaces`` names items that may displace what was signed before. A failure
    inside an item refuses that item alone. Raises ``usage.no_item``.
    """
    batch = sealed.document
    _check_named(batch, replaces)
    ownerships: dict[Chain, Ownership] = {}
    items = [read(item, batch.network, public, ownerships, now) for item in batch.items]
    coins = [i.reading.intent.coins if i.reading else () for i in items]
    references = [coin.reference for group in coins for coin in group]
    ids = [item.id for item in batch.items]
    known = history.memory(ids, references)
    if replaces:
        displaced = replacement.displaced_ids(known)
        known = history.memory([*ids, *sorted(displaced)], references)
    repeated = memory.repeated_coins(coins)
    judged = [
        judge(item, known, repeated, policy, is_replacement=item.item.id in replaces)
        for item in items
    ]
    return Review(sealed, _without_rivals(judged), now)


def veto(review: Review, ids: Collection[str]) -> Review:
    """Return ``review`` with the items of ``ids`` refused by the person.

    Raises ``usage.no_item`` for an id that is not in the batch.
    """
    _check_named(review.sealed.document, ids)
    error = RefusalError("refusal.operator", "vetoed by the person")
    items = (
        ItemReview(i.item, error=error) if i.item.id in ids else i for i in review.items
    )
    return replace(review, items=tuple(items))


def needed_entries(review: Review) -> set[str]:
    """Return the signature ids whose secrets signing this review needs."""
    return {
        reference.signature_id
        for item in review.items
        if item.reading and not item.record and not item.error
        for reference in references(item.reading)
    }


def sign_items(
    review: Review, public: Public, secrets: Mapping[str, str]
) -> tuple[list[SignedItem], list[Record]]:
    """Sign what may be signed; return all answers and the new records.

    Raises ``safety.*`` for the whole batch when a key or an own output is not what
    the public section says: then nothing of the storage can be trusted.
    """
    answers: list[SignedItem] = []
    records: list[Record] = []
    for item in review.items:
        if item.error is not None:
            answers.append(SignedItem(id=item.item.id, refused=item.error.code))
        elif item.record is not None:
            answers.append(answer(item.record))
        else:
            assert item.reading is not None
            record = sign(item.item, item.reading, public, secrets)
            records.append(record)
            answers.append(answer(record))
    return answers, records


def detail(review: Review) -> Detail:
    """Return what the journal keeps of this ceremony beside the signed items."""
    batch = review.sealed.document
    refused = tuple((i.item.id, i.error.code) for i in review.items if i.error)
    return Detail(batch.relay, batch.sequence, review.sealed.fingerprint, refused)


def signed_head(height: int, head: str, sign: envelope.Sign) -> Head:
    """Return the journal's head under the signer's signature."""
    signature = sign(head_message(height, head)).hex()
    return Head(height=height, head=head, signature=signature)


def answer_batch(
    review: Review,
    answers: Sequence[SignedItem],
    head: Head,
    links: Sequence[str],
    software: str,
) -> SignedBatch:
    """Return the signed batch that answers ``review``."""
    batch = review.sealed.document
    return SignedBatch(
        batch=batch.id,
        unsigned=review.sealed.fingerprint,
        signer=batch.signer,
        relay=batch.relay,
        created=review.at,
        items=tuple(answers),
        head=head,
        links=tuple(links),
        software=software,
        self_test="passed",
    )


def _without_rivals(items: Sequence[ItemReview]) -> tuple[ItemReview, ...]:
    """Refuse replacements that would displace the same item side by side."""
    contested = replacement.contested_ids(i.displaced for i in items if not i.error)
    checked = []
    for item in items:
        shared = [r.tatum_id for r in item.displaced if r.tatum_id in contested]
        if shared and not item.error:
            error = RefusalError(
                "refusal.replace.twice",
                f"another item of this batch replaces {shared[0]} too",
                "sign one of them, then ask again for the other",
            )
            checked.append(replace(item, error=error))
        else:
            checked.append(item)
    return tuple(checked)


def _check_named(batch: UnsignedBatch, ids: Collection[str]) -> None:
    for strange in set(ids) - {item.id for item in batch.items}:
        raise UsageError("usage.no_item", f"no item {strange} in this batch")


def _check_head(seen: Head, public: Public, history: History) -> None:
    """Stop when the relay has seen this signer vouch for a history it has not."""
    message = head_message(seen.height, seen.head)
    if not envelope.verify(public.key, seen.signature, message):
        raise RefusalError(
            "refusal.head", "the journal head in the batch is not signed by this signer"
        )
    if history.head_at(seen.height) != seen.head:
        raise SafetyError(
            "safety.journal_forked",
            f"this signer once signed a journal head at height {seen.height} "
            "that its journal does not know",
            "an older copy of this machine was put back; do not sign with it",
        )
