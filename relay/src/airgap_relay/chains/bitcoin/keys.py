"""Which keys sign, as Tatum names them: on the chain, or for a virtual account."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from airgap_relay.chains.base import Pending, tatum_error
from airgap_shared import derivation
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry, KeyReference
from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import Input, Output
from airgap_shared.limits import MAX_INDEX

NO_INPUT = "-1"
"""``vIn`` of a response that is change and not an input."""

_WITHDRAWAL_ID = re.compile(r"[0-9a-f]{24}\Z")


class _Address(msgspec.Struct, frozen=True, rename="camel"):
    derivation_key: Annotated[int, Meta(ge=0, le=MAX_INDEX)] | None = None


class _Response(msgspec.Struct, frozen=True):
    """One input of a withdrawal, and the virtual account's address that it spends."""

    output: str = msgspec.field(name="vIn")
    index: int | None = msgspec.field(name="vInIndex", default=None)
    address: _Address | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key that signs: its name for the signer, and its public half."""

    reference: KeyReference
    public: bytes


def by_script(
    pending: Pending,
    coins: Sequence[Output],
    entries: Mapping[str, Entry],
    chain: Chain,
) -> list[Key]:
    """Return the key of each coin, whatever the order in which Tatum names them."""
    fitting: dict[bytes, Key] = {}
    for key in _found(dict.fromkeys(_named(pending)), entries, chain):
        if key is not None:  # Only a problem when an input then has no key.
            for spendable in RULES[chain.code].scripts_of_key(key.public):
                fitting.setdefault(spendable, key)
    for index, coin in enumerate(coins):
        if coin.script not in fitting:
            raise _missing(f"none of the keys named by Tatum spends input {index}")
    return [fitting[coin.script] for coin in coins]


def in_order(
    pending: Pending, count: int, entries: Mapping[str, Entry], chain: Chain
) -> list[Key]:
    """Return the key of each of ``count`` inputs: Tatum names one for each."""
    named = _named(pending)
    if len(named) > count:
        raise tatum_error("key_surplus", f"{len(named)} keys for {count} inputs")
    if len(named) < count:
        raise _missing(f"{len(named)} keys for {count} inputs")
    found = [key for key in _found(named, entries, chain) if key is not None]
    if len(found) < count:
        raise _missing("it names a key that the signer does not have")
    return found


def of_withdrawal(
    pending: Pending,
    spent: Sequence[Input],
    coins: Sequence[Output],
    entries: Mapping[str, Entry],
    chain: Chain,
) -> list[Key]:
    """Return the key of each input of a virtual account's withdrawal.

    Its responses say which; coins without a script are not told to have one.

    Raises ``contract.tatum.withdrawal`` and ``contract.tatum.key_missing``.
    """
    if not _WITHDRAWAL_ID.match(pending.withdrawal_id or ""):
        raise _withdrawal_error("its withdrawal id is not 24 hex digits")
    indexes = _indexes(pending, spent)
    entry = entries.get(pending.hashes[0]) if pending.hashes else None
    if entry is None or entry.kind != "mnemonic":
        raise _withdrawal_error("its first hash is no mnemonic wallet of the signer")
    _check_entry(entry, chain)
    id_, wallet = entry.signature_id, derivation.ExtendedKey(entry.xpub)
    keys = []
    for number, (coin, index) in enumerate(zip(coins, indexes, strict=True)):
        key = Key(KeyReference(signature_id=id_, index=index), wallet.child(index))
        if coin.script and not RULES[chain.code].can_spend(coin.script, key.public):
            raise _missing(
                f"input {number} is not spent by key {index} of wallet {id_}"
            )
        keys.append(key)
    return keys


def _indexes(pending: Pending, spent: Sequence[Input]) -> list[int]:
    """Return the derivation index of each input: one response names each of them."""
    try:
        raw = bytes(pending.withdrawal_responses)
        responses = decode_json(raw, tuple[_Response, ...], "withdrawalResponses")
    except ContractError as error:
        raise _withdrawal_error(str(error)) from error
    named = [
        ((response.output.lower(), response.index), response.address or _Address())
        for response in responses
        if response.output != NO_INPUT
    ]
    by_coin = dict(named)
    coins = [(each.out_point.tx_id, each.out_point.index) for each in spent]
    if len(by_coin) != len(named) or by_coin.keys() != set(coins):
        raise _withdrawal_error("its responses do not name each of its inputs once")
    return [by_coin[coin].derivation_key or 0 for coin in coins]


def _named(pending: Pending) -> list[tuple[str, int | None]]:
    """Return the keys that Tatum names, in the order in which the original signs."""
    derived = {key.id for key in pending.signatures or () if key.index is not None}
    named: list[tuple[str, int | None]]
    named = [(id_, None) for id_ in pending.hashes or () if id_ not in derived]
    return named + [(key.id, key.index) for key in pending.signatures or ()]


def _found(
    named: Iterable[tuple[str, int | None]],
    entries: Mapping[str, Entry],
    chain: Chain,
) -> Iterator[Key | None]:
    """Yield each of the keys; ``None`` for one that the signer does not have."""
    wallets: dict[str, derivation.ExtendedKey] = {}
    for id_, index in named:
        entry = entries.get(id_)
        if entry is None:
            yield None
            continue
        _check_entry(entry, chain)
        if entry.kind == "privateKey":
            public = bytes.fromhex(entry.public_key)
            yield Key(KeyReference(signature_id=id_), public)
            continue
        if index is None:
            raise tatum_error("key_index", f"wallet {id_} is named without a key index")
        if id_ not in wallets:
            wallets[id_] = derivation.ExtendedKey(entry.xpub)
        reference = KeyReference(signature_id=id_, index=index)
        yield Key(reference, wallets[id_].child(index))


def _check_entry(entry: Entry, chain: Chain) -> None:
    if (entry.chain, entry.network) != (chain.code, chain.network):
        raise tatum_error(
            "key_chain",
            f"key {entry.signature_id} is for {entry.chain} {entry.network}, "
            f"the transaction for {chain.code} {chain.network}",
        )


def _missing(what: str) -> ContractError:
    return tatum_error("key_missing", what)


def _withdrawal_error(what: str) -> ContractError:
    return tatum_error("withdrawal", f"the withdrawal cannot be signed: {what}")
