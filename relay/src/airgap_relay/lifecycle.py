"""The life of one pending transaction, as a table. START READING HERE.

    SEEN → PREPARED → EXPORTED → SIGNED → BROADCASTING → BROADCAST → COMPLETED

Pure: knows neither journal nor network. The journal applies an event only to the
state that it was decided on, so two processes cannot both take the same step.

An item has a new version with each payload that was ever in a batch. All versions
that were signed stay valid until something that conflicts with them is confirmed.

AN UNCERTAIN TRANSACTION MAY HAVE BEEN PAID. It is left by finding its transaction id
or by a person, never by a timeout, an error, or the passing of time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from airgap_shared.documents import KeyReference
from airgap_shared.errors import JournalError


class State(Enum):
    """Where a pending transaction is."""

    SEEN = "SEEN"
    """Tatum lists it; nothing was done with it yet."""
    PREPARED = "PREPARED"
    """Its unsigned bytes and keys are known."""
    EXPORTED = "EXPORTED"
    """It is in a batch; from here on these unsigned bytes never change."""
    SIGNED = "SIGNED"
    """Its signed bytes and transaction id are stored; nothing was sent yet."""
    BROADCASTING = "BROADCASTING"
    """It is being sent, or the relay stopped while it was."""
    BROADCAST = "BROADCAST"
    """The network has it; Tatum may still list it as pending."""
    COMPLETED = "COMPLETED"
    """The network has it and Tatum knows."""
    REFUSED = "REFUSED"
    """It could not be prepared, or the signer refused it."""
    REJECTED = "REJECTED"
    """The network does not take it, and does not have it."""
    CANCELLED = "CANCELLED"
    """A person gave it up."""
    UNCERTAIN = "UNCERTAIN"
    """It was sent, and nobody knows what became of it."""


Replaces = Literal["", "tatum", "fee", "cancel"]
"""Why a payload takes the place of an earlier one: Tatum asks, or a person does."""


class Event(Enum):
    """What can happen to a pending transaction."""

    PREPARE = "prepare"
    SET_ASIDE = "set aside"
    EXPORT = "export"
    SIGN = "sign"
    REFUSE = "refuse"
    SEND = "send"
    POSTPONE = "postpone"
    """The server was not reached, so nothing was sent."""
    FIND = "find"
    """The server knows the transaction id: it accepted it, or answers it."""
    LOSE = "lose"
    """No answer, or one that proves nothing."""
    REJECT = "reject"
    COMPLETE = "complete"
    FALL_BACK = "fall back"
    """The signer refused a replacement of something that was sent."""
    RETRY = "retry"
    """Nothing of it can be signed any more: it is prepared afresh."""
    ASK_AGAIN = "ask again"
    """It is refused, but may still come back signed: only the same bytes again."""
    REPLACE = "replace"
    CANCEL = "cancel"


FROZEN = frozenset(
    {
        State.PREPARED,
        State.EXPORTED,
        State.SIGNED,
        State.BROADCASTING,
        State.UNCERTAIN,
        State.BROADCAST,
        State.COMPLETED,
        State.REJECTED,
    }
)
"""States in which a payload may have been in a batch, so that only a replacement may
take its place; ``PREPARED`` only while it is such a replacement."""

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.SEEN, Event.PREPARE): State.PREPARED,
    (State.SEEN, Event.SET_ASIDE): State.REFUSED,
    (State.PREPARED, Event.EXPORT): State.EXPORTED,
    # The batch expired unanswered: the same bytes go into another one.
    (State.EXPORTED, Event.EXPORT): State.EXPORTED,
    (State.EXPORTED, Event.SIGN): State.SIGNED,
    (State.EXPORTED, Event.REFUSE): State.REFUSED,
    # It was in two batches, of which the signer refused one and signed the other.
    (State.REFUSED, Event.SIGN): State.SIGNED,
    (State.PREPARED, Event.SIGN): State.SIGNED,
    (State.EXPORTED, Event.FALL_BACK): State.UNCERTAIN,
    (State.SIGNED, Event.SEND): State.BROADCASTING,
    (State.BROADCASTING, Event.POSTPONE): State.SIGNED,
    (State.BROADCASTING, Event.FIND): State.BROADCAST,
    (State.BROADCASTING, Event.LOSE): State.UNCERTAIN,
    (State.BROADCASTING, Event.REJECT): State.REJECTED,
    (State.UNCERTAIN, Event.FIND): State.BROADCAST,
    (State.BROADCAST, Event.COMPLETE): State.COMPLETED,
    # A person's word.
    (State.REFUSED, Event.RETRY): State.SEEN,
    (State.REFUSED, Event.ASK_AGAIN): State.PREPARED,
    **{(state, Event.REPLACE): State.PREPARED for state in FROZEN},
    **{
        (state, Event.CANCEL): State.CANCELLED
        for state in State
        if state is not State.CANCELLED
    },
}
"""State and event → next state. What is not here cannot happen."""

SENT = frozenset(
    {State.BROADCASTING, State.UNCERTAIN, State.BROADCAST, State.COMPLETED}
)
"""States in which the network may have the transaction."""

FAILED = frozenset({State.REFUSED, State.REJECTED})
"""States that Tatum is told of as errors."""


def advance(state: State, *events: Event) -> State:
    """Return the state after ``events``, in order.

    Raises ``journal.transition`` for a pair that is not in the table.
    """
    for event in events:
        following = TRANSITIONS.get((state, event))
        if following is None:
            raise JournalError(
                "journal.transition",
                f"a transaction that is {state.value} cannot {event.value}",
            )
        state = following
    return state


@dataclass(frozen=True, slots=True)
class NewItem:
    """A pending transaction as Tatum listed it."""

    id: str
    chain: str
    network: str
    pending: bytes
    source: str
    withdrawal_id: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One pending transaction, and what became of it."""

    id: str
    chain: str
    network: str
    state: State
    pending: bytes
    """Tatum's JSON, byte for byte."""
    source: str
    """SHA-256 of ``pending``."""
    withdrawal_id: str
    payload: bytes
    keys: tuple[KeyReference, ...]
    replaces: Replaces
    """Why the payload takes the place of an earlier one, or nothing."""
    version: int
    """Number of the version that the payload is; 0 until it is in a batch."""
    batch: str
    """The last batch that it went into."""
    tx_id: str
    """What it became, as far as is known; of any version."""
    signed: bytes
    """The payload's signed bytes: what is to be sent."""
    error_code: str
    error_message: str
    error_reported: bool
    created: int
    updated: int


@dataclass(frozen=True, slots=True)
class Version:
    """One payload of an item that was in a batch."""

    number: int
    item: str
    replaces: Replaces
    payload: bytes
    keys: tuple[KeyReference, ...]
    tx_id: str
    signed: bytes
    is_sent: bool
    created: int


@dataclass(frozen=True, slots=True)
class Trace:
    """The transaction id of a version that was signed."""

    item: str
    tx_id: str
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """An item of a batch, and how the signer answered."""

    batch: str
    item: str
    version: int
    outcome: str
    """``signed``, ``refused``, or nothing yet."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the signer answered one item of a batch."""

    item: str
    signed: bytes = b""
    tx_id: str = ""

    @property
    def word(self) -> str:
        """What the journal calls it."""
        return "signed" if self.signed else "refused"


@dataclass(frozen=True, slots=True)
class Export:
    """An item that goes into a batch."""

    item: Item
    replaces: Replaces
    coins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the status."""

    id: str
    chain: str
    state: State
    tx_id: str
    batch: str
    error_code: str
    error_message: str
    created: int


@dataclass(frozen=True, slots=True)
class Change:
    """Events that happened to an item in state ``old``, and what else to store."""

    id: str
    old: State
    events: tuple[Event, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
