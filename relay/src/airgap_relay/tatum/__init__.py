"""Tatum's API. ``exchange`` is the only module that speaks HTTP."""

from airgap_relay.tatum.calls import Broadcast, Client, Transfer
from airgap_relay.tatum.client import HTTPClient
from airgap_relay.tatum.exchange import READ_SECONDS

__all__ = ["READ_SECONDS", "Broadcast", "Client", "HTTPClient", "Transfer"]
