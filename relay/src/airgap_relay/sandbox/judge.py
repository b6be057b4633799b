"""Whether a transaction may spend its coins: Bitcoin Core's own script engine.

The relay and the signer share our code for signatures, so our code must not be what
says that they are right. Knows nothing of which coins exist.
"""

from typing import Protocol

from airgap_shared.errors import UsageError
from airgap_shared.formats.bitcoin.transaction import Output, Transaction


class Judge(Protocol):
    """Says whether every input of a transaction is entitled to its coin."""

    def refused_input(
        self, transaction: Transaction, coins: tuple[Output, ...]
    ) -> int | None:
        """Return the first input whose script fails; ``None`` when all succeed."""
        ...


class ScriptEngine:
    """Bitcoin Core's consensus rules for scripts, taproot included."""

    def __init__(self) -> None:
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

    def refused_input(
        self, transaction: Transaction, coins: tuple[Output, ...]
    ) -> int | None:
        """Return the first input whose script fails; ``None`` when all succeed."""
        kernel = self._kernel
        spending = kernel.Transaction(transaction.encode())
        scripts = [kernel.ScriptPubkey(coin.script) for coin in coins]
        spent = [
            kernel.TransactionOutput(script, coin.amount)
            for script, coin in zip(scripts, coins, strict=True)
        ]
        shared = self._precompute(spending, spent)
        flags = kernel.ScriptVerificationFlags.ALL
        for index, (script, coin) in enumerate(zip(scripts, coins, strict=True)):
            if not script.verify(coin.amount, spending, shared, index, flags):
                return index
        return None
