"""Runs commands of the relay in this process, and what they need beside them."""

import json

import pytest

from airgap_relay.cli import NAME, PROGRAM
from airgap_shared import commandline, documents
from tests.relay.world import World

KEY = "t-0123456789-secret"
SIGNATURE_ID = "742aad14-affc-4e95-a274-f8fb8ec486a3"
TRANSFER = (
    "transfer",
    "BTC",
    "--from",
    f"tb1q6klf3cny45skpulz4kazm9dx9fd44usm635vdt={SIGNATURE_ID}:0",
    "--to",
    "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa=0.001",
)


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
