"""The Bitcoin family on the relay's side: Tatum's JSON → PSBT, and back to a txid.

Nothing that Tatum claims of a coin is believed when the previous transaction is
there to prove it; the signer decides what it accepts without one.
"""

from collections.abc import Mapping
from typing import Any

from airgap_relay.chains import answers
from airgap_relay.chains.base import (
    Bump,
    Pending,
    Prepared,
    Replaced,
    require_size,
    tatum_error,
)
from airgap_relay.chains.bitcoin import keys, replacing
from airgap_shared import amounts
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry
from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcash, bitcore, psbt
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.digests import SIGHASH_ALL
from airgap_shared.formats.bitcoin.script import ScriptType
from airgap_shared.formats.bitcoin.spending import RULES, Commitment, Rules
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from airgap_shared.limits import MAX_PREVIOUS_TRANSACTION_BYTES


class BitcoinFamily:
    """BTC, and what shares its transactions."""

    def needs(self, pending: Pending) -> frozenset[str]:
        """Return the previous transaction of every input but taproot (BIP-341)."""
        claimed = _read(pending)
        pairs = zip(claimed.unsigned.inputs, claimed.coins, strict=True)
        return frozenset(
            spent.out_point.tx_id
            for spent, coin in pairs
            if script.classify(coin.script) is not ScriptType.P2TR
        )

    def find(self, answer: bytes, tx_id: str) -> bytes | None:
        """Return the transaction without its witness when it hashes to ``tx_id``."""
        found = answers.find(answer, tx_id)
        return None if found is None else found.encode(witness=False)

    def is_confirmed(self, answer: bytes) -> bool:
        """Whether ``answer`` says that a transaction is in a block."""
        return answers.is_confirmed(answer)

    def prepare(
        self,
        pending: Pending,
        previous: Mapping[str, bytes],
        entries: Mapping[str, Entry],
        chain: Chain,
    ) -> Prepared:
        """Return the PSBT and its keys; raises ``contract.tatum.*``."""
        claimed = _read(pending)
        spent, coins = claimed.unsigned.inputs, claimed.coins
        _check(claimed, chain)
        if pending.withdrawal_id:
            signing = keys.of_withdrawal(pending, spent, coins, entries, chain)
        elif _has_fork_id(chain.code):
            signing = keys.in_order(pending, len(spent), entries, chain)
        else:
            signing = keys.by_script(pending, coins, entries, chain)
        if _has_fork_id(chain.code):
            coins = tuple(
                Output(coin.amount, script.p2pkh(script.hash160(key.public)))
                for coin, key in zip(coins, signing, strict=True)
            )
        rules = RULES[chain.code]
        pairs = zip(spent, coins, strict=True)
        inputs = tuple(_psbt_input(each, coin, previous, rules) for each, coin in pairs)
        payload = psbt.PSBT(claimed.unsigned, inputs).encode()
        references = dict.fromkeys(key.reference for key in signing)
        return Prepared(require_size(payload), tuple(references))

    def replace(
        self, payload: bytes, wish: Bump, entries: Mapping[str, Entry], chain: Chain
    ) -> Replaced:
        """Return the version that a person wishes for; ``refusal.replace.*``."""
        container = psbt.decode(payload)
        return replacing.replaced(container, _coins(container), wish, entries, chain)

    def fee(self, payload: bytes) -> int:
        """Return what ``payload`` pays to miners, base units."""
        container = psbt.decode(payload)
        return replacing.fee_of(container.unsigned, _coins(container))

    def coins(self, payload: bytes) -> frozenset[str]:
        """Return the outpoints that ``payload`` spends."""
        unsigned = psbt.decode(payload).unsigned
        return frozenset(str(spent.out_point) for spent in unsigned.inputs)

    def spends(self, data: bytes) -> frozenset[str]:
        """Return the outpoints that a transaction's bytes spend."""
        inputs = transaction.decode(data).inputs
        return frozenset(str(spent.out_point) for spent in inputs)

    def matches(self, payload: bytes, signed: bytes, chain: Chain) -> str:
        """Return the txid of ``signed``; raises ``contract.signed.*``."""
        container = psbt.decode(payload)
        try:
            transaction_signed = transaction.decode(signed)
        except ContractError as error:
            raise ContractError("contract.signed.malformed", str(error)) from error
        rules = RULES[chain.code]
        rules.verify(container.unsigned, _coins(container), transaction_signed)
        return transaction_signed.tx_id()

    def describe(self, payload: bytes, chain: Chain) -> dict[str, Any]:
        """Return inputs, outputs and fee, amounts in the unit people use."""
        container = psbt.decode(payload)
        unsigned, coins = container.unsigned, _coins(container)
        return {
            "inputs": [
                {"coin": str(spent.out_point), "proven": stated.previous is not None}
                | _paid(coin, chain)
                for spent, stated, coin in zip(
                    unsigned.inputs, container.inputs, coins, strict=True
                )
            ],
            "outputs": [_paid(output, chain) for output in unsigned.outputs],
            "fee": amounts.text(self.fee(payload), chain.decimals),
        }


def _has_fork_id(code: str) -> bool:
    return RULES[code].hash_type != SIGHASH_ALL


def _read(pending: Pending) -> bitcore.BitcoreTransaction:
    """Return what Tatum tells; the coins of BCH have no script yet."""
    if not _has_fork_id(pending.chain):
        return bitcore.decode(pending.serialized_transaction)
    told = bitcash.decode(pending.serialized_transaction)
    coins = tuple(Output(amount, b"") for amount in told.amounts)
    return bitcore.BitcoreTransaction(told.unsigned, coins)


def _check(claimed: bitcore.BitcoreTransaction, chain: Chain) -> None:
    """Refuse coins that the chain cannot spend, and a fee that is not what is paid."""
    if not _has_fork_id(chain.code):
        for coin in claimed.coins:
            RULES[chain.code].spend_of(coin.script)
    fee = replacing.fee_of(claimed.unsigned, claimed.coins)
    if chain.bitcoin.checks_fee_field and claimed.fee not in (None, fee):
        raise tatum_error("fee", f"its fee is said to be {claimed.fee}, but is {fee}")


def _paid(output: Output, chain: Chain) -> dict[str, str | None]:
    return {
        "address": script.address(output.script, chain.bitcoin),
        "script": output.script.hex(),
        "amount": amounts.text(output.amount, chain.decimals),
    }


def _coins(container: psbt.PSBT) -> tuple[Output, ...]:
    """Return what is spent: proven where it is, claimed where nothing proves it."""
    coins = []
    for spent, stated in zip(container.unsigned.inputs, container.inputs, strict=True):
        if stated.previous is not None:
            coins.append(stated.previous.outputs[spent.out_point.index])
        else:
            # Every input that we prepare has one or the other.
            assert stated.claimed is not None
            coins.append(stated.claimed)
    return tuple(coins)


def _psbt_input(
    spent: Input, claimed: Output, previous: Mapping[str, bytes], rules: Rules
) -> psbt.PSBTInput:
    has_fork_id = rules.hash_type != SIGHASH_ALL
    alone = psbt.PSBTInput(claimed=claimed, has_fork_id=has_fork_id)
    raw = previous.get(spent.out_point.tx_id)
    if raw is None:
        return alone
    if len(raw) > MAX_PREVIOUS_TRANSACTION_BYTES:
        raise tatum_error(
            "too_large",
            f"previous transaction {spent.out_point.tx_id} has {len(raw)} bytes, "
            f"at most {MAX_PREVIOUS_TRANSACTION_BYTES} fit",
        )
    proof = transaction.decode(raw)
    _check_claim(spent.out_point, claimed, proof, has_fork_id=has_fork_id)
    commitment = rules.spend_of(claimed.script).commitment
    if commitment is Commitment.ALL_AMOUNTS:
        # A false amount makes the signature void (BIP-341): no proof is needed.
        return alone
    # Readers of BIP-174 expect the coin itself beside the proof for segwit alone.
    is_segwit = commitment is Commitment.OWN_AMOUNT and not has_fork_id
    return psbt.PSBTInput(proof, claimed if is_segwit else None, has_fork_id)


def _check_claim(
    out_point: OutPoint, claimed: Output, proof: Transaction, *, has_fork_id: bool
) -> None:
    if out_point.index >= len(proof.outputs):
        raise tatum_error(
            "amount",
            f"{out_point} does not exist, the transaction has "
            f"{len(proof.outputs)} outputs",
        )
    true = proof.outputs[out_point.index]
    if has_fork_id and true.script != claimed.script:
        raise tatum_error("key_order", f"the key named for {out_point} does not own it")
    if true != claimed:
        raise tatum_error(
            "amount",
            f"{out_point} is said to hold {claimed.amount} for script "
            f"{claimed.script.hex()[:80]}, but holds {true.amount} for "
            f"{true.script.hex()[:80]}",
        )
