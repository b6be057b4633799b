"""One item of a batch: read it, judge it, sign it.

A failure inside an item refuses that item alone; a key that is not what the storage
says stops everything, for then nothing of the storage can be trusted.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import msgspec

from airgap_shared import secp256k1
from airgap_shared.chains import Chain, Network, lookup
from airgap_shared.derivation import ExtendedKey
from airgap_shared.documents import KeyReference, SignedItem, UnsignedItem
from airgap_shared.errors import AirgapError, ContractError, RefusalError, SafetyError
from airgap_signer import chains, keys, memory, replacement
from airgap_signer.chains.base import Ownership, PublicKeys, Reading
from airgap_signer.intent import Owner
from airgap_signer.memory import Memory, Paid, Record, SpentCoin
from airgap_signer.policy import Policy, evaluate
from airgap_signer.wallet import Public, StoredEntry


@dataclass(frozen=True, slots=True)
class ItemReview:
    """One item: what it would do, or why it is refused, or how it was answered."""

    item: UnsignedItem
    reading: Reading | None = None
    record: Record | None = None
    """The earlier answer, when this very request was signed before."""
    displaced: tuple[Record, ...] = ()
    """What it takes the place of, when a person asked for that."""
    error: AirgapError | None = None


def request_digest(item: UnsignedItem) -> str:
    """Return the digest of the bytes and of everything claimed about them."""
    request = msgspec.json.encode((item.chain, item.keys, item.payload))
    return hashlib.sha256(request).hexdigest()


def read(
    item: UnsignedItem,
    network: Network,
    public: Public,
    ownerships: dict[Chain, Ownership],
    now: int,
) -> ItemReview:
    """Return what ``item`` would do; ``ownerships`` is filled as chains appear."""
    try:
        chain = lookup(item.chain, network)
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


def judge(
    item: ItemReview,
    known: Memory,
    repeated: Mapping[str, int],
    policy: Policy,
    *,
    is_replacement: bool,
) -> ItemReview:
    """Return ``item`` as answered before, refused by memory or policy, or neither.

    ``is_replacement`` is a person's word that it may displace what was signed.
    """
    if item.reading is None:
        return item
    intent = item.reading.intent
    try:
        request = request_digest(item.item)
        answered = memory.answered(known, item.item.id, request)
        if answered is not None:
            return replace(item, record=answered)
        if is_replacement:
            displaced = replacement.check(known, item.item.id, intent)
            item = replace(item, displaced=displaced)
        else:
            memory.check_new(known, item.item.id, intent.coins)
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


def references(reading: Reading) -> list[KeyReference]:
    """Return every key that this item uses: to sign, and to prove own outputs."""
    intent = reading.intent
    owned = [payment.key for payment in intent.payments if payment.key is not None]
    return [*(coin.key for coin in intent.coins), *owned]


def sign(
    item: UnsignedItem,
    reading: Reading,
    public: Public,
    secrets: Mapping[str, str],
) -> Record:
    """Sign one item, every key and own output derived again and compared.

    Raises ``safety.derivation`` and ``safety.signature``.
    """
    intent = reading.intent
    family = chains.family(intent.chain)
    derived: dict[KeyReference, bytes] = {}
    for reference in dict.fromkeys(references(reading)):
        entry = public.entries[reference.signature_id]
        derived[reference] = _secret(entry, reference, secrets, intent.chain)
    for payment in intent.payments:
        if payment.key is not None:
            key = secp256k1.public_key(derived[payment.key])
            if not family.spends(key, payment.script, intent.chain):
                paid = family.destination(payment.script, intent.chain)
                raise _not_ours(f"the own output to {paid}")
    signed = reading.sign(derived)
    coins = (SpentCoin(c.reference, c.amount, c.script) for c in intent.coins)
    others = (p for p in intent.payments if p.owner is Owner.OTHERS)
    return Record(
        item.id,
        intent.chain.code,
        intent.chain.network,
        request_digest(item),
        signed.tx_id,
        signed.data,
        intent.fee,
        tuple(coins),
        tuple(Paid(payment.script, payment.amount) for payment in others),
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


def answer(record: Record) -> SignedItem:
    """Return the answer that ``record`` holds."""
    return SignedItem(id=record.tatum_id, signed=record.signed, tx_id=record.tx_id)


def _not_ours(what: str) -> SafetyError:
    return SafetyError(
        "safety.derivation", f"{what} derives to another public key than stored"
    )
