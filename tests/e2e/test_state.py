"""Homes that were damaged, rolled back or cut off: each stops with its own status."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from airgap_relay.sandbox.faults import Fault
from tests.e2e.world import PROGRAMS


def stopped(machine, status, *command):
    """Require that a command stops with ``status`` and a sentence; return it all."""
    result = machine.try_("--json", *command)
    assert result.status == status, result
    error = result.json["error"]
    assert set(error) - {"confirm"} == {"code", "message", "hint"}
    assert f"{machine.program}: error: {error['message']}" in result.stderr
    assert "Traceback" not in result.stderr
    return error


def test_a_signer_rolled_back_to_before_its_own_signature_stops(
    keys_and_template, signed_world
):
    world = signed_world
    world.relay.run("import", world.path("signed"))
    shutil.rmtree(world.signer.home)
    shutil.copytree(keys_and_template[1] / "signer", world.signer.home)
    world.fund()
    world.transfer(0.001)
    batch = world.export("second")
    command = ("sign", batch, "-o", world.path("again"), "--confirm", "0000-0000")
    stopped(world.signer, 6, *command)
    assert not Path(world.path("again")).exists()


def test_a_relay_refuses_an_answer_of_a_signer_that_was_rolled_back(
    keys_and_template, signed_world
):
    world = signed_world
    world.relay.run("import", world.path("signed"))
    shutil.rmtree(world.signer.home)
    shutil.copytree(keys_and_template[1] / "signer", world.signer.home)
    # Somebody who also holds the relay's key tells the signer nothing of its head.
    world.signer.run("generatemanagedwallet", "BTC", "--testnet")
    world.sign(world.path("unsigned"), "other-answer")
    before = world.relay.state()
    result = world.relay.try_("import", world.path("other-answer"))
    assert result.status in (3, 4, 6), result
    assert world.relay.state() == before


@pytest.mark.parametrize("at", [10, 200, -10])
def test_a_damaged_wallet_storage_is_not_opened(world, at):
    storage = world.signer.home / "wallet.airgap"
    data = bytearray(storage.read_bytes())
    data[at] ^= 1
    storage.write_bytes(data)
    result = world.signer.try_("report")
    assert result.status in (5, 6), result
    assert "Traceback" not in result.stderr


def test_a_truncated_wallet_storage_is_not_opened(world):
    storage = world.signer.home / "wallet.airgap"
    storage.write_bytes(storage.read_bytes()[:100])
    stopped(world.signer, 5, "report")


def test_a_lost_signer_journal_is_a_safety_stop(signed_world):
    world = signed_world
    for path in world.signer.home.glob("*journal*"):
        path.unlink()
    world.fund()
    world.transfer(0.001)
    batch = world.export("second")
    command = ("sign", batch, "-o", world.path("again"), "--confirm", "0000-0000")
    stopped(world.signer, 6, *command)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"x" * 10_000])
def test_a_damaged_relay_journal_is_its_own_status(signed_world, data):
    world = signed_world
    for path in world.relay.home.glob("journal.db*"):
        path.unlink()
    (world.relay.home / "journal.db").write_bytes(data)
    if data:
        stopped(world.relay, 8, "status")
    else:
        assert world.relay.try_("status").status in (0, 8)


def test_an_api_that_is_away_is_its_own_status(world):
    before = world.relay.state()
    world.relay.environment["TATUM_API_URL"] = "http://127.0.0.1:1"
    stopped(world.relay, 7, "poll")
    assert world.relay.state() == before


def test_a_wrong_api_key_is_named_but_not_shown(world):
    world.relay.environment["TATUM_API_KEY"] = "a-key-that-nobody-gave-out"
    error = stopped(world.relay, 7, "poll")
    assert "key" in error["message"] + error["hint"]


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://localhost:1", "ftp://127.0.0.1", "x"]
)
def test_a_key_is_not_sent_in_the_clear(world, url):
    world.relay.environment["TATUM_API_URL"] = url
    stopped(world.relay, 2, "poll")


def test_a_command_that_does_not_exist_is_a_usage_error(world):
    for machine in (world.signer, world.relay):
        stopped(machine, 2, "frobnicate")
        stopped(machine, 2, "identity", "--no-such-option")


def test_stdout_is_not_claimed_twice(signed_world):
    world = signed_world
    batch = world.path("unsigned")
    stopped(world.signer, 2, "sign", batch, "-o", "-", "--confirm", "0000-0000")
    stopped(world.relay, 2, "export", "-o", "-")


def test_a_relay_killed_while_sending_sends_once_in_the_end(signed_world):
    world = signed_world
    world.relay.run("import", world.path("signed"))
    arrived, sent = threading.Event(), []

    def broadcast(request):
        sent.append(request.body["txData"])
        arrived.set()
        return Fault(delay_seconds=0.5 if len(sent) == 1 else 0)

    world.lies.of_path["/broadcast"] = broadcast
    command = [PROGRAMS / "airgap-relay", "--home", world.relay.home, "broadcast"]
    environment = {"HOME": str(world.folder), **world.relay.environment}
    with subprocess.Popen(command, env=environment) as child:
        assert arrived.wait(30)
        child.kill()
    for _ in range(2):
        world.relay.run("broadcast")
    (item,) = world.relay.run("status")["transactions"]
    assert item["state"] == "COMPLETED"
    assert len(set(sent)) == 1
    assert list(world.sandbox.tatum.ledgers["BTC"].mempool) == [item["txId"]]
