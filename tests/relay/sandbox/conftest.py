"""A sandbox for each test, in this process."""

import pytest

from airgap_relay.sandbox.server import Sandbox
from tests.relay.sandbox.purse import Caller

NOON = 1_700_000_000
"""The sandbox's clock stands still, so that locks are exact."""


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", clock=lambda: NOON) as running:
        yield running


@pytest.fixture
def caller(sandbox):
    return Caller(sandbox.url, sandbox.api_key)
