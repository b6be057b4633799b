"""Tatum is told once why a pending transaction was not signed or sent."""

from airgap_relay.lifecycle import Change
from airgap_relay.service.relay import Relay
from airgap_relay.tatum import Client
from airgap_shared.errors import RemoteError

REPORTS = 100
"""Errors in one request."""


def report(relay: Relay, client: Client) -> None:
    """Report failed items that Tatum was not told of; they wait when it is away.

    It is noted after the request, so a relay that stops in between reports again:
    to tell twice is harmless, never to tell is not.
    """
    failed = relay.journal.unreported()
    for start in range(0, len(failed), REPORTS):
        group = failed[start : start + REPORTS]
        texts = [(i.id, f"{i.error_code}: {i.error_message}") for i in group]
        try:
            client.report_errors(texts)
        except RemoteError as error:
            relay.note(f"{len(failed) - start} errors not yet reported: {error}")
            return
        values = {"error_reported": True}
        changes = [Change(item.id, item.state, (), values) for item in group]
        relay.journal.apply(changes, relay.now())
