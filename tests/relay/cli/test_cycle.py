"""One whole cycle for cron."""

import pytest

from airgap_relay.cli import NAME, opening
from airgap_shared import commandline
from tests.relay.cli.shell import payment, relay_key, sign
from tests.simulators.tatum import Fault


def test_a_server_that_is_away_is_7(paired):
    for command in ("poll", "run"):
        error = paired(command, status=7)["error"]
        assert error["code"] == "remote.unreachable"
        assert error["hint"]


def test_run_does_it_all_through_two_folders(paired, tatum, signer, tmp_path):
    payment(tatum)
    (made,) = paired("run")["exported"]
    (unsigned,) = (paired.home / "outbox").iterdir()
    assert unsigned.name == f"batch-1-{made['batch']}.json"
    inbox = paired.home / "inbox"
    sign(signer, unsigned, inbox / "signed.json", relay_key(paired, tmp_path))
    (inbox / "bad.json").write_bytes(b"{}")
    (inbox / ".half").write_bytes(b"{")
    told = paired("run")
    assert told["broadcast"]["completed"] == 1
    assert told["exported"] == []
    assert sorted(path.name for path in (inbox / "done").iterdir()) == ["signed.json"]
    rejected = sorted(path.name for path in (inbox / "rejected").iterdir())
    assert rejected == ["bad.json", "bad.json.error.txt"]
    reason = (inbox / "rejected" / "bad.json.error.txt").read_text()
    assert reason.startswith("contract.malformed\n")
    assert (inbox / ".half").exists()
    (inbox / "bad.json").write_bytes(b"{}")
    assert "bad.json is rejected" in paired.plain("run") + paired.error
    assert (inbox / "rejected" / "bad-2.json").exists()


def test_run_imports_and_exports_while_polling_fails(paired, tatum, tmp_path):
    payment(tatum)
    paired("poll")
    tatum.always["pending"] = Fault.UNREACHABLE
    outbox = tmp_path / "stick"
    error = paired("run", "--outbox", str(outbox), status=7)["error"]
    assert error["code"] == "remote.unreachable"
    assert len(list(outbox.iterdir())) == 1


@pytest.mark.usefixtures("tatum")
def test_only_one_run_at_a_time(paired):
    with opening.try_lock(commandline.Invocation(NAME, paired.home)) as is_free:
        assert is_free
        assert paired("run") == {"busy": True}
        for command in ("poll", "broadcast"):
            assert paired(command, status=8)["error"]["code"] == "journal.busy"
