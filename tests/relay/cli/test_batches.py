"""Poll, export, import, broadcast by hand."""

from pathlib import Path

import pytest

from airgap_shared import commandline
from airgap_shared.errors import FileError
from tests.relay.cli.shell import payment, relay_key, sign
from tests.simulators.tatum import Fault


def test_the_whole_way_by_hand(paired, tatum, signer, tmp_path):
    id_ = payment(tatum)
    assert paired("poll") == {"seen": 1, "new": 1}
    unsigned, signed = tmp_path / "unsigned", tmp_path / "signed"
    told = paired("export", "-o", str(unsigned))
    assert told["items"] == 1
    assert len(told["batch"]) == 24
    assert len(told["code"]) == 9
    key = relay_key(paired, tmp_path)
    sign(signer, unsigned, signed, key)
    taken = {"batch": told["batch"], "signed": 1, "refused": 0}
    assert paired("import", str(signed)) == taken
    assert paired("import", str(signed)) == taken
    sent = {"completed": 1, "waiting": 0, "uncertain": 0, "rejected": 0}
    assert paired("broadcast") == sent
    assert paired("broadcast") == sent | {"completed": 0}
    (item,) = paired("status")["transactions"]
    assert item == {
        "id": id_,
        "chain": "BTC",
        "state": "COMPLETED",
        "txId": item["txId"],
        "batch": told["batch"],
        "error": None,
    }
    (shown,) = paired("show", id_)["transactions"]
    assert item.items() <= shown.items()
    assert shown["transaction"]["fee"] == "0.00001"
    assert id_ in paired.plain("status")
    assert "0.00001 BTC" in paired.plain("show", id_)


def test_nothing_to_sign_writes_nothing(paired, tmp_path):
    output = tmp_path / "unsigned"
    assert paired("export", "-o", str(output)) == {
        "batch": None,
        "code": None,
        "items": 0,
    }
    assert "nothing to sign" in paired.plain("export", "-o", str(output))
    assert not output.exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_journal(
    paired, tatum, tmp_path
):
    payment(tatum)
    paired("poll")
    taken = tmp_path / "taken"
    taken.touch()
    assert (
        paired("export", "-o", str(taken), status=2)["error"]["code"] == "file.exists"
    )
    nowhere = str(tmp_path / "none" / "file")
    assert paired("export", "-o", nowhere, status=2)["error"]["code"] == "file.missing"
    both = paired("export", "-o", "-", status=2)["error"]["code"]
    assert both == "usage.stdout_twice"
    (item,) = paired("status")["transactions"]
    assert item["state"] == "PREPARED"


def test_a_batch_whose_file_failed_is_written_again(
    paired, tatum, tmp_path, monkeypatch
):
    payment(tatum)
    paired("poll")
    output = str(tmp_path / "unsigned")

    def full(*_arguments):
        raise FileError("file.disk_full", "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(commandline.Invocation, "write", full)
        error = paired("export", "-o", output, status=9)["error"]
    assert error["code"] == "file.disk_full"
    batch = error["hint"].split("--batch ")[1].split()[0]
    assert paired("export", "--batch", batch, "-o", output)["items"] == 1
    again = str(tmp_path / "again")
    paired("export", "--batch", batch, "-o", again)
    assert Path(output).read_bytes() == Path(again).read_bytes()


@pytest.mark.parametrize("option", ["--limit", "--valid-for"])
def test_an_earlier_batch_cannot_be_changed(paired, tmp_path, option):
    arguments = ("export", "--batch", "0" * 24, option, "5", "-o", str(tmp_path / "x"))
    error = paired(*arguments, status=2)["error"]
    assert error["code"] == "usage.options"
    assert option in error["message"]


@pytest.mark.parametrize("seconds", ["0", "604801", "x"])
def test_a_batch_lives_at_most_seven_days(paired, tmp_path, seconds):
    arguments = ("export", "--valid-for", seconds, "-o", str(tmp_path / "x"))
    assert paired(*arguments, status=2)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (None, 2, "file.missing"),
        (b"", 4, "contract.malformed"),
        (b"{}", 4, "contract.malformed"),
        (b"\xff\xfe", 4, "contract.malformed"),
        (b"[" * 100_000, 4, "contract.malformed"),
    ],
)
def test_a_hostile_file_ends_in_one_sentence(paired, tmp_path, data, status, code):
    path = tmp_path / "signed"
    if data is not None:
        path.write_bytes(data)
    assert paired("import", str(path), status=status)["error"]["code"] == code
    assert paired.error.count("airgap-relay: error:") == 1


def test_a_folder_is_no_document(paired, tmp_path):
    found = paired("import", str(tmp_path), status=9)["error"]["code"]
    assert found == "file.not_regular"


def test_broadcast_without_anything_to_send_needs_no_server(paired):
    assert paired("broadcast")["completed"] == 0


def test_import_works_while_the_server_is_away(
    paired, tatum, signer, tmp_path, monkeypatch
):
    id_ = payment(tatum)
    paired("poll")
    unsigned, signed = tmp_path / "unsigned", tmp_path / "signed"
    paired("export", "-o", str(unsigned))
    signer.refuse[id_] = "refusal.operator"
    sign(signer, unsigned, signed, relay_key(paired, tmp_path))
    tatum.always["report_errors"] = Fault.UNREACHABLE
    assert paired("import", str(signed))["refused"] == 1
    assert "not yet reported" in paired.error
    monkeypatch.delenv("TATUM_API_KEY")
    assert paired("import", str(signed))["refused"] == 1
