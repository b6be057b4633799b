"""The Bitcoin family on the relay's side: Tatum's JSON → PSBT, and back to a txid.

Nothing that Tatum claims of a coin is believed when the previous transaction is
there to prove it; the signer decides what it accepts without one.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from airgap_relay.chains.base import Pending, Prepared, require_size
from airgap_shared import amounts, derivation
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry, KeyReference
from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcore, psbt
from airgap_shared.formats.bitcoin import script, spending, transaction
from airgap_shared.formats.bitcoin.script import ScriptType
from airgap_shared.formats.bitcoin.transaction import (
    MAX_MONEY,
    MAX_OUTPUTS,
    Input,
    OutPoint,
    Output,
    Transaction,
)
from airgap_shared.limits import MAX_INPUTS, MAX_PREVIOUS_TRANSACTION_BYTES

Hex = Annotated[str, Meta(pattern=r"\A([0-9a-fA-F]{2})*\Z")]
TxId = Annotated[str, Meta(pattern=r"\A[0-9a-fA-F]{64}\Z")]
UInt32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class _PreviousOutput(msgspec.Struct, frozen=True):
    hash: TxId
    index: UInt32


class _AnswerInput(msgspec.Struct, frozen=True):
    prevout: _PreviousOutput
    sequence: UInt32
    script: Hex = ""


class _AnswerOutput(msgspec.Struct, frozen=True):
    value: Annotated[int, Meta(ge=0, le=MAX_MONEY)]
    script: Hex


class _Fields(msgspec.Struct, frozen=True):
    """A transaction told field by field; scripts and amounts as on the wire."""

    # Some nodes tell the version as a signed number, as Bitcoin Core once did.
    version: Annotated[int, Meta(ge=-(2**31), le=2**32 - 1)]
    locktime: UInt32
    inputs: Annotated[tuple[_AnswerInput, ...], Meta(max_length=MAX_INPUTS)]
    outputs: Annotated[tuple[_AnswerOutput, ...], Meta(max_length=MAX_OUTPUTS)]


class _Bytes(msgspec.Struct, frozen=True):
    """A transaction told as its bytes, by one name or the other."""

    hex: str | None = None
    result: str | None = None


class BitcoinFamily:
    """BTC, and what shares its transactions."""

    def needs(self, pending: Pending) -> frozenset[str]:
        """Return the previous transaction of every input but taproot (BIP-341)."""
        claimed = bitcore.decode(pending.serialized_transaction)
        pairs = zip(claimed.unsigned.inputs, claimed.coins, strict=True)
        return frozenset(
            spent.out_point.tx_id
            for spent, coin in pairs
            if script.classify(coin.script) is not ScriptType.P2TR
        )

    def find(self, answer: bytes, tx_id: str) -> bytes | None:
        """Return the transaction without its witness when it hashes to ``tx_id``."""
        for read in (_from_bytes, _from_fields):
            try:
                found = read(answer)
            except ContractError:
                continue
            if found is not None and found.tx_id() == tx_id:
                return found.encode(witness=False)
        return None

    def prepare(
        self,
        pending: Pending,
        previous: Mapping[str, bytes],
        entries: Mapping[str, Entry],
        chain: Chain,
    ) -> Prepared:
        """Return the PSBT and its keys; raises ``contract.tatum.*``."""
        if pending.withdrawal_id:
            raise _error(
                "withdrawal", "withdrawals of virtual accounts are not supported"
            )
        claimed = bitcore.decode(pending.serialized_transaction)
        pairs = zip(claimed.unsigned.inputs, claimed.coins, strict=True)
        inputs = tuple(_psbt_input(spent, coin, previous) for spent, coin in pairs)
        keys = _keys(claimed.coins, _candidates(pending, entries, chain))
        payload = psbt.PSBT(claimed.unsigned, inputs).encode()
        return Prepared(require_size(payload), keys)

    def coins(self, payload: bytes) -> frozenset[str]:
        """Return the outpoints that ``payload`` spends."""
        unsigned = psbt.decode(payload).unsigned
        return frozenset(str(spent.out_point) for spent in unsigned.inputs)

    def matches(self, payload: bytes, signed: bytes) -> str:
        """Return the txid of ``signed``; raises ``contract.signed.*``."""
        container = psbt.decode(payload)
        try:
            transaction_signed = transaction.decode(signed)
        except ContractError as error:
            raise ContractError("contract.signed.malformed", str(error)) from error
        spending.verify(container.unsigned, _coins(container), transaction_signed)
        return transaction_signed.tx_id()

    def describe(self, payload: bytes, chain: Chain) -> dict[str, Any]:
        """Return inputs, outputs and fee, amounts in the unit people use."""
        container = psbt.decode(payload)
        unsigned, coins = container.unsigned, _coins(container)
        fee = sum(c.amount for c in coins) - sum(o.amount for o in unsigned.outputs)
        return {
            "inputs": [
                {"coin": str(spent.out_point), "proven": stated.previous is not None}
                | _paid(coin, chain)
                for spent, stated, coin in zip(
                    unsigned.inputs, container.inputs, coins, strict=True
                )
            ],
            "outputs": [_paid(output, chain) for output in unsigned.outputs],
            "fee": amounts.text(fee, chain.decimals),
        }


def _paid(output: Output, chain: Chain) -> dict[str, str | None]:
    return {
        "address": script.address(output.script, chain.bitcoin),
        "script": output.script.hex(),
        "amount": amounts.text(output.amount, chain.decimals),
    }


def _coins(container: psbt.PSBT) -> tuple[Output, ...]:
    """Return what is spent: proven where it is, claimed where nothing proves it."""
    coins = []
    for spent, stated in zip(container.unsigned.inputs, container.inputs, strict=True):
        if stated.previous is not None:
            coins.append(stated.previous.outputs[spent.out_point.index])
        else:
            # Every input that we prepare has one or the other.
            assert stated.claimed is not None
            coins.append(stated.claimed)
    return tuple(coins)


def _psbt_input(
    spent: Input, claimed: Output, previous: Mapping[str, bytes]
) -> psbt.PSBTInput:
    is_segwit = spending.spend_of(claimed.script).is_segwit
    raw = previous.get(spent.out_point.tx_id)
    if raw is None:
        return psbt.PSBTInput(claimed=claimed)
    if len(raw) > MAX_PREVIOUS_TRANSACTION_BYTES:
        raise _error(
            "too_large",
            f"previous transaction {spent.out_point.tx_id} has {len(raw)} bytes, "
            f"at most {MAX_PREVIOUS_TRANSACTION_BYTES} fit",
        )
    proof = transaction.decode(raw)
    _check_claim(spent.out_point, claimed, proof)
    return psbt.PSBTInput(proof, claimed if is_segwit else None)


def _check_claim(out_point: OutPoint, claimed: Output, proof: Transaction) -> None:
    if out_point.index >= len(proof.outputs):
        raise _error(
            "amount",
            f"{out_point} does not exist, the transaction has "
            f"{len(proof.outputs)} outputs",
        )
    true = proof.outputs[out_point.index]
    if true != claimed:
        raise _error(
            "amount",
            f"{out_point} is said to hold {claimed.amount} for script "
            f"{claimed.script.hex()[:80]}, but holds {true.amount} for "
            f"{true.script.hex()[:80]}",
        )


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
            raise _error("key_index", f"wallet {id_} is named without a key index")
        if id_ not in wallets:
            wallets[id_] = derivation.ExtendedKey(entry.xpub)
        reference = KeyReference(signature_id=id_, index=index)
        found.append((reference, wallets[id_].child(index)))
    return found


def _check_entry(entry: Entry, chain: Chain) -> None:
    if (entry.chain, entry.network) != (chain.code, chain.network):
        raise _error(
            "key_chain",
            f"key {entry.signature_id} is for {entry.chain} {entry.network}, "
            f"the transaction for {chain.code} {chain.network}",
        )


def _keys(
    coins: tuple[Output, ...], candidates: list[tuple[KeyReference, bytes]]
) -> tuple[KeyReference, ...]:
    """Return the keys that the inputs need, in their order, nothing twice."""
    by_script: dict[bytes, KeyReference] = {}
    for reference, key in candidates:
        for spendable in spending.scripts_of_key(key):
            by_script.setdefault(spendable, reference)
    missing = [i for i, coin in enumerate(coins) if coin.script not in by_script]
    if missing:
        raise _error(
            "key_missing", f"none of the keys named by Tatum spends input {missing[0]}"
        )
    return tuple(dict.fromkeys(by_script[coin.script] for coin in coins))


def _from_bytes(answer: bytes) -> Transaction | None:
    told = decode_json(answer, _Bytes, "answer")
    try:
        data = bytes.fromhex(told.hex or told.result or "")
    except ValueError:
        return None
    return transaction.decode(data) if data else None


def _from_fields(answer: bytes) -> Transaction:
    told = decode_json(answer, _Fields, "answer")
    inputs = (
        Input(
            OutPoint(i.prevout.hash.lower(), i.prevout.index),
            i.sequence,
            bytes.fromhex(i.script),
        )
        for i in told.inputs
    )
    outputs = (Output(o.value, bytes.fromhex(o.script)) for o in told.outputs)
    version = told.version % 2**32
    return Transaction(version, tuple(inputs), tuple(outputs), told.locktime)


def _error(reason: str, message: str) -> ContractError:
    return ContractError(f"contract.tatum.{reason}", f"Tatum's transaction: {message}")
