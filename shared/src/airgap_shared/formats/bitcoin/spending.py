"""How each kind of output is spent: what is hashed, and where the signature goes.

The same table serves both sides: the signer assembles, the relay takes apart and
verifies. Signatures cover the whole transaction: ECDSA with SIGHASH_ALL over the
original digest or BIP-143's, Schnorr with SIGHASH_DEFAULT over BIP-341's. Knows no
keys that are secret.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from airgap_shared import secp256k1
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin.script import (
    ScriptType,
    classify,
    hash160,
    p2pkh,
    p2sh,
    p2tr,
    p2wpkh,
)
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    Output,
    Transaction,
    compact_size,
    double_sha256,
    with_length,
)

SIGHASH_ALL = 1
"""The only hash type that is signed or accepted (BIP-143, *SIGHASH_ALL*)."""

_SUFFIX = bytes([SIGHASH_ALL])


class Commitment(Enum):
    """What a signature says of amounts: false ones make it void, or do not."""

    NOTHING = "nothing"
    OWN_AMOUNT = "its own coin's amount"
    ALL_AMOUNTS = "the amounts of all coins"


@dataclass(frozen=True, slots=True)
class Spend:
    """How one kind of output is spent by one key."""

    commitment: Commitment
    script: Callable[[bytes], bytes]
    """Compressed public key -> the output script that it alone spends."""
    script_code: Callable[[bytes, bytes], bytes]
    """Script and public key -> script that is hashed."""
    assemble: Callable[[bytes, bytes], tuple[bytes, tuple[bytes, ...]]]
    """Whole signature, and public key -> scriptSig and witness."""

    @property
    def is_segwit(self) -> bool:
        """Whether the signature stands in the witness and commits to amounts."""
        return self.commitment is not Commitment.NOTHING


class Digests:
    """The digests of one transaction; what its inputs share is hashed once."""

    def __init__(self, transaction: Transaction, coins: Sequence[Output] = ()) -> None:
        """Prepare for an unsigned transaction; taproot needs all its ``coins``."""
        tx = transaction
        self._coins = coins
        self._version = tx.version.to_bytes(4, "little")
        self._points = [i.out_point.encode() for i in tx.inputs]
        self._sequences = [i.sequence.to_bytes(4, "little") for i in tx.inputs]
        self._outputs = [o.encode() for o in tx.outputs]
        self._lock_time = tx.lock_time.to_bytes(4, "little")
        self._end = self._lock_time + SIGHASH_ALL.to_bytes(4, "little")

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
        """Return the version 0 witness digest of input ``index`` (BIP-143)."""
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


def _push(data: bytes) -> bytes:
    """Return the shortest push of up to 75 bytes, which has a length's form."""
    return with_length(data)


def _key_hash_code(_script: bytes, key: bytes) -> bytes:
    return p2pkh(hash160(key))


def _own_script(script: bytes, _key: bytes) -> bytes:
    return script


def _nested(key: bytes) -> bytes:
    """Return the redeem script of P2WPKH inside P2SH (BIP-141)."""
    return p2wpkh(hash160(key))


SPENDS = {
    ScriptType.P2PK: Spend(
        Commitment.NOTHING,
        script=lambda key: _push(key) + b"\xac",
        script_code=_own_script,
        assemble=lambda signature, _key: (_push(signature), ()),
    ),
    ScriptType.P2PKH: Spend(
        Commitment.NOTHING,
        script=lambda key: p2pkh(hash160(key)),
        script_code=_own_script,
        assemble=lambda signature, key: (_push(signature) + _push(key), ()),
    ),
    ScriptType.P2WPKH: Spend(
        Commitment.OWN_AMOUNT,
        script=lambda key: p2wpkh(hash160(key)),
        script_code=_key_hash_code,
        assemble=lambda signature, key: (b"", (signature, key)),
    ),
    ScriptType.P2SH: Spend(
        Commitment.OWN_AMOUNT,
        script=lambda key: p2sh(hash160(_nested(key))),
        script_code=_key_hash_code,
        assemble=lambda signature, key: (_push(_nested(key)), (signature, key)),
    ),
    ScriptType.P2TR: Spend(
        Commitment.ALL_AMOUNTS,
        script=lambda key: p2tr(secp256k1.taproot_output_key(key)),
        script_code=_own_script,
        assemble=lambda signature, _key: (b"", (signature,)),
    ),
}
"""Output script -> how one key spends it. P2SH means P2WPKH inside it (BIP-141),
P2TR the key path of a key without scripts (BIP-86)."""


def spend_of(script: bytes) -> Spend:
    """Return how ``script`` is spent; ``contract.bitcoin.script`` when it is not."""
    spend = SPENDS.get(classify(script))
    if spend is None:
        raise ContractError(
            "contract.bitcoin.script",
            f"an input spends a {classify(script).value} output: not supported",
        )
    return spend


def scripts_of_key(key: bytes) -> tuple[bytes, ...]:
    """Return every output script that ``key`` alone spends, in the table's order."""
    return tuple(spend.script(key) for spend in SPENDS.values())


def can_spend(script: bytes, key: bytes) -> bool:
    """Whether the public ``key`` alone spends ``script``."""
    spend = SPENDS.get(classify(script))
    return spend is not None and spend.script(key) == script


def digest(digests: Digests, index: int, coin: Output, key: bytes) -> bytes:
    """Return what ``key`` signs to spend ``coin`` at input ``index``."""
    spend = spend_of(coin.script)
    script_code = spend.script_code(coin.script, key)
    if spend.commitment is Commitment.ALL_AMOUNTS:
        return digests.taproot(index)
    if spend.is_segwit:
        return digests.segwit(index, script_code, coin.amount)
    return digests.legacy(index, script_code)


def sign_input(spent: Input, coin: Output, key: bytes, signature: bytes) -> Input:
    """Return ``spent`` with a DER or Schnorr ``signature`` of ``key`` in its place."""
    spend = spend_of(coin.script)
    if spend.commitment is not Commitment.ALL_AMOUNTS:
        signature += _SUFFIX
    script_sig, witness = spend.assemble(signature, key)
    return Input(spent.out_point, spent.sequence, script_sig, witness)


def verify(
    unsigned: Transaction, coins: tuple[Output, ...], signed: Transaction
) -> None:
    """Accept ``signed`` only as ``unsigned`` plus one valid signature an input.

    Raises ``contract.signed.changed`` and ``contract.signed.signature``.
    """
    if signed.unsigned() != unsigned:
        raise ContractError(
            "contract.signed.changed",
            "the signed transaction is not the unsigned one plus signatures",
        )
    digests = Digests(unsigned, coins)
    for index, (coin, spent) in enumerate(zip(coins, signed.inputs, strict=True)):
        if not _is_signed(digests, index, coin, spent):
            raise ContractError(
                "contract.signed.signature", f"input {index} is not validly signed"
            )


def _is_signed(digests: Digests, index: int, coin: Output, spent: Input) -> bool:
    if spend_of(coin.script).commitment is Commitment.ALL_AMOUNTS:
        signature, output_key = b"".join(spent.witness), coin.script[2:]
        if sign_input(spent, coin, b"", signature) != spent:
            return False
        return secp256k1.verify_schnorr(signature, digests.taproot(index), output_key)
    signature, key = _taken_apart(coin, spent)
    der = signature[:-1]
    return (
        can_spend(coin.script, key)
        and sign_input(spent, coin, key, der) == spent
        and secp256k1.verify_ecdsa(der, digest(digests, index, coin, key), key)
    )


def _taken_apart(coin: Output, spent: Input) -> tuple[bytes, bytes]:
    """Return signature and public key; whether they are in place is checked after."""
    if spent.witness:
        signature, key = (*spent.witness, b"", b"")[:2]
        return signature, key
    size = spent.script_sig[0] if spent.script_sig else 0
    signature, rest = spent.script_sig[1 : 1 + size], spent.script_sig[2 + size :]
    return signature, rest or coin.script[1:-1]
