"""Two machines, a stick and a sandbox: what black-box tests drive.

Both programs run as processes of their own, through their commands alone.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
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
COMMAND_SECONDS = 60

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


@dataclass
class Machine:
    """One of the two programs and its home."""

    program: str
    home: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def try_(self, *arguments: str) -> Result:
        """Run a command without a terminal, however it ends."""
        done = subprocess.run(
            [PROGRAMS / self.program, *self.options, *arguments],
            cwd=self.home.parent,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home.parent)}
            | {f"{self.program.upper().replace('-', '_')}_HOME": str(self.home)}
            | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            start_new_session=True,
        )
        return Result(done.returncode, done.stdout, done.stderr)

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
            if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock"))
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


def machines(folder: Path) -> tuple[Machine, Machine]:
    """The two machines whose homes lie in ``folder``."""
    password = folder / "password"
    signer = Machine(
        "airgap-signer", folder / "signer", ("--password-file", str(password))
    )
    return signer, Machine("airgap-relay", folder / "relay")


def found(folder: Path, count: int) -> list[dict[str, str]]:
    """Make two homes that know each other and ``count`` keys; return the keys."""
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text("a password of tests\n")
    signer, relay = machines(folder)
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


def copied(template: Path, folder: Path, keys: list[dict[str, str]]) -> World:
    """A world of its own for one test; its sandbox must be stopped."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    lies = Lies()
    sandbox = Sandbox(folder / "sandbox", faults=lies)
    signer, relay = machines(folder)
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
