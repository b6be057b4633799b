"""What became of the signer's answers, for the signer."""

from dataclasses import dataclass

from airgap_relay.service.relay import Relay
from airgap_shared import documents
from airgap_shared.documents import Receipt, ReceiptItem
from airgap_shared.errors import UsageError
from airgap_shared.limits import MAX_BATCH_ITEMS


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt that is in the journal and can be written."""

    number: int
    items: int
    document: bytes


def make_receipt(relay: Relay) -> Told | None:
    """Tell of what changed since the last receipt; ``None`` when nothing did.

    Only of items that were in a batch: the signer knows no others.
    """
    items = relay.journal.untold(MAX_BATCH_ITEMS)
    if not items:
        return None
    receipt = Receipt(
        relay=relay.author.fingerprint,
        signer=relay.signer().fingerprint,
        number=relay.journal.next_receipt(),
        created=relay.now(),
        items=tuple(
            ReceiptItem(id=item.id, state=item.state.value, tx_id=item.tx_id)
            for item in items
        ),
    )
    document = documents.seal(receipt, relay.author.key, relay.author.sign)
    relay.journal.add_receipt(receipt.number, document, items)
    return Told(receipt.number, len(items), document)


def receipt_again(relay: Relay, number: int) -> Told:
    """Return an earlier receipt, byte for byte; raises ``usage.receipt``."""
    document = relay.journal.receipt(number)
    if document is None:
        raise UsageError("usage.receipt", f"this relay has made no receipt {number}")
    trusted = [relay.author.key]
    receipt = documents.unseal(document, Receipt, trusted).document
    return Told(number, len(receipt.items), document)
