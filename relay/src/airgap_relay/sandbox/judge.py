"""Whether a transaction may spend its coins: Bitcoin Core's own script engine.

The relay and the signer share our code for signatures, so our code must not be what
says that they are right. Bitcoin Cash alone is left to it: no other engine for its
signatures is at hand. Knows nothing of which coins exist.
"""

from typing import Protocol

from airgap_shared.errors import ContractError, UsageError
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import Output, Transaction


class Judge(Protocol):
    """Says whether every input of a transaction is entitled to its coin."""

    def refusal(
        self, transaction: Transaction, coins: tuple[Output, ...]
    ) -> str | None:
        """Return what is wrong with a script; ``None`` when all succeed."""
        ...


class ScriptEngine:
    """Bitcoin Core's consensus rules for scripts, taproot included."""

    def __init__(self, *, has_segwit: bool = True) -> None:
        """Load the engine; raises ``usage.sandbox_extra`` when it is not installed."""
        try:
            # An extra: a relay that runs no sandbox does without this library.
            import pbk  # noqa: PLC0415
            from pbk.script import PrecomputedTransactionData  # noqa: PLC0415
        except ImportError as error:
            raise UsageError(
                "usage.sandbox_extra",
                "the sandbox needs Bitcoin Core's script engine, which is missing",
                "install it with: pip install 'airgap-relay[sandbox]'",
            ) from error
        self._kernel = pbk
        self._precompute = PrecomputedTransactionData
        self._has_segwit = has_segwit
        self._flags = pbk.ScriptVerificationFlags.ALL
        if not has_segwit:
            flags = pbk.ScriptVerificationFlags
            self._flags = flags.P2SH | flags.DERSIG | flags.NULLDUMMY
            self._flags |= flags.CHECKLOCKTIMEVERIFY

    def refusal(
        self, transaction: Transaction, coins: tuple[Output, ...]
    ) -> str | None:
        """Return the first input whose script fails; ``None`` when all succeed."""
        if not self._has_segwit and any(i.witness for i in transaction.inputs):
            return "witness"
        kernel = self._kernel
        spending = kernel.Transaction(transaction.encode())
        scripts = [kernel.ScriptPubkey(coin.script) for coin in coins]
        spent = [
            kernel.TransactionOutput(script, coin.amount)
            for script, coin in zip(scripts, coins, strict=True)
        ]
        shared = self._precompute(spending, spent)
        for index, (script, coin) in enumerate(zip(scripts, coins, strict=True)):
            if not script.verify(coin.amount, spending, shared, index, self._flags):
                return f"input {index}"
        return None


class LegacyEngine(ScriptEngine):
    """The same without segwit: Dogecoin."""

    def __init__(self) -> None:
        """Load the engine; raises ``usage.sandbox_extra`` when it is not installed."""
        super().__init__(has_segwit=False)


class OwnRules:
    """Our own verification of Bitcoin Cash: P2PKH with Schnorr signatures alone."""

    def refusal(
        self, transaction: Transaction, coins: tuple[Output, ...]
    ) -> str | None:
        """Return what our rules say against it; ``None`` when it is well signed."""
        try:
            RULES["BCH"].verify(transaction.unsigned(), coins, transaction)
        except ContractError as error:
            return str(error)
        return None
