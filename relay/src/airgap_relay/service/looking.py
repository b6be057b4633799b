"""What the network has: one transaction, or the versions of one payment."""

from collections.abc import Sequence
from dataclasses import dataclass

from airgap_relay.chains.base import Family
from airgap_relay.lifecycle import Trace
from airgap_relay.tatum import Client
from airgap_shared.chains import Chain
from airgap_shared.errors import RemoteError


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction whose bytes hash to its id."""

    tx_id: str
    data: bytes
    is_confirmed: bool


def look_up(
    client: Client, chain: Chain, family: Family, tx_id: str
) -> Found | RemoteError | None:
    """Return a transaction that hashes to ``tx_id``; ``None`` when there is none.

    An error is returned, not raised, when nobody knows: the server failed, or what
    it told has another hash.
    """
    try:
        first = client.transaction(chain, tx_id)
        if first is None:
            return None
        is_confirmed = family.is_confirmed(first)
        proven = family.find(first, tx_id)
        if proven is None:
            node = client.raw_transaction(chain, tx_id)
            if node is None:
                return None
            proven = family.find(node, tx_id)
    except RemoteError as error:
        return error
    if proven is None:
        return RemoteError(
            "remote.transaction",
            f"Tatum's answer for {tx_id} is another transaction",
        )
    return Found(tx_id, proven, is_confirmed)


def look_up_any(
    client: Client, chain: Chain, family: Family, traces: Sequence[Trace]
) -> Found | RemoteError | None:
    """Return the version that the network has: a confirmed one before all others.

    ``None`` only when it has none of them, an error when nobody knows of one.
    """
    found: Found | None = None
    unknown: RemoteError | None = None
    for trace in traces:
        answer = look_up(client, chain, family, trace.tx_id)
        if isinstance(answer, RemoteError):
            unknown = answer
        elif answer is not None:
            if answer.is_confirmed:
                return answer
            found = found or answer
    return found or unknown
