"""Two machines, a stick and a sandbox: what black-box tests drive.

Both programs run as processes of their own, through their commands alone.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap_relay.sandbox.faults import Fault, Request
from airgap_relay.sandbox.server import Sandbox
from airgap_shared import documents, envelope
from airgap_shared.documents import UnsignedBatch
from tests.relay.sandbox.purse import Caller

PROGRAMS = Path(sys.executable).parent

PASSWORD = "a password of tests"

STRANGER = "tb1qpr49ltmgphvzv2x8vwwd2pp5pm284wzgypu8xa"
"""Somebody who is paid: a public test key's address."""


@dataclass(frozen=True)
class Result:
    """What one command said."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Forks:
    """The process that starts programs; see ``forks.py``."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("forks.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, call: dict[str, Any]) -> int:
        """Run one program and return its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        status = self._process.stdout.readline()
        assert status, "the process that starts programs has ended; see its stderr"
        return int(status)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass
class Machine:
    """One of the two programs and its home."""

    forks: Forks
    program: str
    home: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def try_(self, *arguments: str) -> Result:
        """Run a command without a terminal, however it ends."""
        home = f"{self.program.upper().replace('-', '_')}_HOME"
        with tempfile.TemporaryDirectory() as folder:
            streams = [Path(folder, name) for name in ("stdout", "stderr")]
            call = {
                "program": self.program,
                "arguments": [*self.options, *arguments],
                "folder": str(self.home.parent),
                "environment": {
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.home.parent),
                    home: str(self.home),
                    **self.environment,
                },
                "stdout": str(streams[0]),
                "stderr": str(streams[1]),
            }
            status = self.forks.call(call)
            said = [stream.read_text() for stream in streams]
        for secret in (self.environment.get("TATUM_API_KEY"), PASSWORD):
            assert not secret or secret not in "".join(said), arguments
        return Result(status, *said)

    def run(self, *arguments: str) -> Any:
        """Run a command that must succeed, and return its JSON."""
        result = self.try_("--json", *arguments)
        assert result.status == 0, (arguments, result)
        return result.json if result.stdout.strip() else None

    def state(self) -> dict[str, str]:
        """Digest every file that this machine keeps, to see what was written."""
        return {
            str(path.relative_to(self.home)): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and not path.name.endswith(("-wal", "-shm", "lock"))
        }


class Lies:
    """What a test makes the sandbox do wrong: path's end -> fault, until changed."""

    def __init__(self) -> None:
        self.of_path: dict[str, Callable[[Request], Fault]] = {}

    def __call__(self, request: Request) -> Fault:
        for end, make in self.of_path.items():
            if request.path.endswith(end):
                return make(request)
        return Fault()


@dataclass
class World:
    """A signer and a relay that know each other, and a sandbox between them."""

    folder: Path
    keys: list[dict[str, str]]
    """``{signatureId, address}`` of each stored key."""
    sandbox: Sandbox
    lies: Lies
    signer: Machine
    relay: Machine

    def path(self, name: str) -> str:
        return str(self.folder / name)

    @property
    def tatum(self) -> Caller:
        """The API itself: quicker than a process where that is not the point."""
        return Caller(self.sandbox.url, self.sandbox.api_key)

    def fund(self, key: int = 0, amount: str = "0.01") -> str:
        """Fund a key; return the transaction's id."""
        address = self.keys[key]["address"]
        body = {"chain": "BTC", "address": address, "amount": amount}
        return str(self.tatum.post("/sandbox/fund", **body).body["txId"])

    def transfer(self, amount: float = 0.004, key: int = 0) -> str:
        """Ask Tatum for a payment; return its pending id."""
        reply = self.tatum.post(
            "/v3/bitcoin/transaction",
            fromAddress=[self.keys[key]],
            to=[{"address": STRANGER, "value": amount}],
        )
        return str(reply.body["signatureId"])

    def export(self, name: str = "unsigned") -> str:
        """Poll, write the next batch, and return its path."""
        self.relay.run("poll")
        self.relay.run("export", "-o", self.path(name))
        return self.path(name)

    def sign(self, batch: str, name: str = "signed", *more: str) -> Any:
        """Sign a batch, as a person who accepts it; return what the signer says."""
        frame = envelope.unframe(Path(batch).read_bytes(), UnsignedBatch.TYPE)
        digest = envelope.fingerprint(frame.type, bytes(frame.payload))
        return self.signer.run(
            *("sign", batch, "-o", self.path(name), "--confirm", digest, *more)
        )

    def show(self, id_: str) -> Any:
        listed = self.relay.run("status")["transactions"]
        (item,) = [item for item in listed if item["id"] == id_]
        return item


def machines(forks: Forks, folder: Path) -> tuple[Machine, Machine]:
    """The two machines whose homes lie in ``folder``."""
    password = folder / "password"
    options = ("--password-file", str(password))
    signer = Machine(forks, "airgap-signer", folder / "signer", options)
    return signer, Machine(forks, "airgap-relay", folder / "relay")


def found(forks: Forks, folder: Path, count: int) -> list[dict[str, str]]:
    """Make two homes that know each other and ``count`` keys; return the keys."""
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(f"{PASSWORD}\n")
    signer, relay = machines(forks, folder)
    signer.run("init", "--kdf-memory", "64")
    relay.run("init", "--network", "testnet")
    names = [str(folder / f"{name}.identity") for name in ("signer", "relay")]
    theirs = signer.run("identity", "-o", names[0])["code"]
    ours = relay.run("identity", "-o", names[1])["code"]
    signer.run("pair", names[1], "--confirm", ours)
    relay.run("pair", names[0], "--confirm", theirs)
    made = signer.try_("generatemanagedprivatekeybatch", "BTC", str(count), "--testnet")
    signer.run("manifest", "-o", str(folder / "manifest"))
    relay.run("manifest", str(folder / "manifest"))
    return [json.loads(line) for line in made.stdout.splitlines()]


def copied(
    forks: Forks, template: Path, folder: Path, keys: list[dict[str, str]]
) -> World:
    """A world of its own for one test; its sandbox must be stopped."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    lies = Lies()
    sandbox = Sandbox(folder / "sandbox", faults=lies)
    signer, relay = machines(forks, folder)
    relay.environment = {
        "TATUM_API_KEY": sandbox.api_key,
        "TATUM_API_URL": sandbox.url,
    }
    return World(folder, keys, sandbox, lies, signer, relay)


def relay_key(home: Path) -> Ed25519PrivateKey:
    """The relay's own key: what somebody who owns that machine holds."""
    text = (home / "identity.key").read_text().strip()
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def read_batch(path: str, key: Ed25519PrivateKey) -> UnsignedBatch:
    """The batch in ``path``, which ``key`` has signed."""
    public = key.public_key().public_bytes_raw().hex()
    return documents.unseal(Path(path).read_bytes(), UnsignedBatch, {public}).document


def forged(world: World, batch: str, name: str, **changes: Any) -> str:
    """A batch with other contents, signed by the relay's own key; returns its path."""
    key = relay_key(world.relay.home)
    changed = msgspec.structs.replace(read_batch(batch, key), **changes)
    public = key.public_key().public_bytes_raw().hex()
    Path(world.path(name)).write_bytes(documents.seal(changed, public, key.sign))
    return world.path(name)
