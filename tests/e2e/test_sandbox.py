"""The sandbox's commands, started as a person starts them."""

import json
import signal
import stat
import subprocess
from urllib.parse import urlsplit

import pytest

from airgap_relay.sandbox.server import Sandbox
from tests.e2e.world import PROGRAMS, STRANGER, Machine


@pytest.fixture
def relay(forks, tmp_path):
    machine = Machine(forks, "airgap-relay", tmp_path / "relay")
    machine.run("init", "--network", "testnet")
    return machine


def test_a_killed_sandbox_goes_on_where_it_stopped(relay):
    command = [str(PROGRAMS / "airgap-relay"), "--home", str(relay.home), "sandbox"]
    heights, keys = [], set()
    for stop, status in ((signal.SIGKILL, -9), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            try:
                assert child.stdout is not None
                ready = json.loads(child.stdout.readline())
                relay.environment["TATUM_API_KEY"] = ready["apiKey"]
                relay.environment["TATUM_API_URL"] = ready["url"]
                keys.add(ready["apiKey"])
                heights.append(relay.run("sandbox-mine")["height"])
            finally:
                child.send_signal(stop)
            assert child.wait(20) == status
    assert heights == [1, 2, 3]
    assert len(keys) == 1


def test_its_key_is_written_to_a_new_private_file_alone(relay, tmp_path):
    path = tmp_path / "api-key"
    command = [str(PROGRAMS / "airgap-relay"), "--home", str(relay.home), "sandbox"]
    command += ["--api-key-out", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        child.terminate()
    assert path.read_text() == ready["apiKey"] + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert relay.try_("sandbox", "--api-key-out", str(path)).status == 2


def test_what_stands_in_its_way_is_named(relay, tmp_path):
    with Sandbox(relay.home / "sandbox") as running:
        assert "another sandbox" in relay.try_("sandbox").stderr
        port = str(urlsplit(running.url).port)
        other = str(tmp_path / "other")
        result = relay.try_("sandbox", "--home", other, "--port", port)
        assert (result.status, port in result.stderr) == (2, True)
        relay.environment["TATUM_API_KEY"] = running.api_key
        relay.environment["TATUM_API_URL"] = running.url
        for chain, address, amount in (
            ("BTC", "nobody", "1"),
            ("XYZ", STRANGER, "1"),
            ("BTC", STRANGER, "x"),
        ):
            result = relay.try_("sandbox-fund", chain, address, amount)
            assert result.status == 7
            assert "validation.failed" in result.stderr
        assert relay.try_("sandbox-mine", "--count", "0").status == 2
        assert relay.run("sandbox-mine", "--count", "6") == {"height": 6}
