"""``airgap-relay run``, as cron calls it: two folders, and nobody who looks."""

import shutil
import subprocess
from pathlib import Path

from tests.e2e.world import PROGRAMS


def outbox(world):
    return sorted((world.relay.home / "outbox").glob("*"))


def deliver(world, path, name):
    """Put a file into the relay's inbox, as a person with the stick does."""
    inbox = world.relay.home / "inbox"
    inbox.mkdir(exist_ok=True)
    shutil.copy(path, inbox / name)


def test_a_payment_goes_round_with_run_alone(world):
    world.fund()
    id_ = world.transfer()
    world.relay.run("run")
    (batch,) = outbox(world)
    world.relay.run("run")
    assert outbox(world) == [batch], "nothing new, so nothing is written"
    world.sign(str(batch))
    deliver(world, world.path("signed"), "signed-1")
    world.relay.run("run")
    item = world.show(id_)
    assert item["state"] == "COMPLETED"
    assert list(world.sandbox.tatum.ledgers["BTC"].mempool) == [item["txId"]]
    inbox = world.relay.home / "inbox"
    assert [path.name for path in (inbox / "done").iterdir()] == ["signed-1"]
    assert [path for path in inbox.iterdir() if path.is_file()] == []
    world.relay.run("run")
    assert len(world.sandbox.tatum.ledgers["BTC"].mempool) == 1


def test_a_bad_file_in_the_inbox_is_set_aside_and_holds_nothing_up(signed_world):
    world = signed_world
    good = Path(world.path("signed"))
    bad = Path(world.path("bad"))
    bad.write_bytes(good.read_bytes()[:-20])
    deliver(world, bad, "1-bad")
    deliver(world, good, "2-good")
    world.relay.run("run")
    (item,) = world.relay.run("status")["transactions"]
    assert item["state"] == "COMPLETED"
    inbox = world.relay.home / "inbox"
    assert [path.name for path in (inbox / "done").iterdir()] == ["2-good"]
    rejected = [path.name for path in (inbox / "rejected").iterdir()]
    assert "1-bad" in rejected


def test_two_runs_at_once_both_end_well_and_send_once(signed_world):
    world = signed_world
    deliver(world, world.path("signed"), "signed-1")
    command = [str(PROGRAMS / "airgap-relay"), "--home", str(world.relay.home), "run"]
    environment = {"HOME": str(world.folder), **world.relay.environment}
    children = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    world.relay.run("run")
    (item,) = world.relay.run("status")["transactions"]
    assert item["state"] == "COMPLETED"
    assert list(world.sandbox.tatum.ledgers["BTC"].mempool) == [item["txId"]]


def test_run_while_tatum_is_away_keeps_everything(signed_world):
    world = signed_world
    deliver(world, world.path("signed"), "signed-1")
    url = world.relay.environment["TATUM_API_URL"]
    world.relay.environment["TATUM_API_URL"] = "http://127.0.0.1:1"
    away = world.relay.try_("run")
    assert away.status in (0, 7), away
    assert "Traceback" not in away.stderr
    world.relay.environment["TATUM_API_URL"] = url
    world.relay.run("run")
    (item,) = world.relay.run("status")["transactions"]
    assert item["state"] == "COMPLETED"
