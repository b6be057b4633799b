"""Our container for an unsigned transaction: the subset of BIP-174 that we need.

One form for one value: keys in ascending order, nothing twice, nothing unknown, no
partial signatures. What is valid BIP-174 but not in the subset is refused as
``contract.psbt.unsupported``; what no reader should accept, as
``contract.psbt.malformed``. See ``docs/spec/psbt.md``.
"""

from dataclasses import dataclass

from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.digests import SIGHASH_ALL, SIGHASH_FORKID
from airgap_shared.formats.bitcoin.transaction import (
    Output,
    Reader,
    Transaction,
    with_length,
)
from airgap_shared.limits import MAX_ITEM_BYTES, MAX_PREVIOUS_TRANSACTION_BYTES

MAGIC = b"psbt\xff"
ALL_FORKID = (SIGHASH_ALL | SIGHASH_FORKID).to_bytes(4, "little")
"""The only sighash type that is named; everywhere else it is the usual one."""

_UNSIGNED_TX = b"\x00"
_NON_WITNESS_UTXO = b"\x00"
_WITNESS_UTXO = b"\x01"
_SEPARATOR = b"\x00"
_SIGHASH_TYPE = b"\x03"
_KNOWN_INPUT_KEYS = frozenset({_NON_WITNESS_UTXO, _WITNESS_UTXO, _SIGHASH_TYPE})

Map = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class PSBTInput:
    """What the relay says of one input's coin."""

    previous: Transaction | None = None
    """The transaction that made the coin."""
    claimed: Output | None = None
    """Amount and script, claimed alone (``witness_utxo``)."""
    has_fork_id: bool = False
    """Whether the signature is Bitcoin Cash's, sighash type ALL|FORKID."""


@dataclass(frozen=True, slots=True)
class PSBT:
    """An unsigned transaction and what is said of its inputs' coins."""

    unsigned: Transaction
    inputs: tuple[PSBTInput, ...]

    def encode(self) -> bytes:
        """Return the container's bytes."""
        maps = [_encode_map(((_UNSIGNED_TX, self.unsigned.encode(witness=False)),))]
        maps += (_encode_map(_input_map(i)) for i in self.inputs)
        maps += (_encode_map(()) for _ in self.unsigned.outputs)
        return MAGIC + b"".join(maps)


def decode(data: bytes) -> PSBT:
    """Return the container that ``data`` is, wholly.

    Raises ``contract.psbt.malformed``, ``contract.psbt.unsupported`` and
    ``contract.psbt.not_canonical``.
    """
    try:
        psbt = _decode(data)
    except ContractError as error:
        if error.code != "contract.bitcoin.malformed":
            raise
        raise ContractError("contract.psbt.malformed", f"PSBT {error}") from error
    if psbt.encode() != data:
        raise ContractError(
            "contract.psbt.not_canonical", "PSBT is not in its canonical form"
        )
    return psbt


def _decode(data: bytes) -> PSBT:
    if len(data) > MAX_ITEM_BYTES:
        raise transaction.malformed(f"of {len(data)} bytes is over the limit")
    reader = Reader(data)
    if reader.peek(len(MAGIC)) != MAGIC:
        raise transaction.malformed("does not begin with its magic bytes")
    reader.take(len(MAGIC))
    unsigned = _decode_global(_read_map(reader))
    inputs = tuple(_decode_input(_read_map(reader)) for _ in unsigned.inputs)
    for _ in unsigned.outputs:
        _refuse_unknown(_read_map(reader), frozenset(), "output")
    if reader.remaining:
        raise transaction.malformed(f"has {reader.remaining} bytes after its end")
    return PSBT(unsigned, inputs)


def _decode_global(fields: dict[bytes, bytes]) -> Transaction:
    if _UNSIGNED_TX not in fields:
        raise transaction.malformed("has no unsigned transaction")
    unsigned = transaction.decode(fields[_UNSIGNED_TX], allow_witness=False)
    if any(spent.script_sig for spent in unsigned.inputs):
        raise transaction.malformed("has a signature in its unsigned transaction")
    _refuse_unknown(fields, frozenset({_UNSIGNED_TX}), "global")
    if not unsigned.inputs or not unsigned.outputs:
        raise _unsupported("a transaction without inputs or outputs")
    return unsigned


def _decode_input(fields: dict[bytes, bytes]) -> PSBTInput:
    previous, claimed = fields.get(_NON_WITNESS_UTXO), fields.get(_WITNESS_UTXO)
    if previous is not None and len(previous) > MAX_PREVIOUS_TRANSACTION_BYTES:
        raise transaction.malformed("has a previous transaction over the limit")
    values = PSBTInput(
        transaction.decode(previous) if previous is not None else None,
        _decode_output(claimed) if claimed is not None else None,
        _SIGHASH_TYPE in fields,
    )
    _refuse_unknown(fields, _KNOWN_INPUT_KEYS, "input")
    if fields.get(_SIGHASH_TYPE, ALL_FORKID) != ALL_FORKID:
        raise _unsupported(f"sighash type {fields[_SIGHASH_TYPE][:8].hex()}")
    return values


def _decode_output(data: bytes) -> Output:
    reader = Reader(data)
    amount = reader.integer(8)
    output = Output(amount, reader.bytes_(MAX_PREVIOUS_TRANSACTION_BYTES))
    if reader.remaining or amount > transaction.MAX_MONEY:
        raise transaction.malformed("has a witness_utxo that is no output")
    return output


def _input_map(values: PSBTInput) -> Map:
    fields = []
    if values.previous is not None:
        fields.append((_NON_WITNESS_UTXO, values.previous.encode()))
    if values.claimed is not None:
        fields.append((_WITNESS_UTXO, values.claimed.encode()))
    if values.has_fork_id:
        fields.append((_SIGHASH_TYPE, ALL_FORKID))
    return tuple(fields)


def _read_map(reader: Reader) -> dict[bytes, bytes]:
    """Return key -> value up to the separator; a key twice is malformed."""
    fields: dict[bytes, bytes] = {}
    while key := reader.bytes_(MAX_ITEM_BYTES):
        if key in fields:
            raise transaction.malformed(f"has key {key[:33].hex()} twice in a map")
        fields[key] = reader.bytes_(MAX_ITEM_BYTES)
    return fields


def _encode_map(fields: Map) -> bytes:
    pairs = (with_length(key) + with_length(value) for key, value in fields)
    return b"".join(pairs) + _SEPARATOR


def _refuse_unknown(
    fields: dict[bytes, bytes], known: frozenset[bytes], where: str
) -> None:
    for key in fields:
        if key not in known:
            raise _unsupported(f"{where} field {key[:33].hex()}")


def _unsupported(what: str) -> ContractError:
    return ContractError(
        "contract.psbt.unsupported", f"PSBT has {what}, which is not supported here"
    )
