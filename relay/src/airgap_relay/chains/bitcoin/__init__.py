"""The Bitcoin family on the relay's side: Tatum's JSON → PSBT, and back to a txid.

Nothing that Tatum claims of a coin is believed when the previous transaction is
there to prove it; the signer decides what it accepts without one.
"""

from collections.abc import Mapping
from typing import Any

from airgap_relay.chains.base import (
    Bump,
    Pending,
    Prepared,
    Replaced,
    require_size,
    tatum_error,
)
from airgap_relay.chains.bitcoin import answers, keys, replacing
from airgap_shared import amounts
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry
from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcore, psbt
from airgap_shared.formats.bitcoin import script, spending, transaction
from airgap_shared.formats.bitcoin.script import ScriptType
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
        claimed = bitcore.decode(pending.serialized_transaction)
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
        claimed = bitcore.decode(pending.serialized_transaction)
        spent, coins = claimed.unsigned.inputs, claimed.coins
        pairs = zip(spent, coins, strict=True)
        inputs = tuple(_psbt_input(each, coin, previous) for each, coin in pairs)
        if pending.withdrawal_id:
            signing = keys.of_withdrawal(pending, spent, coins, entries, chain)
        else:
            signing = keys.of_transaction(pending, coins, entries, chain)
        payload = psbt.PSBT(claimed.unsigned, inputs).encode()
        return Prepared(require_size(payload), signing)

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

    def matches(self, payload: bytes, signed: bytes) -> str:
        """Return the txid of ``signed``; raises ``contract.signed.*``."""
        container = psbt.decode(payload)
        try:
            transaction_signed = transaction.decode(signed)
        except ContractError as error:
            raise ContractError("contract.signed.malformed", str(error)) from error
        spending.verify(container.unsigned, _coins(container), transaction_signed)
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
    spent: Input, claimed: Output, previous: Mapping[str, bytes]
) -> psbt.PSBTInput:
    commitment = spending.spend_of(claimed.script).commitment
    raw = previous.get(spent.out_point.tx_id)
    if raw is None:
        return psbt.PSBTInput(claimed=claimed)
    if len(raw) > MAX_PREVIOUS_TRANSACTION_BYTES:
        raise tatum_error(
            "too_large",
            f"previous transaction {spent.out_point.tx_id} has {len(raw)} bytes, "
            f"at most {MAX_PREVIOUS_TRANSACTION_BYTES} fit",
        )
    proof = transaction.decode(raw)
    _check_claim(spent.out_point, claimed, proof)
    if commitment is spending.Commitment.ALL_AMOUNTS:
        # A false amount makes the signature void (BIP-341): no proof is needed.
        return psbt.PSBTInput(claimed=claimed)
    commits = commitment is spending.Commitment.OWN_AMOUNT
    return psbt.PSBTInput(proof, claimed if commits else None)


def _check_claim(out_point: OutPoint, claimed: Output, proof: Transaction) -> None:
    if out_point.index >= len(proof.outputs):
        raise tatum_error(
            "amount",
            f"{out_point} does not exist, the transaction has "
            f"{len(proof.outputs)} outputs",
        )
    true = proof.outputs[out_point.index]
    if true != claimed:
        raise tatum_error(
            "amount",
            f"{out_point} is said to hold {claimed.amount} for script "
            f"{claimed.script.hex()[:80]}, but holds {true.amount} for "
            f"{true.script.hex()[:80]}",
        )
