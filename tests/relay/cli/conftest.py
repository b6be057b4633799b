"""A shell, a simulated Tatum, and a relay that is ready to poll."""

import pytest

from airgap_relay.cli import opening
from airgap_shared import commandline
from tests.relay.cli.shell import KEY, SIGNATURE_ID, Shell
from tests.relay.world import HOT
from tests.simulators.signer import FakeSigner
from tests.simulators.tatum import SimulatedTatum


@pytest.fixture
def signer():
    made = FakeSigner()
    made.add_private_key(SIGNATURE_ID, HOT)
    return made


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("TATUM_API_KEY", KEY)
    monkeypatch.setenv("TATUM_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(commandline, "ask", lambda _question: None)


@pytest.fixture
def tatum(monkeypatch):
    made = SimulatedTatum()
    monkeypatch.setattr(opening, "client", lambda _run: made)
    return made


@pytest.fixture
def shell(tmp_path, capsys):
    return Shell(tmp_path / "relay", capsys)


@pytest.fixture
def paired(shell, signer, tmp_path):
    """Return a shell whose relay is ready to poll."""
    shell("init", "--network", "testnet")
    identity = tmp_path / "signer.json"
    identity.write_bytes(signer.identity_file())
    code = shell("pair", str(identity), status=3)["error"]["confirm"]
    shell("pair", str(identity), "--confirm", code)
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(signer.manifest())
    shell("manifest", str(manifest))
    return shell
