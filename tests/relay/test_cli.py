"""The command line: answers, exit statuses, files, and what is never shown."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airgap_relay.cli import NAME, PROGRAM, opening
from airgap_shared import commandline, documents
from airgap_shared.errors import FileError
from tests.relay.world import HOT, World
from tests.simulators.http_server import ScriptedServer
from tests.simulators.signer import FakeSigner
from tests.simulators.tatum import Fault, SimulatedTatum

KEY = "t-0123456789-secret"
SIGNATURE_ID = "742aad14-affc-4e95-a274-f8fb8ec486a3"


class Shell:
    """Runs commands in this process, in one home."""

    def __init__(self, home, capsys):
        self.home = home
        self._capsys = capsys
        self.shown = ""
        self.error = ""

    def __call__(self, *arguments, status=0):
        """Run one command with ``--json`` and return its answer."""
        text = self.plain(*arguments, "--json", status=status)
        return json.loads(text)

    def plain(self, *arguments, status=0):
        """Run one command and return its stdout."""
        with pytest.raises(SystemExit) as caught:
            commandline.run(NAME, PROGRAM, ["--home", str(self.home), *arguments])
        said = self._capsys.readouterr()
        self.error = said.err
        self.shown += said.out + said.err
        assert caught.value.code == status, said
        assert "Traceback" not in said.err
        return said.out


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


def payment(tatum, number=1, **more):
    """Let Tatum list a payment and return its id."""
    _unsigned, pending = World(None, tatum, None).payment(number, **more)
    return pending["id"]


def sign(signer, source, target, key):
    """Carry a file to the signer and its answer back."""
    target.write_bytes(signer.answer(source.read_bytes(), key))


def relay_key(shell, tmp_path):
    output = tmp_path / "relay.json"
    if not output.exists():
        shell("identity", "-o", str(output))
    return documents.unseal_identity(output.read_bytes()).key


def test_init_answers_the_identity_and_refuses_a_second_time(shell):
    told = shell("init", "--network", "testnet")
    assert shell("identity") == {
        "role": "relay",
        "fingerprint": told["fingerprint"],
        "code": told["code"],
    }
    assert len(told["code"]) == 24
    assert shell("init", status=2)["error"]["code"] == "usage.initialised"


def test_init_keeps_the_address_it_is_given(shell):
    shell("init", "--api-url", "http://127.0.0.1:1234")
    told = json.loads((shell.home / "config.json").read_text())
    assert told["apiUrl"] == "http://127.0.0.1:1234"
    assert told["network"] == "mainnet"


@pytest.mark.parametrize(
    "command",
    [
        ("identity",),
        ("poll",),
        ("broadcast",),
        ("run",),
        ("status",),
        ("show", "0" * 24),
        ("export", "-o", "never-written"),
    ],
)
def test_a_home_that_is_not_there_is_usage(shell, command):
    assert shell(*command, status=2)["error"]["code"] == "usage.not_initialised"
    assert not shell.home.exists()


def test_a_missing_journal_is_8(paired):
    (paired.home / "journal.db").unlink()
    assert paired("status", status=8)["error"]["code"] == "journal.missing"


def test_pairing_shows_the_code_and_changes_nothing_without_it(shell, signer, tmp_path):
    shell("init", "--network", "testnet")
    path = tmp_path / "signer.json"
    path.write_bytes(signer.identity_file())
    asked = shell("pair", str(path), status=3)["error"]
    assert asked["code"] == "refusal.confirmation_required"
    assert shell.error.count(asked["confirm"]) >= 2
    wrong = shell("pair", str(path), "--confirm", "0000-0000-0000-0000-0000", status=3)
    assert wrong["error"]["code"] == "refusal.confirmation_wrong"
    assert shell("manifest", str(path), status=2)["error"]["code"] == "usage.not_paired"
    told = shell("pair", str(path), "--confirm", asked["confirm"])
    assert told["fingerprint"] == signer.fingerprint


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


def test_a_server_that_is_away_is_7(paired):
    for command in ("poll", "run"):
        error = paired(command, status=7)["error"]
        assert error["code"] == "remote.unreachable"
        assert error["hint"]


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


TRANSFER = (
    "transfer",
    "BTC",
    "--from",
    f"tb1q6klf3cny45skpulz4kazm9dx9fd44usm635vdt={SIGNATURE_ID}:0",
    "--to",
    "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa=0.001",
)


@pytest.mark.usefixtures("tatum")
def test_a_transfer_answers_the_pending_id(paired):
    assert paired(*TRANSFER) == {"id": "0" * 24}


@pytest.mark.usefixtures("tatum")
@pytest.mark.parametrize(
    ("place", "text", "code"),
    [
        (1, "XYZ", "usage.chain"),
        (3, "nothing", "usage.options"),
        (
            3,
            f"bc1qjesugmy5wq9jejy3zz0llsaynvndrauwtwj4yl={SIGNATURE_ID}",
            "usage.address",
        ),
        (
            3,
            f"tb1q6klf3cny45skpulz4kazm9dx9fd44usm635vdt={SIGNATURE_ID}:x",
            "usage.index",
        ),
        (5, "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa=1e-3", "usage.amount"),
        (5, "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa=0.000000001", "usage.amount"),
    ],
)
def test_a_transfer_that_cannot_be_meant_is_usage(paired, place, text, code):
    arguments = list(TRANSFER)
    arguments[place] = text
    assert paired(*arguments, status=2)["error"]["code"] == code


@pytest.mark.usefixtures("tatum")
def test_fee_and_change_belong_together(paired):
    found = paired(*TRANSFER, "--fee", "0.0001", status=2)["error"]["code"]
    assert found == "usage.options"


def test_an_unknown_transaction_is_usage(paired):
    assert paired("show", "0" * 24, status=2)["error"]["code"] == "usage.id"


def test_the_api_key_is_in_no_output_and_no_file(shell, signer, tmp_path, monkeypatch):
    server = ScriptedServer()
    monkeypatch.setenv("TATUM_API_URL", server.url)
    try:
        shell("init", "--network", "testnet")
        identity, manifest = tmp_path / "identity", tmp_path / "manifest"
        identity.write_bytes(signer.identity_file())
        manifest.write_bytes(signer.manifest())
        code = shell("pair", str(identity), status=3)["error"]["confirm"]
        shell("pair", str(identity), "--confirm", code)
        shell("manifest", str(manifest))
        for status in (400, 401, 403, 429, 500, 302):
            server.script = [(status, {"errorCode": KEY, "message": f"no: {KEY}"})]
            shell("poll", status=7)
            server.script = [(status, {"errorCode": KEY, "message": f"no: {KEY}"})]
            shell(*TRANSFER, status=7)
        server.script = [(200, b"not JSON " + KEY.encode())]
        shell("poll", status=7)
        monkeypatch.setenv("TATUM_API_KEY", f"{KEY} with a space")
        shell("poll", status=2)
    finally:
        server.close()
    assert KEY not in shell.shown
    for path in shell.home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()


def test_a_key_file_may_stand_before_the_command_or_after_it(paired, tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o644)
    for arguments in (
        ("--api-key-file", str(path), "poll"),
        ("poll", "--api-key-file", str(path)),
    ):
        error = paired(*arguments, status=2)["error"]
        assert error["code"] == "usage.api_key_file"


@pytest.mark.parametrize("name", sorted(PROGRAM.commands))
def test_every_command_has_help_with_an_example(shell, name):
    text = shell.plain(name, "--help")
    assert f"airgap-relay {name}" in text
    assert "Example: " in text
    assert "--json" in text


def test_help_appears_at_once():
    command = [sys.executable, "-c", "from airgap_relay.cli import main; main()"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run(
            [*command, "--help"], capture_output=True, env=environment, check=True
        )
        times.append(time.monotonic() - start)
        assert b"broadcast" in done.stdout
    code = (
        "import sys, airgap_relay.cli; "
        "print(sorted({'requests', 'sqlalchemy', 'cryptography'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert loaded.stdout.strip() == "[]"
    assert min(times) < 1.0
