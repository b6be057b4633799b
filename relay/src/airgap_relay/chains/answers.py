"""What Tatum and nodes of the Bitcoin family answer about a transaction.

Three forms: bytes, a bcoin node's fields (BTC, LTC), Bitcoin Core's fields (DOGE,
BCH). Whatever is told, only what hashes to the id that was asked for is believed.
"""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.transaction import (
    MAX_MONEY,
    MAX_OUTPUTS,
    Input,
    OutPoint,
    Output,
    Reader,
    Transaction,
    malformed,
)
from airgap_shared.limits import MAX_INPUTS

MWEB_FLAG = 0x08
"""Beside the witness's 0x01, after the same marker: a MimbleWimble part follows."""

OUT_POINT_BYTES = 36
DECIMALS = 8

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


class _NodeScript(msgspec.Struct, frozen=True):
    hex: Hex


class _NodeInput(msgspec.Struct, frozen=True, rename={"script": "scriptSig"}):
    sequence: UInt32
    txid: TxId | None = None
    vout: UInt32 | None = None
    script: _NodeScript | None = None
    coinbase: Hex | None = None
    """Its script, when the input makes new coins; then there is nothing else."""


class _NodeOutput(msgspec.Struct, frozen=True, rename={"script": "scriptPubKey"}):
    value: Decimal
    """In coins: exact only when read digit by digit."""
    n: UInt32
    script: _NodeScript


class _NodeFields(msgspec.Struct, frozen=True):
    """A transaction as Bitcoin Core's ``getrawtransaction`` tells it."""

    version: Annotated[int, Meta(ge=-(2**31), le=2**32 - 1)]
    locktime: UInt32
    vin: Annotated[tuple[_NodeInput, ...], Meta(max_length=MAX_INPUTS)]
    vout: Annotated[tuple[_NodeOutput, ...], Meta(max_length=MAX_OUTPUTS)]


class _Bytes(msgspec.Struct, frozen=True):
    """A transaction told as its bytes, by one name or the other."""

    hex: str | None = None
    result: str | None = None


class _Place(msgspec.Struct, frozen=True, rename="camel"):
    """Where a transaction is; left out, or null, for one that waits."""

    block_number: int | None = None
    block_hash: str | None = msgspec.field(name="blockhash", default=None)
    """As Bitcoin Core tells it."""
    confirmations: int = 1
    """Negative when the block was displaced by another."""


def find(answer: bytes, tx_id: str) -> Transaction | None:
    """Return the transaction that ``answer`` tells when it hashes to ``tx_id``."""
    for read in (_from_bytes, _from_fields, _from_node_fields):
        try:
            found = read(answer)
        except ContractError:
            continue
        if found is not None and found.tx_id() == tx_id:
            return found
    return None


def is_confirmed(answer: bytes) -> bool:
    """Whether ``answer`` names a block."""
    try:
        place = decode_json(answer, _Place, "answer")
    except ContractError:
        return False
    if place.block_number is not None:
        return place.block_number >= 0
    return bool(place.block_hash) and place.confirmations > 0


def _from_bytes(answer: bytes) -> Transaction | None:
    told = decode_json(answer, _Bytes, "answer")
    try:
        data = bytes.fromhex(told.hex or told.result or "")
    except ValueError:
        return None
    return transaction.decode(_without_mweb(data)) if data else None


def _without_mweb(data: bytes) -> bytes:
    """Return a Litecoin transaction without its MWEB part, others as they are.

    It stands between witness and lock time (LIP-0002 to LIP-0004), in the mempool
    with contents of its own, in the last transaction of a block as a zero byte. The
    id counts neither it nor the witness, so both go.
    """
    reader = Reader(data)
    version, marker, flags = reader.take(4), reader.take(1), reader.integer(1)
    if marker != b"\x00" or not flags & MWEB_FLAG:
        return data
    for _ in range(reader.compact_size(MAX_INPUTS)):
        reader.take(OUT_POINT_BYTES)
        reader.bytes_(len(data))
        reader.take(4)
    for _ in range(reader.compact_size(MAX_OUTPUTS)):
        reader.take(8)
        reader.bytes_(len(data))
    body = data[6 : len(data) - reader.remaining]
    reader.take(4)
    return version + body + data[-4:]


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


def _from_node_fields(answer: bytes) -> Transaction:
    told = decode_json(answer, _NodeFields, "answer")
    inputs = tuple(_node_input(i) for i in told.vin)
    if [o.n for o in told.vout] != list(range(len(told.vout))):
        raise malformed("has its outputs out of order")
    outputs = (
        Output(_base_units(o.value), bytes.fromhex(o.script.hex)) for o in told.vout
    )
    return Transaction(told.version % 2**32, inputs, tuple(outputs), told.locktime)


def _node_input(told: _NodeInput) -> Input:
    if told.coinbase is not None:
        script = bytes.fromhex(told.coinbase)
        return Input(OutPoint("00" * 32, 2**32 - 1), told.sequence, script)
    if told.txid is None or told.vout is None:
        raise malformed("has an input that spends nothing")
    script = bytes.fromhex(told.script.hex) if told.script else b""
    return Input(OutPoint(told.txid.lower(), told.vout), told.sequence, script)


def _base_units(value: Decimal) -> int:
    """Return an amount in coins of eight decimals; all of the family has eight."""
    exponent = value.as_tuple().exponent  # a word when it is no number
    if not isinstance(exponent, int) or exponent < -DECIMALS:
        raise malformed("has an output that is no whole number of base units")
    # Comparing is exact and bounds the digits, so that shifting does not round.
    if not 0 <= value <= MAX_MONEY or value.scaleb(DECIMALS) > MAX_MONEY:
        raise malformed("has an output beyond 63 bits")
    return int(value.scaleb(DECIMALS))
