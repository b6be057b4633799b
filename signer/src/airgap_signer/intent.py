"""What a transaction would do, in words that fit every chain.

Everything here was read from the very bytes that get signed; what is merely claimed
says so. Amounts are integers of base units.
"""

from dataclasses import dataclass
from enum import Enum

from airgap_shared.chains import Chain
from airgap_shared.documents import KeyReference


class Proof(Enum):
    """How well a coin's amount is known."""

    PROVEN = "proven"
    """By the previous transaction, whose digest is the coin's transaction id."""
    ALL_COMMITTED = "all amounts committed, not proven"
    """The signature is void if any coin's amount is false (BIP-341)."""
    COMMITTED = "committed, not proven"
    """The signature is void if it is false; nothing else is known of it."""
    CLAIMED = "claimed"
    """Nothing but the relay's word."""


@dataclass(frozen=True, slots=True)
class Coin:
    """Something that is spent."""

    reference: str
    """What no two transactions may spend: an outpoint."""
    amount: int
    script: bytes
    key: KeyReference
    proof: Proof


class Owner(Enum):
    """To whom an output goes."""

    OTHERS = "others"
    PAYER = "back to us"
    OURSELVES = "another wallet of ours"


@dataclass(frozen=True, slots=True)
class Payment:
    """Something that is paid."""

    script: bytes
    amount: int
    owner: Owner
    key: KeyReference | None = None
    """The key of ours that spends it, when it is ours."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What one item would do."""

    chain: Chain
    coins: tuple[Coin, ...]
    payments: tuple[Payment, ...]
    size: int
    """Virtual bytes of the signed transaction, at most."""
    oddities: tuple[str, ...] = ()
    """What a person should look at twice."""

    @property
    def paid_in(self) -> int:
        """Sum of all coins."""
        return sum(coin.amount for coin in self.coins)

    @property
    def paid_out(self) -> int:
        """Sum of all payments."""
        return sum(payment.amount for payment in self.payments)

    @property
    def fee(self) -> int:
        """What miners keep; negative when the outputs exceed the inputs."""
        return self.paid_in - self.paid_out

    @property
    def sent(self) -> int:
        """What goes to others, or all outputs when nothing does."""
        others = [p.amount for p in self.payments if p.owner is Owner.OTHERS]
        return sum(others) if others else self.paid_out

    @property
    def proof(self) -> Proof:
        """The weakest proof of any coin."""
        order = list(Proof)
        return max((coin.proof for coin in self.coins), key=order.index)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the items of a batch for one chain."""

    chain: Chain
    items: int
    sent: int
    fee: int


def totals(intents: list[Intent]) -> list[Totals]:
    """Return the sums of ``intents`` by chain, in order of appearance."""
    chains = dict.fromkeys(intent.chain.code for intent in intents)
    sums = []
    for code in chains:
        group = [intent for intent in intents if intent.chain.code == code]
        sent, fee = sum(i.sent for i in group), sum(i.fee for i in group)
        sums.append(Totals(group[0].chain, len(group), sent, fee))
    return sums
