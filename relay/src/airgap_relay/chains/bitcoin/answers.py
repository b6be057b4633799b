"""What Tatum and its nodes answer about a transaction, as a transaction."""

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
    Transaction,
)
from airgap_shared.limits import MAX_INPUTS

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


class _Place(msgspec.Struct, frozen=True, rename="camel"):
    """Where a transaction is; Tatum leaves it out, or null, for one that waits."""

    block_number: int | None = None


def find(answer: bytes, tx_id: str) -> Transaction | None:
    """Return the transaction that ``answer`` tells when it hashes to ``tx_id``."""
    for read in (_from_bytes, _from_fields):
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
    return place.block_number is not None and place.block_number >= 0


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
