"""What a relay says became of signed items. Claims: they move nothing here. Pure."""

from dataclasses import dataclass

import msgspec

from airgap_shared import envelope
from airgap_shared.documents import Receipt, Sealed
from airgap_shared.errors import RefusalError
from airgap_signer.ceremony import History
from airgap_signer.memory import Memory
from airgap_signer.wallet import Public


class Detail(msgspec.Struct, frozen=True):
    """What the journal keeps of a receipt."""

    relay: str
    number: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of one item, and whether it fits what was signed here."""

    id: str
    state: str
    tx_id: str
    matches: bool


def check(receipt: Receipt, public: Public, history: History) -> None:
    """Refuse another signer's receipt and one that is not newer than the last.

    Raises ``refusal.recipient`` and ``refusal.replay``.
    """
    if receipt.signer != public.fingerprint():
        raise RefusalError(
            "refusal.recipient",
            f"this receipt is for signer {envelope.code(receipt.signer, 5)}",
        )
    for text in history.details("receipt"):
        earlier = msgspec.json.decode(text, type=Detail)
        if earlier.relay == receipt.relay and earlier.number >= receipt.number:
            raise RefusalError(
                "refusal.replay",
                f"receipt {receipt.number} is not newer than receipt {earlier.number}",
            )


def compare(receipt: Receipt, known: Memory) -> list[Claim]:
    """Return the claims beside what this signer's journal knows."""
    claims = []
    for item in receipt.items:
        signed = [record.tx_id for record in known.by_tatum_id.get(item.id, ())]
        matches = item.tx_id in signed if item.tx_id else True
        claims.append(Claim(item.id, item.state, item.tx_id, matches))
    return claims


def detail(sealed: Sealed[Receipt]) -> Detail:
    """Return what the journal keeps of this receipt."""
    return Detail(sealed.document.relay, sealed.document.number, sealed.fingerprint)
