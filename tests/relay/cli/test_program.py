"""What all commands have in common."""

import os
import subprocess
import sys
import time

import pytest

from airgap_relay.cli import PROGRAM
from tests.relay.cli.shell import KEY, TRANSFER
from tests.simulators.http_server import ScriptedServer


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
