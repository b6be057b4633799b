"""The Bitcoin family: what a PSBT would do, and signing it.

Amounts come from previous transactions whose digest is the coin's own; what is only
claimed is marked so. Own outputs are recognised by our own keys, never believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from embit import base58

from airgap_shared import secp256k1
from airgap_shared.chains import Chain
from airgap_shared.documents import KeyReference, UnsignedItem
from airgap_shared.errors import (
    ContractError,
    RefusalError,
    SafetyError,
    StorageError,
)
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.digests import SIGHASH_ALL
from airgap_shared.formats.bitcoin.script import ScriptType
from airgap_shared.formats.bitcoin.spending import RULES, Commitment, Rules, Scheme
from airgap_shared.formats.bitcoin.transaction import OutPoint, Output, Transaction
from airgap_shared.limits import MAX_LOCK_SECONDS, MAX_VIRTUAL_BYTES
from airgap_signer import keys as key_material
from airgap_signer.chains.base import Ownership, PublicKeys, Secrets, Signed
from airgap_signer.chains.bitcoin.ownership import BitcoinOwnership
from airgap_signer.intent import Coin, Intent, Owner, Payment, Proof
from airgap_signer.wallet import StoredEntry

FINAL_SEQUENCE = 0xFFFFFFFF
REPLACEABLE_BELOW = 0xFFFFFFFE
"""A lower sequence lets anyone with the keys replace it (BIP-125)."""
LOCK_TIME_IS_TIME = 500_000_000
"""From here on nLockTime is Unix seconds, below a height (BIP-65)."""
RELATIVE_LOCK_DISABLED = 1 << 31
RELATIVE_LOCK_IS_TIME = 1 << 22
RELATIVE_LOCK_MASK = 0xFFFF
RELATIVE_LOCK_SECONDS = 512
"""Units of a relative lock by time (BIP-68)."""
DUST = 294
"""Below this no node relays a P2WPKH output (Bitcoin Core, dust relay fee)."""

SIGN = {
    Scheme.ECDSA: key_material.sign_ecdsa,
    Scheme.SCHNORR: key_material.sign_taproot,
    Scheme.SCHNORR_BCH: key_material.sign_schnorr_bch,
}

PROOFS = {
    Commitment.NOTHING: Proof.CLAIMED,
    Commitment.OWN_AMOUNT: Proof.COMMITTED,
    Commitment.ALL_AMOUNTS: Proof.ALL_COMMITTED,
}
"""How well an amount is known when its transaction is not at hand."""


@dataclass(frozen=True, slots=True)
class BitcoinReading:
    """A PSBT that was read and understood."""

    intent: Intent
    unsigned: Transaction
    coins: tuple[Output, ...]
    keys: tuple[bytes, ...]
    """Compressed public key of each input."""

    def sign(self, secrets: Secrets) -> Signed:
        """Sign each input, then verify the bytes as a stranger would."""
        rules = RULES[self.intent.chain.code]
        digests = rules.digests(self.unsigned, self.coins)
        signed = []
        for index, spent in enumerate(self.unsigned.inputs):
            coin, key = self.coins[index], self.keys[index]
            digest = rules.digest(digests, index, coin, key)
            secret = secrets[self.intent.coins[index].key]
            signature = SIGN[rules.spend_of(coin.script).scheme](secret, digest)
            signed.append(rules.sign_input(spent, coin, key, signature))
        data = replace(self.unsigned, inputs=tuple(signed)).encode()
        final = transaction.decode(data)
        try:
            rules.verify(self.unsigned, self.coins, final)
        except ContractError as error:
            raise SafetyError(
                "safety.signature", f"own signature does not verify: {error}"
            ) from error
        return Signed(data, final.tx_id())


class BitcoinFamily:
    """BTC, and what differs from it only by a row of the chain table."""

    def ownership(
        self, chain: Chain, entries: Sequence[StoredEntry]
    ) -> BitcoinOwnership:
        """Return what recognises our outputs, given all entries of ``chain``."""
        return BitcoinOwnership(chain, entries)

    def read(
        self,
        chain: Chain,
        item: UnsignedItem,
        keys: PublicKeys,
        ours: Ownership,
        now: int,
    ) -> BitcoinReading:
        """Return what ``item`` would do; raises ``contract.*`` and ``refusal.*``."""
        container = psbt.decode(item.payload)
        unsigned, rules = container.unsigned, RULES[chain.code]
        _check_shape(container, rules)
        _check_locks(unsigned, chain, now)
        found = [
            _coin(spent.out_point, said, rules)
            for spent, said in zip(unsigned.inputs, container.inputs, strict=True)
        ]
        outputs = tuple(output for output, _ in found)
        references = _match_keys(outputs, keys, rules)
        coins = tuple(
            Coin(str(spent.out_point), output.amount, output.script, reference, proof)
            for spent, (output, proof), reference in zip(
                unsigned.inputs, found, references, strict=True
            )
        )
        payments = tuple(_payment(o, chain, keys, ours) for o in unsigned.outputs)
        public_keys = tuple(keys[reference] for reference in references)
        size = _signed_size(unsigned, outputs, public_keys, rules)
        if size > MAX_VIRTUAL_BYTES:
            raise RefusalError(
                "refusal.too_large",
                f"{size} virtual bytes, nodes relay at most {MAX_VIRTUAL_BYTES}",
            )
        oddities = _oddities(unsigned, payments)
        intent = Intent(chain, coins, payments, size, oddities)
        return BitcoinReading(intent, unsigned, outputs, public_keys)

    def spends(self, key: bytes, script: bytes, chain: Chain) -> bool:
        """Whether ``key`` alone spends ``script``."""
        return RULES[chain.code].can_spend(script, key)

    def destination(self, script: bytes, chain: Chain) -> str:
        """Return the address of ``script``, or its kind and bytes where it has none."""
        address = scripts.address(script, chain.bitcoin)
        return address or f"{scripts.classify(script).value} {script.hex()}"

    def address(self, key: bytes, chain: Chain) -> str:
        """Return the managed address of a public key."""
        script = scripts.managed_script(key, chain.bitcoin)
        address = scripts.address(script, chain.bitcoin)
        assert address is not None
        return address

    def secret(self, text: str, chain: Chain) -> bytes:
        """Return the private key of a compressed WIF; raises ``storage.bad_key``.

        Spaces around it are what Tatum KMS stored as they were typed.
        """
        try:
            data = base58.decode_check(text.strip())
        except ValueError:
            data = b""
        version = bytes([chain.bitcoin.wif_version])
        secret = data[1:33]
        if data != version + secret + b"\x01" or not secp256k1.is_secret(secret):
            raise StorageError(
                "storage.bad_key",
                f"this is no compressed private key (WIF) of {chain.code} "
                f"{chain.network}",
                "a key of the other network begins with other letters",
            )
        return bytes(secret)

    def secret_text(self, secret: bytes, chain: Chain) -> str:
        """Return the compressed WIF of a private key."""
        version = bytes([chain.bitcoin.wif_version])
        return str(base58.encode_check(version + secret + b"\x01"))


FAMILY = BitcoinFamily()


def _check_shape(container: psbt.PSBT, rules: Rules) -> None:
    has_fork_id = rules.hash_type != SIGHASH_ALL
    if any(said.has_fork_id != has_fork_id for said in container.inputs):
        raise RefusalError(
            "refusal.sighash", "the item asks for another signature hash type"
        )
    points = [spent.out_point for spent in container.unsigned.inputs]
    if len(set(points)) != len(points):
        raise RefusalError(
            "refusal.coin_twice", "the transaction spends the same coin twice"
        )


def _check_locks(unsigned: Transaction, chain: Chain, now: int) -> None:
    """Refuse what becomes valid later than in a day: nobody would think of it then."""
    lock = unsigned.lock_time
    is_locked = any(i.sequence != FINAL_SEQUENCE for i in unsigned.inputs)
    if is_locked and lock > _latest_lock(lock, chain, now):
        raise RefusalError(
            "refusal.locked", f"nLockTime {lock} is more than a day ahead"
        )
    if unsigned.version < 2:
        return
    for spent in unsigned.inputs:
        wait = _relative_seconds(spent.sequence)
        if wait > MAX_LOCK_SECONDS:
            raise RefusalError(
                "refusal.locked",
                f"sequence {spent.sequence:#x} locks an input for {wait} s, "
                "more than a day",
            )


def _latest_lock(lock: int, chain: Chain, now: int) -> int:
    if lock >= LOCK_TIME_IS_TIME:
        return now + MAX_LOCK_SECONDS
    # An offline machine cannot know the height; this bounds it from above.
    height, when, seconds = chain.bitcoin.height
    return height + (now + MAX_LOCK_SECONDS - when) // seconds


def _relative_seconds(sequence: int) -> int:
    if sequence & RELATIVE_LOCK_DISABLED:
        return 0
    value = sequence & RELATIVE_LOCK_MASK
    if sequence & RELATIVE_LOCK_IS_TIME:
        return value * RELATIVE_LOCK_SECONDS
    return value * 600


def _coin(point: OutPoint, said: psbt.PSBTInput, rules: Rules) -> tuple[Output, Proof]:
    """Return the coin at ``point`` and how well it is known."""
    if said.previous is None:
        if said.claimed is None:
            raise ContractError(
                "contract.bitcoin.no_coin", f"nothing is said of coin {point}"
            )
        return said.claimed, PROOFS[rules.spend_of(said.claimed.script).commitment]
    if said.previous.tx_id() != point.tx_id:
        raise ContractError(
            "contract.bitcoin.previous",
            f"the transaction given for {point} has id {said.previous.tx_id()}",
        )
    if point.index >= len(said.previous.outputs):
        raise ContractError(
            "contract.bitcoin.previous",
            f"the transaction of {point} has {len(said.previous.outputs)} outputs",
        )
    true = said.previous.outputs[point.index]
    if said.claimed is not None and said.claimed != true:
        raise ContractError(
            "contract.bitcoin.claim",
            f"coin {point} is claimed as {said.claimed.amount} base units, "
            f"its transaction says {true.amount} or another script",
        )
    return true, Proof.PROVEN


def _match_keys(
    coins: tuple[Output, ...], keys: PublicKeys, rules: Rules
) -> tuple[KeyReference, ...]:
    """Return the key of each coin; surplus keys are dropped."""
    spends = [*{rules.spend_of(coin.script): None for coin in coins}]
    by_script: dict[bytes, KeyReference] = {}
    for reference, key in keys.items():
        for spend in spends:
            by_script.setdefault(spend.script(key), reference)
    matched = []
    for index, coin in enumerate(coins):
        if coin.script not in by_script:
            raise RefusalError(
                "refusal.key_missing", f"no key of this item spends input {index}"
            )
        matched.append(by_script[coin.script])
    return tuple(matched)


def _payment(
    output: Output, chain: Chain, keys: PublicKeys, ours: Ownership
) -> Payment:
    kind = scripts.classify(output.script)
    has_address = scripts.address(output.script, chain.bitcoin) is not None
    if not has_address and kind not in (ScriptType.OP_RETURN, ScriptType.P2PK):
        raise RefusalError(
            "refusal.unknown_script",
            f"an output pays to a script nobody can read: {output.script[:40].hex()}",
        )
    if kind is ScriptType.OP_RETURN:
        if output.amount:
            raise RefusalError(
                "refusal.op_return_value",
                f"an OP_RETURN output would destroy {output.amount} base units",
            )
        return Payment(output.script, 0, Owner.OTHERS)
    if output.amount < chain.bitcoin.min_output:
        raise RefusalError(
            "refusal.dust",
            f"an output of {output.amount} base units, nodes relay none below "
            f"{chain.bitcoin.min_output}",
        )
    owner, key = ours.owner(output.script, keys)
    return Payment(output.script, output.amount, owner, key)


def _signed_size(
    unsigned: Transaction,
    coins: tuple[Output, ...],
    keys: tuple[bytes, ...],
    rules: Rules,
) -> int:
    """Return the virtual size (BIP-141) when each signature has its usual length."""
    stripped, witness = len(unsigned.encode()), 0
    for spent, coin, key in zip(unsigned.inputs, coins, keys, strict=True):
        signature = bytes(rules.spend_of(coin.script).scheme.size)
        signed = rules.sign_input(spent, coin, key, signature)
        stripped += len(signed.script_sig)
        witness += 1 + sum(1 + len(item) for item in signed.witness)
    if witness > len(unsigned.inputs):
        witness += len(transaction.SEGWIT_MARKER)
        return stripped + (witness + 3) // 4
    return stripped


def _oddities(unsigned: Transaction, payments: tuple[Payment, ...]) -> tuple[str, ...]:
    odd = []
    if any(i.sequence < REPLACEABLE_BELOW for i in unsigned.inputs):
        odd.append("can be replaced until it is confirmed (BIP-125)")
    if unsigned.lock_time:
        odd.append(f"has lock time {unsigned.lock_time}")
    odd += [
        f"pays {payment.amount} base units, which nodes do not relay"
        for payment in payments
        if payment.amount < DUST and payment.script[:1] != scripts.OP_RETURN
    ]
    if all(payment.owner is not Owner.OTHERS for payment in payments):
        odd.append("pays nobody but ourselves")
    return tuple(odd)
