"""How each kind of output is spent: what is hashed, and where the signature goes.

The same table serves both sides: the signer assembles, the relay takes apart and
verifies. Every signature is ECDSA with SIGHASH_ALL over a digest of BIP-143 or of
the original form. Knows no keys that are secret.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from airgap_shared import secp256k1
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin.script import (
    ScriptType,
    classify,
    hash160,
    p2pkh,
    p2sh,
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


@dataclass(frozen=True, slots=True)
class Spend:
    """How one kind of output is spent by one ECDSA key."""

    is_segwit: bool
    """Whether the digest commits to the amount (BIP-143)."""
    script_code: Callable[[bytes, bytes], bytes]
    """Script and public key -> script that is hashed."""
    assemble: Callable[[bytes, bytes], tuple[bytes, tuple[bytes, ...]]]
    """Signature with its hash type, and public key -> scriptSig and witness."""


class Digests:
    """The digests of one transaction; what its inputs share is hashed once."""

    def __init__(self, transaction: Transaction) -> None:
        """Prepare for ``transaction``, which must carry no signature."""
        tx = transaction
        self._version = tx.version.to_bytes(4, "little")
        self._points = [i.out_point.encode() for i in tx.inputs]
        self._sequences = [i.sequence.to_bytes(4, "little") for i in tx.inputs]
        self._outputs = [o.encode() for o in tx.outputs]
        lock_time = tx.lock_time.to_bytes(4, "little")
        self._end = lock_time + SIGHASH_ALL.to_bytes(4, "little")

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


SPENDS = {
    ScriptType.P2PK: Spend(
        is_segwit=False,
        script_code=lambda script, _key: script,
        assemble=lambda signature, _key: (_push(signature), ()),
    ),
    ScriptType.P2PKH: Spend(
        is_segwit=False,
        script_code=lambda script, _key: script,
        assemble=lambda signature, key: (_push(signature) + _push(key), ()),
    ),
    ScriptType.P2WPKH: Spend(
        is_segwit=True,
        script_code=_key_hash_code,
        assemble=lambda signature, key: (b"", (signature, key)),
    ),
    ScriptType.P2SH: Spend(
        is_segwit=True,
        script_code=_key_hash_code,
        assemble=lambda signature, key: (
            _push(p2wpkh(hash160(key))),
            (signature, key),
        ),
    ),
}
"""Output script -> how one key spends it. P2SH means P2WPKH inside it (BIP-141)."""


def spend_of(script: bytes) -> Spend:
    """Return how ``script`` is spent; ``contract.bitcoin.script`` when it is not."""
    spend = SPENDS.get(classify(script))
    if spend is None:
        raise ContractError(
            "contract.bitcoin.script",
            f"an input spends a {classify(script).value} output: not supported",
        )
    return spend


def can_spend(script: bytes, key: bytes) -> bool:
    """Whether the compressed public ``key`` alone spends ``script``."""
    match classify(script):
        case ScriptType.P2PKH:
            return script[3:23] == hash160(key)
        case ScriptType.P2WPKH:
            return script[2:] == hash160(key)
        case ScriptType.P2SH:
            return script == p2sh(hash160(p2wpkh(hash160(key))))
        case ScriptType.P2PK:
            return script[1:-1] == key
        case _:
            return False


def digest(digests: Digests, index: int, coin: Output, key: bytes) -> bytes:
    """Return what ``key`` signs to spend ``coin`` at input ``index``."""
    spend = spend_of(coin.script)
    script_code = spend.script_code(coin.script, key)
    if spend.is_segwit:
        return digests.segwit(index, script_code, coin.amount)
    return digests.legacy(index, script_code)


def sign_input(spent: Input, coin: Output, key: bytes, signature: bytes) -> Input:
    """Return ``spent`` with a DER ``signature`` of ``key`` in its place."""
    script_sig, witness = spend_of(coin.script).assemble(signature + _SUFFIX, key)
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
    digests = Digests(unsigned)
    for index, (coin, spent) in enumerate(zip(coins, signed.inputs, strict=True)):
        signature, key = _taken_apart(coin, spent)
        valid = (
            signature[-1:] == _SUFFIX
            and can_spend(coin.script, key)
            and secp256k1.verify_ecdsa(
                signature[:-1], digest(digests, index, coin, key), key
            )
            and sign_input(spent, coin, key, signature[:-1]) == spent
        )
        if not valid:
            raise ContractError(
                "contract.signed.signature", f"input {index} is not validly signed"
            )


def _taken_apart(coin: Output, spent: Input) -> tuple[bytes, bytes]:
    """Return signature and public key; whether they are in place is checked after."""
    if spent.witness:
        signature, key = (*spent.witness, b"", b"")[:2]
        return signature, key
    size = spent.script_sig[0] if spent.script_sig else 0
    signature, rest = spent.script_sig[1 : 1 + size], spent.script_sig[2 + size :]
    return signature, rest or coin.script[1:-1]
