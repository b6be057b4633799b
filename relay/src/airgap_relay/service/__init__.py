"""Glue: poll → prepare → export; import → broadcast → complete; a person's word.

Journal, client, clock and randomness come in as arguments, so that tests can stop
the relay between any two steps and start it again.
"""

from airgap_relay.service.answers import Imported, import_
from airgap_relay.service.ending import (
    Cancellation,
    Settlement,
    cancel,
    plan_cancellation,
    plan_settlement,
    require_open,
    settle,
)
from airgap_relay.service.exporting import Exported, export, written_again
from airgap_relay.service.pairing import (
    accept_manifest,
    accept_signer,
    is_paired,
    read_signer,
)
from airgap_relay.service.polling import Polled, poll
from airgap_relay.service.receipts import Told, make_receipt, receipt_again
from airgap_relay.service.relay import Relay
from airgap_relay.service.replacing import (
    Replacement,
    Wish,
    plan_replacement,
    replace,
    retry,
)
from airgap_relay.service.reporting import report
from airgap_relay.service.sending import AWAY, Sent, broadcast

__all__ = [
    "AWAY",
    "Cancellation",
    "Exported",
    "Imported",
    "Polled",
    "Relay",
    "Replacement",
    "Sent",
    "Settlement",
    "Told",
    "Wish",
    "accept_manifest",
    "accept_signer",
    "broadcast",
    "cancel",
    "export",
    "import_",
    "is_paired",
    "make_receipt",
    "plan_cancellation",
    "plan_replacement",
    "plan_settlement",
    "poll",
    "read_signer",
    "receipt_again",
    "replace",
    "report",
    "require_open",
    "retry",
    "settle",
    "written_again",
]
