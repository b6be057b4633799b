"""Transactions of the Bitcoin family: bytes <-> values, one form each.

Serialization as in BIP-144; what a decoder accepts, the encoder gives back byte for
byte, so two parties never read different transactions from the same bytes.
"""

import hashlib
from dataclasses import dataclass

from airgap_shared.errors import ContractError
from airgap_shared.limits import MAX_INPUTS, MAX_PREVIOUS_TRANSACTION_BYTES

MAX_MONEY = 2**63 - 1
"""Amounts are signed 64-bit on the wire; each chain's supply is far below."""

MAX_OUTPUTS = 13_000
"""Outputs of a transaction: 400,000 bytes hold 12,900 of P2WPKH's 31."""

SEGWIT_MARKER = b"\x00\x01"

_LONG_SIZES = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}
"""First byte of a long CompactSize → bytes that follow, least value that needs them."""

_SHORT_SIZES = tuple(bytes([size]) for size in range(0xFD))


def double_sha256(data: bytes) -> bytes:
    """Return SHA-256 of SHA-256, Bitcoin's digest."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def malformed(message: str) -> ContractError:
    """Return the error for bytes that are no transaction."""
    return ContractError("contract.bitcoin.malformed", message)


class Reader:
    """Takes bytes from the front; never past the end, never a second form."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        """Start at the first byte of ``data``."""
        self._data = data
        self._at = 0

    @property
    def remaining(self) -> int:
        """Bytes not yet taken."""
        return len(self._data) - self._at

    def peek(self, size: int) -> bytes:
        """Return the next bytes without taking them."""
        return self._data[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise malformed(f"ends {end - len(self._data)} bytes too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def integer(self, size: int) -> int:
        """Return a little-endian unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def compact_size(self, maximum: int) -> int:
        """Return a CompactSize in its shortest form, at most ``maximum``."""
        first = (self._data[self._at : self._at + 1] or self.take(1))[0]
        self._at += 1
        if first < 0xFD:
            value = first
        else:
            size, least = _LONG_SIZES[first]
            value = self.integer(size)
            if value < least:
                raise malformed(f"CompactSize {value} is not in its shortest form")
        if value > maximum:
            raise malformed(f"{value} is above the limit of {maximum}")
        return value

    def bytes_(self, maximum: int) -> bytes:
        """Return a byte string that its CompactSize length precedes."""
        return self.take(self.compact_size(maximum))


def compact_size(value: int) -> bytes:
    """Return the shortest CompactSize of ``value``."""
    if value < 0xFD:
        return bytes([value])
    first = 0xFD if value <= 0xFFFF else 0xFE if value <= 0xFFFF_FFFF else 0xFF
    return bytes([first]) + value.to_bytes(_LONG_SIZES[first][0], "little")


def with_length(data: bytes) -> bytes:
    """Return ``data`` behind its CompactSize length."""
    size = len(data)
    return (_SHORT_SIZES[size] if size < 0xFD else compact_size(size)) + data


@dataclass(frozen=True, slots=True)
class OutPoint:
    """A coin: transaction id as people write it, and output index."""

    tx_id: str
    index: int

    def encode(self) -> bytes:
        """Return the 36 bytes of the wire, transaction id reversed."""
        return bytes.fromhex(self.tx_id)[::-1] + self.index.to_bytes(4, "little")

    def __str__(self) -> str:
        """Return ``txid:index``."""
        return f"{self.tx_id}:{self.index}"


@dataclass(frozen=True, slots=True)
class Input:
    """What a transaction spends."""

    out_point: OutPoint
    sequence: int
    script_sig: bytes = b""
    witness: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What a transaction pays: amount in base units, and script."""

    amount: int
    script: bytes

    def encode(self) -> bytes:
        """Return amount and script as on the wire."""
        return self.amount.to_bytes(8, "little") + with_length(self.script)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction; with a witness when any input has one."""

    version: int
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    lock_time: int

    def encode(self, *, witness: bool = True) -> bytes:
        """Return the wire bytes, without any witness when ``witness`` is false."""
        has_witness = witness and any(i.witness for i in self.inputs)
        parts = [self.version.to_bytes(4, "little")]
        if has_witness:
            parts.append(SEGWIT_MARKER)
        parts.append(compact_size(len(self.inputs)))
        for spent in self.inputs:
            parts += (
                spent.out_point.encode(),
                with_length(spent.script_sig),
                spent.sequence.to_bytes(4, "little"),
            )
        parts.append(compact_size(len(self.outputs)))
        parts += (output.encode() for output in self.outputs)
        if has_witness:
            for spent in self.inputs:
                parts.append(compact_size(len(spent.witness)))
                parts += (with_length(item) for item in spent.witness)
        parts.append(self.lock_time.to_bytes(4, "little"))
        return b"".join(parts)

    def tx_id(self) -> str:
        """Return the transaction id: double SHA-256 without witness, reversed."""
        return double_sha256(self.encode(witness=False))[::-1].hex()

    def virtual_size(self) -> int:
        """Return the size in virtual bytes (BIP-141), rounded up."""
        stripped = len(self.encode(witness=False))
        return (3 * stripped + len(self.encode()) + 3) // 4

    def unsigned(self) -> "Transaction":
        """Return the same transaction without any signature."""
        bare = (Input(i.out_point, i.sequence) for i in self.inputs)
        return Transaction(self.version, tuple(bare), self.outputs, self.lock_time)


def decode(data: bytes, *, allow_witness: bool = True) -> Transaction:
    """Return the transaction that ``data`` is, wholly.

    Raises ``contract.bitcoin.malformed`` for truncated, trailing or non-canonical
    bytes, an empty witness section, and amounts beyond 63 bits.
    """
    if len(data) > 10 * MAX_PREVIOUS_TRANSACTION_BYTES:
        raise malformed(f"{len(data)} bytes are no transaction")
    reader = Reader(data)
    version = reader.integer(4)
    has_witness = allow_witness and reader.peek(2) == SEGWIT_MARKER
    if has_witness:
        reader.take(2)
    inputs = [_input(reader) for _ in range(reader.compact_size(MAX_INPUTS))]
    outputs = tuple(_output(reader) for _ in range(reader.compact_size(MAX_OUTPUTS)))
    if has_witness:
        inputs = [
            Input(i.out_point, i.sequence, i.script_sig, _witness(reader))
            for i in inputs
        ]
        if not any(i.witness for i in inputs):
            raise malformed("has a witness section without any witness")
    lock_time = reader.integer(4)
    if reader.remaining:
        raise malformed(f"has {reader.remaining} bytes after its end")
    return Transaction(version, tuple(inputs), outputs, lock_time)


def _input(reader: Reader) -> Input:
    point = reader.take(36)
    out_point = OutPoint(point[31::-1].hex(), int.from_bytes(point[32:], "little"))
    script_sig = reader.bytes_(MAX_PREVIOUS_TRANSACTION_BYTES)
    return Input(out_point, reader.integer(4), script_sig)


def _output(reader: Reader) -> Output:
    amount = reader.integer(8)
    if amount > MAX_MONEY:
        raise malformed(f"has an output of {amount} base units, beyond 63 bits")
    return Output(amount, reader.bytes_(MAX_PREVIOUS_TRANSACTION_BYTES))


def _witness(reader: Reader) -> tuple[bytes, ...]:
    count = reader.compact_size(MAX_PREVIOUS_TRANSACTION_BYTES)
    return tuple(
        reader.bytes_(4 * MAX_PREVIOUS_TRANSACTION_BYTES) for _ in range(count)
    )
