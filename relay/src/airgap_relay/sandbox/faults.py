"""What a test may make the sandbox do wrong, one request at a time.

The programs are made for an API that drops, repeats and lies; a sandbox that always
answers truly could not rehearse that. The command line never uses this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One call, as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    api_key: str | None
    body: Any = None
    """Decoded JSON, numbers with a point as ``Decimal``; ``None`` without a body."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call; by default nothing."""

    refuse_with: int | None = None
    """Answer this status and do no work."""
    delay_seconds: float = 0.0
    """Wait before any work."""
    is_left_incomplete: bool = False
    """Broadcast sends, but does not complete: ``failed: true``."""
    answer_with: int | None = None
    """Do the work, then answer this status as if it had failed."""
    drops_connection: bool = False
    """Do the work, then hang up without an answer."""
    lie: Callable[[Any], Any] | None = None
    """The true answer's JSON -> the JSON that is sent."""


Faults = Callable[[Request], Fault]

NO_FAULT = Fault()


def no_faults(_request: Request) -> Fault:
    """Let everything go well."""
    return NO_FAULT
