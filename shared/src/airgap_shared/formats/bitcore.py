"""Tatum's pending transaction of the Bitcoin family: the JSON of a bitcore object.

Liberal in fields that may come or go, strict in what they mean. Amounts and scripts
of the coins are Tatum's claims; nothing here believes them.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from airgap_shared import limits
from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin.script import ScriptType, classify
from airgap_shared.formats.bitcoin.transaction import (
    MAX_MONEY,
    MAX_OUTPUTS,
    Input,
    OutPoint,
    Output,
    Transaction,
)

Hex = Annotated[str, Meta(pattern=r"\A([0-9a-fA-F]{2})*\Z")]
UInt32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Satoshis = Annotated[int, Meta(ge=0, le=MAX_MONEY)]


class _Output(msgspec.Struct, frozen=True):
    satoshis: Satoshis
    script: Hex


class _Input(msgspec.Struct, frozen=True, rename="camel"):
    prev_tx_id: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    output_index: UInt32
    sequence_number: UInt32
    script: Hex = ""
    output: _Output | None = None


class _Transaction(msgspec.Struct, frozen=True):
    version: UInt32
    inputs: Annotated[
        tuple[_Input, ...], Meta(min_length=1, max_length=limits.MAX_INPUTS)
    ]
    outputs: Annotated[tuple[_Output, ...], Meta(min_length=1, max_length=MAX_OUTPUTS)]
    lock_time: UInt32 = msgspec.field(name="nLockTime")
    hash: str | None = None
    fee: int | None = None
    change_script: str | None = msgspec.field(name="changeScript", default=None)
    change_index: UInt32 | None = msgspec.field(name="changeIndex", default=None)


@dataclass(frozen=True, slots=True)
class BitcoreTransaction:
    """An unsigned transaction and what Tatum claims of the coins it spends."""

    unsigned: Transaction
    coins: tuple[Output, ...]
    fee: int | None = None
    """Tatum's claim of the fee; not every chain's original signer looked at it."""


def decode(text: str) -> BitcoreTransaction:
    """Return the transaction that ``serializedTransaction`` holds.

    Raises ``contract.tatum.malformed``, ``contract.tatum.hash``,
    ``contract.tatum.change``, ``contract.tatum.no_coin`` and
    ``contract.tatum.signed``.
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > limits.MAX_TATUM_JSON_BYTES:
        raise _error("malformed", f"{len(data)} bytes are over the limit")
    try:
        json = decode_json(data, _Transaction, "serializedTransaction")
    except ContractError as error:
        raise _error("malformed", str(error)) from error
    unsigned = Transaction(
        json.version,
        tuple(_input(i) for i in json.inputs),
        tuple(_output(o) for o in json.outputs),
        json.lock_time,
    )
    if json.hash is not None and json.hash != unsigned.tx_id():
        raise _error("hash", f"hash is {json.hash}, the fields give {unsigned.tx_id()}")
    _check_change(json, unsigned)
    return BitcoreTransaction(unsigned, _coins(json.inputs), json.fee)


def _input(json: _Input) -> Input:
    if json.script:
        raise _error("signed", f"input {json.prev_tx_id} carries a signature already")
    return Input(OutPoint(json.prev_tx_id, json.output_index), json.sequence_number)


def _output(json: _Output) -> Output:
    return Output(json.satoshis, bytes.fromhex(json.script))


def _coins(inputs: tuple[_Input, ...]) -> tuple[Output, ...]:
    coins = []
    for index, json in enumerate(inputs):
        if json.output is None:
            raise _error("no_coin", f"input {index} names neither amount nor script")
        coins.append(_output(json.output))
    return tuple(coins)


def _check_change(json: _Transaction, unsigned: Transaction) -> None:
    """Refuse a change index that points elsewhere, as bitcore's loader does.

    It takes index 0 for absent, so 0 proves nothing and is not checked.
    """
    if not json.change_index:
        return
    if json.change_index >= len(unsigned.outputs) or json.change_script not in _forms(
        unsigned.outputs[json.change_index].script
    ):
        raise _error(
            "change", f"output {json.change_index} does not pay to changeScript"
        )


def _forms(script: bytes) -> tuple[str, ...]:
    """Return ``script`` as hex and in bitcore's words."""
    match classify(script):
        case ScriptType.P2PKH:
            key_hash = script[3:23].hex()
            words = f"OP_DUP OP_HASH160 20 0x{key_hash} OP_EQUALVERIFY OP_CHECKSIG"
        case ScriptType.P2SH:
            words = f"OP_HASH160 20 0x{script[2:22].hex()} OP_EQUAL"
        case ScriptType.P2WPKH | ScriptType.P2WSH | ScriptType.P2TR:
            version = 0 if script[0] == 0 else 1
            words = f"OP_{version} {script[1]} 0x{script[2:].hex()}"
        case _:
            return (script.hex(),)
    return script.hex(), words


def _error(reason: str, message: str) -> ContractError:
    return ContractError(f"contract.tatum.{reason}", f"Tatum's transaction: {message}")
