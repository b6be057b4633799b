"""Glue: poll → prepare → export; import → broadcast → complete.

Journal, client, clock and randomness come in as arguments, so that tests can stop
the relay between any two steps and start it again.
"""

from airgap_relay.service.answers import Imported, import_
from airgap_relay.service.exporting import Exported, export, written_again
from airgap_relay.service.pairing import (
    accept_manifest,
    accept_signer,
    is_paired,
    read_signer,
)
from airgap_relay.service.polling import Polled, poll
from airgap_relay.service.relay import Relay
from airgap_relay.service.reporting import report
from airgap_relay.service.sending import AWAY, Sent, broadcast

__all__ = [
    "AWAY",
    "Exported",
    "Imported",
    "Polled",
    "Relay",
    "Sent",
    "accept_manifest",
    "accept_signer",
    "broadcast",
    "export",
    "import_",
    "is_paired",
    "poll",
    "read_signer",
    "report",
    "written_again",
]
