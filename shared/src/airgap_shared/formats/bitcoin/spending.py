"""How the coins of each chain are spent: who can, what is hashed, where it goes.

The same rules serve both sides: the signer assembles, the relay takes apart and
verifies. Every signature covers the whole transaction. Knows no keys that are secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from airgap_shared import secp256k1
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin.digests import SIGHASH_ALL, SIGHASH_FORKID, Digests
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
    with_length,
)


class Commitment(Enum):
    """What a signature says of amounts: false ones make it void, or do not."""

    NOTHING = "nothing"
    OWN_AMOUNT = "its own coin's amount"
    ALL_AMOUNTS = "the amounts of all coins"


class Scheme(Enum):
    """How a digest is signed."""

    ECDSA = "ECDSA: DER, low S (BIP-66, BIP-146)"
    SCHNORR = "Schnorr of BIP-340"
    SCHNORR_BCH = "Schnorr of Bitcoin Cash, 2019-05-15"

    @property
    def size(self) -> int:
        """Most bytes of a signature, its hash type left out; DER's is rarely less."""
        return 71 if self is Scheme.ECDSA else secp256k1.SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Spend:
    """How one kind of output is spent by one key."""

    scheme: Scheme
    commitment: Commitment
    script: Callable[[bytes], bytes]
    """Compressed public key -> the output script that it alone spends."""
    assemble: Callable[[bytes, bytes], tuple[bytes, tuple[bytes, ...]]]
    """Whole signature, and public key -> scriptSig and witness."""

    @property
    def is_segwit(self) -> bool:
        """Whether the signature commits to amounts."""
        return self.commitment is not Commitment.NOTHING


def _in_script_sig(signature: bytes, key: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    return with_length(signature) + with_length(key), ()


def _nested(key: bytes) -> bytes:
    """Return the redeem script of P2WPKH inside P2SH (BIP-141)."""
    return p2wpkh(hash160(key))


_P2PK = Spend(
    Scheme.ECDSA,
    Commitment.NOTHING,
    script=lambda key: with_length(key) + b"\xac",
    assemble=lambda signature, _key: (with_length(signature), ()),
)
_P2PKH = Spend(
    Scheme.ECDSA,
    Commitment.NOTHING,
    script=lambda key: p2pkh(hash160(key)),
    assemble=_in_script_sig,
)
_P2PKH_BCH = Spend(
    Scheme.SCHNORR_BCH,
    Commitment.OWN_AMOUNT,
    script=lambda key: p2pkh(hash160(key)),
    assemble=_in_script_sig,
)
_P2WPKH = Spend(
    Scheme.ECDSA,
    Commitment.OWN_AMOUNT,
    script=lambda key: p2wpkh(hash160(key)),
    assemble=lambda signature, key: (b"", (signature, key)),
)
_P2SH = Spend(
    Scheme.ECDSA,
    Commitment.OWN_AMOUNT,
    script=lambda key: p2sh(hash160(_nested(key))),
    assemble=lambda signature, key: (with_length(_nested(key)), (signature, key)),
)
_P2TR = Spend(
    Scheme.SCHNORR,
    Commitment.ALL_AMOUNTS,
    script=lambda key: p2tr(secp256k1.taproot_output_key(key)),
    assemble=lambda signature, _key: (b"", (signature,)),
)
_LEGACY = {ScriptType.P2PK: _P2PK, ScriptType.P2PKH: _P2PKH}
_SEGWIT = {**_LEGACY, ScriptType.P2WPKH: _P2WPKH, ScriptType.P2SH: _P2SH}


@dataclass(frozen=True)
class Rules:
    """How the coins of one chain are spent, signed for and verified."""

    spends: Mapping[ScriptType, Spend]
    """P2SH means P2WPKH inside it; P2TR a key path without scripts (BIP-86)."""
    hash_type: int = SIGHASH_ALL

    def spend_of(self, script: bytes) -> Spend:
        """Return how ``script`` is spent; ``contract.bitcoin.script`` if it is not."""
        spend = self.spends.get(classify(script))
        if spend is None:
            raise ContractError(
                "contract.bitcoin.script",
                f"an input spends a {classify(script).value} output: not supported",
            )
        return spend

    def can_spend(self, script: bytes, key: bytes) -> bool:
        """Whether the public ``key`` alone spends ``script``."""
        spend = self.spends.get(classify(script))
        return spend is not None and spend.script(key) == script

    def scripts_of_key(self, key: bytes) -> tuple[bytes, ...]:
        """Return every script that ``key`` alone spends, in the table's order."""
        return tuple(spend.script(key) for spend in self.spends.values())

    def digests(self, unsigned: Transaction, coins: tuple[Output, ...]) -> Digests:
        """Return what hashes the transaction that spends ``coins``."""
        return Digests(unsigned, coins, self.hash_type)

    def digest(self, digests: Digests, index: int, coin: Output, key: bytes) -> bytes:
        """Return what ``key`` signs to spend ``coin`` at input ``index``."""
        match self.spend_of(coin.script).commitment:
            case Commitment.ALL_AMOUNTS:
                return digests.taproot(index)
            case Commitment.OWN_AMOUNT:
                return digests.segwit(index, p2pkh(hash160(key)), coin.amount)
            case _:
                return digests.legacy(index, coin.script)

    def sign_input(
        self, spent: Input, coin: Output, key: bytes, signature: bytes
    ) -> Input:
        """Return ``spent`` with a ``signature`` of ``key`` in its place."""
        spend = self.spend_of(coin.script)
        if spend.scheme is not Scheme.SCHNORR:  # which has SIGHASH_DEFAULT
            signature += bytes([self.hash_type])
        script_sig, witness = spend.assemble(signature, key)
        return Input(spent.out_point, spent.sequence, script_sig, witness)

    def verify(
        self, unsigned: Transaction, coins: tuple[Output, ...], signed: Transaction
    ) -> None:
        """Accept ``signed`` only as ``unsigned`` plus one valid signature an input.

        Raises ``contract.signed.changed`` and ``contract.signed.signature``.
        """
        if signed.unsigned() != unsigned:
            raise ContractError(
                "contract.signed.changed",
                "the signed transaction is not the unsigned one plus signatures",
            )
        digests = self.digests(unsigned, coins)
        for index, (coin, spent) in enumerate(zip(coins, signed.inputs, strict=True)):
            if not self._is_signed(digests, index, coin, spent):
                raise ContractError(
                    "contract.signed.signature", f"input {index} is not validly signed"
                )

    def _is_signed(
        self, digests: Digests, index: int, coin: Output, spent: Input
    ) -> bool:
        scheme = self.spend_of(coin.script).scheme
        signature, key = _taken_apart(coin, spent)
        if scheme is not Scheme.SCHNORR:
            signature = signature[:-1]
            if not self.can_spend(coin.script, key):
                return False
        if self.sign_input(spent, coin, key, signature) != spent:
            return False
        message = self.digest(digests, index, coin, key)
        return _VERIFY[scheme](signature, message, key)


_VERIFY = {
    Scheme.ECDSA: secp256k1.verify_ecdsa,
    Scheme.SCHNORR: secp256k1.verify_schnorr,
    Scheme.SCHNORR_BCH: secp256k1.verify_schnorr_bch,
}

RULES = {
    "BTC": Rules({**_SEGWIT, ScriptType.P2TR: _P2TR}),
    "LTC": Rules(_SEGWIT),
    "DOGE": Rules(_LEGACY),
    "BCH": Rules({ScriptType.P2PKH: _P2PKH_BCH}, SIGHASH_ALL | SIGHASH_FORKID),
}
"""Chain -> its rules; what the original signers sign, and taproot."""


def _taken_apart(coin: Output, spent: Input) -> tuple[bytes, bytes]:
    """Return signature and public key; whether they are in place is checked after."""
    if classify(coin.script) is ScriptType.P2TR:
        return b"".join(spent.witness), coin.script[2:]
    if spent.witness:
        signature, key = (*spent.witness, b"", b"")[:2]
        return signature, key
    size = spent.script_sig[0] if spent.script_sig else 0
    signature, rest = spent.script_sig[1 : 1 + size], spent.script_sig[2 + size :]
    return signature, rest or coin.script[1:-1]
