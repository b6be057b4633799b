"""What the relay asks of Tatum, as an interface: a simulator can stand in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from airgap_shared.chains import Chain


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What Tatum answers when it has sent a transaction."""

    tx_id: str
    completed: bool
    """Whether Tatum took it off its pending list; if not, we do."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A payment that Tatum is asked to prepare; amounts in base units."""

    sources: tuple[tuple[str, str, int | None], ...]
    """Address, signature id, and for a wallet the key's index."""
    targets: tuple[tuple[str, int], ...]
    fee: int | None = None
    change: str = ""


class Client(Protocol):
    """What the relay asks of Tatum; a simulator can stand in."""

    def pending(self, chain: Chain, signature_ids: Sequence[str]) -> list[bytes]:
        """Return the pending transactions of some keys, each as its JSON."""
        ...

    def get(self, pending_id: str) -> bytes:
        """Return one pending transaction as its JSON."""
        ...

    def complete(self, pending_id: str, tx_id: str) -> None:
        """Mark a pending transaction as done; may be repeated."""
        ...

    def complete_withdrawal(self, withdrawal_id: str, tx_id: str) -> None:
        """Mark a virtual account's withdrawal as done; may be repeated."""
        ...

    def cancel(self, pending_id: str, *, revert: bool) -> None:
        """Give a pending transaction up; ``revert`` gives a withdrawal back."""
        ...

    def report_errors(self, failed: Sequence[tuple[str, str]]) -> None:
        """Tell Tatum why pending transactions were not signed or sent."""
        ...

    def broadcast(
        self, chain: Chain, tx_data: bytes, pending_id: str, withdrawal_id: str = ""
    ) -> Broadcast:
        """Send signed bytes to the chain's network."""
        ...

    def transaction(self, chain: Chain, tx_id: str) -> bytes | None:
        """Return what Tatum says of a transaction; ``None`` when it has none."""
        ...

    def raw_transaction(self, chain: Chain, tx_id: str) -> bytes | None:
        """Return what a node says of a transaction; ``None`` when it has none."""
        ...

    def transfer(self, chain: Chain, transfer: Transfer) -> str:
        """Ask for a payment; return the id of the pending transaction."""
        ...
