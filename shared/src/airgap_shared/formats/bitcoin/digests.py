"""What a signature of each kind covers: always the whole transaction."""

import hashlib
from collections.abc import Sequence
from functools import cached_property

from airgap_shared import secp256k1
from airgap_shared.formats.bitcoin.transaction import (
    Output,
    Transaction,
    compact_size,
    double_sha256,
    with_length,
)

SIGHASH_ALL = 0x01
"""Everything is signed."""

SIGHASH_FORKID = 0x40
"""Marks signatures that are valid on Bitcoin Cash alone (2017-08-01 upgrade)."""


class Digests:
    """The digests of one transaction; what its inputs share is hashed once."""

    def __init__(
        self,
        transaction: Transaction,
        coins: Sequence[Output] = (),
        hash_type: int = SIGHASH_ALL,
    ) -> None:
        """Prepare for an unsigned transaction; taproot needs all its ``coins``."""
        tx = transaction
        self._coins = coins
        self._version = tx.version.to_bytes(4, "little")
        self._points = [i.out_point.encode() for i in tx.inputs]
        self._sequences = [i.sequence.to_bytes(4, "little") for i in tx.inputs]
        self._outputs = [o.encode() for o in tx.outputs]
        self._lock_time = tx.lock_time.to_bytes(4, "little")
        self._end = self._lock_time + hash_type.to_bytes(4, "little")

    def legacy(self, index: int, script_code: bytes) -> bytes:
        """Return the original digest of input ``index``; commits to no amount."""
        inputs = self._empty_inputs.copy()
        inputs[index] = (
            self._points[index] + with_length(script_code) + self._sequences[index]
        )
        parts = [self._version, compact_size(len(inputs)), *inputs]
        parts += (compact_size(len(self._outputs)), *self._outputs, self._end)
        return double_sha256(b"".join(parts))

    def segwit(self, index: int, script_code: bytes, amount: int) -> bytes:
        """Return the version 0 witness digest of input ``index`` (BIP-143).

        Bitcoin Cash's differs in its hash type alone (2017-08-01 upgrade).
        """
        head, tail = self._shared
        return double_sha256(
            head
            + self._points[index]
            + with_length(script_code)
            + amount.to_bytes(8, "little")
            + self._sequences[index]
            + tail
        )

    def taproot(self, index: int) -> bytes:
        """Return the key path digest of input ``index`` (BIP-341, *SigMsg*)."""
        message = self._taproot_shared + index.to_bytes(4, "little")
        return secp256k1.tagged_hash("TapSighash", message)

    @cached_property
    def _taproot_shared(self) -> bytes:
        """Everything before the index: epoch, SIGHASH_DEFAULT, key path, no annex."""
        amounts = [coin.amount.to_bytes(8, "little") for coin in self._coins]
        scripts = [with_length(coin.script) for coin in self._coins]
        parts = self._points, amounts, scripts, self._sequences, self._outputs
        digests = (hashlib.sha256(b"".join(part)).digest() for part in parts)
        epoch_and_type = b"\x00\x00"
        return b"".join(
            (epoch_and_type, self._version, self._lock_time, *digests, b"\x00")
        )

    @cached_property
    def _empty_inputs(self) -> list[bytes]:
        pairs = zip(self._points, self._sequences, strict=True)
        return [point + b"\x00" + sequence for point, sequence in pairs]

    @cached_property
    def _shared(self) -> tuple[bytes, bytes]:
        """What comes before and after an input's own part (BIP-143)."""
        head = self._version + double_sha256(b"".join(self._points))
        head += double_sha256(b"".join(self._sequences))
        return head, double_sha256(b"".join(self._outputs)) + self._end
