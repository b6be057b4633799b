"""The ceremony: open -> decode -> evaluate -> confirm -> sign -> seal.

Start reading here. Bytes, the clock, the opened journal, the person and the secrets
come in as arguments; nothing here reads a file or waits. SECRETS ARE ASKED FOR ONLY
AFTER A PERSON HAS ACCEPTED WHAT WAS READ FROM THE VERY BYTES THAT GET SIGNED.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import msgspec

from airgap_shared import envelope, secp256k1
from airgap_shared.chains import Chain, lookup
from airgap_shared.derivation import ExtendedKey
from airgap_shared.documents import (
    Head,
    KeyReference,
    Sealed,
    SignedBatch,
    SignedItem,
    UnsignedBatch,
    UnsignedItem,
    head_message,
    unseal,
)
from airgap_shared.errors import (
    AirgapError,
    ContractError,
    RefusalError,
    SafetyError,
    UsageError,
)
from airgap_shared.limits import MAX_BATCH_SECONDS
from airgap_signer import chains, keys, memory
from airgap_signer.chains.base import Ownership, PublicKeys, Reading
from airgap_signer.memory import Memory, Record, SpentCoin
from airgap_signer.policy import Policy, evaluate
from airgap_signer.wallet import Public, StoredEntry


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
class ItemReview:
    """One item: what it would do, or why it is refused, or how it was answered."""

    item: UnsignedItem
    reading: Reading | None = None
    record: Record | None = None
    """The earlier answer, when this very request was signed before."""
    error: AirgapError | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """Everything a person needs to decide about one batch."""

    sealed: Sealed[UnsignedBatch]
    items: tuple[ItemReview, ...]
    now: int


Expose = Callable[[Collection[str]], Mapping[str, str]]
"""Gives the secret texts of these signature ids; called once, after confirmation."""


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
) -> Review:
    """Return what each item would do and whether it may be signed.

    A failure inside an item refuses that item alone.
    """
    batch = sealed.document
    ownerships: dict[Chain, Ownership] = {}
    items = [_read(item, batch, public, ownerships, now) for item in batch.items]
    coins = [i.reading.intent.coins if i.reading else () for i in items]
    references = [coin.reference for group in coins for coin in group]
    known = history.memory([item.id for item in batch.items], references)
    repeated = memory.repeated_coins(coins)
    judged = (_judge(item, known, repeated, policy) for item in items)
    return Review(sealed, tuple(judged), now)


def veto(review: Review, ids: Collection[str]) -> Review:
    """Return ``review`` with the items of ``ids`` refused by the person.

    Raises ``usage.no_item`` for an id that is not in the batch.
    """
    for strange in set(ids) - {item.item.id for item in review.items}:
        raise UsageError("usage.no_item", f"no item {strange} in this batch")
    error = RefusalError("refusal.operator", "vetoed by the person")
    items = (
        ItemReview(i.item, error=error) if i.item.id in ids else i for i in review.items
    )
    return replace(review, items=tuple(items))


def needed_entries(review: Review) -> set[str]:
    """Return the signature ids whose secrets signing this review needs."""
    references = {
        reference
        for item in review.items
        if item.reading and not item.record and not item.error
        for reference in _references(item.reading)
    }
    return {reference.signature_id for reference in references}


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
            answers.append(_answer(item.record))
        elif item.reading is not None:
            record = _sign(item.item, item.reading, public, secrets)
            records.append(record)
            answers.append(_answer(record))
    return answers, records


def detail(review: Review) -> Detail:
    """Return what the journal keeps of this ceremony beside the signed items."""
    batch = review.sealed.document
    refused = tuple((i.item.id, i.error.code) for i in review.items if i.error)
    return Detail(batch.relay, batch.sequence, review.sealed.fingerprint, refused)


def request_digest(item: UnsignedItem) -> str:
    """Return the digest of the bytes and of everything claimed about them."""
    request = msgspec.json.encode((item.chain, item.keys, item.payload))
    return hashlib.sha256(request).hexdigest()


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
        created=review.now,
        items=tuple(answers),
        head=head,
        links=tuple(links),
        software=software,
        self_test="passed",
    )


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


def _read(
    item: UnsignedItem,
    batch: UnsignedBatch,
    public: Public,
    ownerships: dict[Chain, Ownership],
    now: int,
) -> ItemReview:
    try:
        chain = lookup(item.chain, batch.network)
        family = chains.family(chain)
        public_keys = _public_keys(item, chain, public)
        if chain not in ownerships:
            ownerships[chain] = family.ownership(chain, _entries_of(chain, public))
        reading = family.read(chain, item, public_keys, ownerships[chain], now)
    except AirgapError as error:
        return ItemReview(item, error=error)
    except Exception as error:  # noqa: BLE001 - one item must not hold up a batch
        kind = type(error).__name__
        unreadable = ContractError("contract.unreadable", f"{kind} in our own reader")
        return ItemReview(item, error=unreadable)
    return ItemReview(item, reading)


def _entries_of(chain: Chain, public: Public) -> list[StoredEntry]:
    return [
        entry
        for entry in public.entries.values()
        if (entry.chain, entry.network) == (chain.code, chain.network)
        and not entry.retired
    ]


def _public_keys(item: UnsignedItem, chain: Chain, public: Public) -> PublicKeys:
    """Return the public key of each of the item's keys, in signing order."""
    found: dict[KeyReference, bytes] = {}
    for reference in item.keys:
        entry = public.entries.get(reference.signature_id)
        if entry is None or entry.retired:
            raise RefusalError(
                "refusal.key_missing", f"no entry {reference.signature_id} here"
            )
        if (entry.chain, entry.network) != (chain.code, chain.network):
            raise RefusalError(
                "refusal.wrong_chain",
                f"entry {reference.signature_id} is of {entry.chain} {entry.network}, "
                f"the item is of {chain.code} {chain.network}",
            )
        found[reference] = _public_key(entry, reference)
    return found


def _public_key(entry: StoredEntry, reference: KeyReference) -> bytes:
    if entry.kind == "privateKey":
        if reference.index is not None:
            raise RefusalError("refusal.key_index", "a private key has no index")
        return bytes.fromhex(entry.public_key)
    if reference.index is None:
        raise RefusalError("refusal.key_index", "a mnemonic needs an index")
    return _extended(entry.xpub).child(reference.index)


@lru_cache(maxsize=64)
def _extended(xpub: str) -> ExtendedKey:
    """Parse an extended key once for all items of its wallet."""
    return ExtendedKey(xpub)


def _judge(
    item: ItemReview, known: Memory, repeated: Mapping[str, int], policy: Policy
) -> ItemReview:
    if item.reading is None:
        return item
    intent = item.reading.intent
    try:
        request = request_digest(item.item)
        record = memory.recall(known, item.item.id, request, intent.coins)
        if record is not None:
            return replace(item, record=record)
        for coin in intent.coins:
            if coin.reference in repeated:
                raise RefusalError(
                    "refusal.batch_coin_twice",
                    f"another item of this batch spends {coin.reference} too",
                )
        evaluate(intent, policy)
    except AirgapError as error:
        return replace(item, error=error)
    return item


def _references(reading: Reading) -> list[KeyReference]:
    """Return every key that this item uses: to sign, and to prove own outputs."""
    intent = reading.intent
    owned = [payment.key for payment in intent.payments if payment.key is not None]
    return [*(coin.key for coin in intent.coins), *owned]


def _sign(
    item: UnsignedItem,
    reading: Reading,
    public: Public,
    secrets: Mapping[str, str],
) -> Record:
    intent = reading.intent
    family = chains.family(intent.chain)
    derived: dict[KeyReference, bytes] = {}
    for reference in dict.fromkeys(_references(reading)):
        entry = public.entries[reference.signature_id]
        derived[reference] = _secret(entry, reference, secrets, intent.chain)
    for payment in intent.payments:
        if payment.key is not None:
            key = secp256k1.public_key(derived[payment.key])
            if not family.spends(key, payment.script):
                raise _not_ours(f"an own output to {payment.destination}")
    signed = reading.sign(derived)
    coins = (SpentCoin(c.reference, c.amount, c.script) for c in intent.coins)
    return Record(
        item.id,
        intent.chain.code,
        intent.chain.network,
        request_digest(item),
        signed.tx_id,
        signed.data,
        tuple(coins),
    )


def _secret(
    entry: StoredEntry,
    reference: KeyReference,
    secrets: Mapping[str, str],
    chain: Chain,
) -> bytes:
    """Return a private key, its public key proven to be the stored one."""
    text = secrets[entry.signature_id]
    if entry.kind == "mnemonic":
        secret = keys.child_secret(text, chain, reference.index or 0)
    else:
        secret = chains.family(chain).secret(text, chain)
    if secp256k1.public_key(secret) != _public_key(entry, reference):
        raise _not_ours(f"the key of entry {entry.signature_id}")
    return secret


def _answer(record: Record) -> SignedItem:
    return SignedItem(id=record.tatum_id, signed=record.signed, tx_id=record.tx_id)


def _not_ours(what: str) -> SafetyError:
    return SafetyError(
        "safety.derivation", f"{what} derives to another public key than stored"
    )
