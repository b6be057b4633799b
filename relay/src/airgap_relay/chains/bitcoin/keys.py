"""Which keys sign, as Tatum names them: on the chain, or for a virtual account."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from airgap_relay.chains.base import Pending, tatum_error
from airgap_shared import derivation
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry, KeyReference
from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import spending
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


def of_transaction(
    pending: Pending,
    coins: Sequence[Output],
    entries: Mapping[str, Entry],
    chain: Chain,
) -> tuple[KeyReference, ...]:
    """Return the keys that the inputs need, in their order, nothing twice."""
    by_script: dict[bytes, KeyReference] = {}
    for reference, key in _candidates(pending, entries, chain):
        for spendable in spending.scripts_of_key(key):
            by_script.setdefault(spendable, reference)
    for index, coin in enumerate(coins):
        if coin.script not in by_script:
            raise tatum_error(
                "key_missing", f"none of the keys named by Tatum spends input {index}"
            )
    return tuple(dict.fromkeys(by_script[coin.script] for coin in coins))


def of_withdrawal(
    pending: Pending,
    spent: Sequence[Input],
    coins: Sequence[Output],
    entries: Mapping[str, Entry],
    chain: Chain,
) -> tuple[KeyReference, ...]:
    """Return the keys of a virtual account's withdrawal, as its responses say.

    Raises ``contract.tatum.withdrawal`` and ``contract.tatum.key_missing``.
    """
    if not _WITHDRAWAL_ID.match(pending.withdrawal_id or ""):
        raise _withdrawal_error("its withdrawal id is not 24 hex digits")
    indexes = _indexes(pending, spent)
    entry = entries.get(pending.hashes[0]) if pending.hashes else None
    if entry is None or entry.kind != "mnemonic":
        raise _withdrawal_error("its first hash is no mnemonic wallet of the signer")
    _check_entry(entry, chain)
    wallet = derivation.ExtendedKey(entry.xpub)
    for number, (coin, index) in enumerate(zip(coins, indexes, strict=True)):
        if not spending.can_spend(coin.script, wallet.child(index)):
            raise tatum_error(
                "key_missing",
                f"input {number} is not spent by key {index} of wallet "
                f"{entry.signature_id}",
            )
    id_ = entry.signature_id
    return tuple(
        KeyReference(signature_id=id_, index=i) for i in dict.fromkeys(indexes)
    )


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


def _candidates(
    pending: Pending, entries: Mapping[str, Entry], chain: Chain
) -> list[tuple[KeyReference, bytes]]:
    """Return the keys that Tatum names and the signer has, with their public keys."""
    derived = {key.id for key in pending.signatures or () if key.index is not None}
    named: list[tuple[str, int | None]]
    named = [(id_, None) for id_ in pending.hashes or () if id_ not in derived]
    named += [(key.id, key.index) for key in pending.signatures or ()]
    wallets: dict[str, derivation.ExtendedKey] = {}
    found = []
    for id_, index in dict.fromkeys(named):
        entry = entries.get(id_)
        if entry is None:
            continue  # Only a problem when an input then has no key.
        _check_entry(entry, chain)
        if entry.kind == "privateKey":
            reference = KeyReference(signature_id=id_)
            found.append((reference, bytes.fromhex(entry.public_key)))
            continue
        if index is None:
            raise tatum_error("key_index", f"wallet {id_} is named without a key index")
        if id_ not in wallets:
            wallets[id_] = derivation.ExtendedKey(entry.xpub)
        reference = KeyReference(signature_id=id_, index=index)
        found.append((reference, wallets[id_].child(index)))
    return found


def _check_entry(entry: Entry, chain: Chain) -> None:
    if (entry.chain, entry.network) != (chain.code, chain.network):
        raise tatum_error(
            "key_chain",
            f"key {entry.signature_id} is for {entry.chain} {entry.network}, "
            f"the transaction for {chain.code} {chain.network}",
        )


def _withdrawal_error(what: str) -> ContractError:
    return tatum_error("withdrawal", f"the withdrawal cannot be signed: {what}")
