"""Every document, changed in every way that a hostile carrier could think of.

Each is refused with 3 or 4 and one sentence, and nothing is written.
"""

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap_shared import envelope
from airgap_shared.limits import MAX_DOCUMENT_BYTES
from tests.e2e.world import relay_key

READERS = {
    "relay.identity": ("signer", "pair"),
    "signer.identity": ("relay", "pair"),
    "manifest": ("relay", "manifest"),
    "unsigned": ("signer", "review"),
    "signed": ("relay", "import"),
}
"""Document -> who reads it, with which command."""


def flipped(data, marker):
    """One bit changed in the first character after ``marker``."""
    at = data.index(marker) + len(marker)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def by_a_stranger(data):
    """The same document, signed by a key that nobody has paired."""
    frame = json.loads(data)
    key = Ed25519PrivateKey.from_private_bytes(b"\x42" * 32)
    return resealed(frame["type"], payload_of(data), key)


def resealed(type_, payload, key):
    public = key.public_key().public_bytes_raw().hex()
    return envelope.seal(type_, payload, public, key.sign)


def payload_of(data):
    """The payload's bytes, as they stand in the file."""
    start = data.index(b'"payload":') + len(b'"payload":')
    return data[start : data.rindex(b',"signatures":')]


CHANGES = {
    "empty": lambda _: b"",
    "truncated": lambda data: data[: len(data) // 2],
    "without its last byte": lambda data: data[:-1],
    "trailing byte": lambda data: data + b"\n",
    "trailing document": lambda data: data + data,
    "leading space": lambda data: b" " + data,
    "bit in its payload": lambda data: flipped(data, b'"payload":{"'),
    "bit in its signature": lambda data: flipped(data, b'"signature":"'),
    "bit in its key": lambda data: flipped(data, b'"signatures":[{"key":"'),
    "duplicate key": lambda data: b'{"type":"x",' + data[1:],
    "unknown field": lambda data: b'{"extra":1,' + data[1:],
    "null": lambda data: data.replace(b'"signatures":[', b'"signatures":null,"x":[', 1),
    "null payload": lambda data: data.replace(payload_of(data), b"null", 1),
    "spaces": lambda data: data.replace(b'":', b'": ', 1),
    "no UTF-8": lambda data: data.replace(b'"payload":{"', b'"payload":{"\xff', 1),
    "too deep": lambda _: b"[" * 100_000,
    "another version": lambda data: data.replace(b'.v1"', b'.v2"', 1),
    "another type": lambda data: data.replace(b'"airgap.', b'"airgap.x', 1),
}
"""What happens to the file's bytes."""


def refused(machine, command, path, stick):
    """Require that a file is refused as a whole, without a trace of it anywhere."""
    before, listing = machine.state(), sorted(stick.iterdir())
    result = machine.try_(*command, str(path))
    assert result.status in (3, 4), result
    errors = [line for line in result.stderr.splitlines() if ": error: " in line]
    assert len(errors) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert result.stderr.isascii()
    assert machine.state() == before
    assert sorted(stick.iterdir()) == listing


@pytest.fixture
def stick(tmp_path):
    return tmp_path


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", READERS)
def test_a_changed_document_is_refused(still_world, stick, name, change):
    side, command = READERS[name]
    data = Path(still_world.path(name)).read_bytes()
    changed = CHANGES[change](data)
    assert changed != data
    path = stick / name
    path.write_bytes(changed)
    refused(getattr(still_world, side), (command,), path, stick)


@pytest.mark.parametrize("name", ["manifest", "unsigned", "signed"])
def test_a_document_by_a_stranger_is_refused(still_world, stick, name):
    side, command = READERS[name]
    path = stick / name
    path.write_bytes(by_a_stranger(Path(still_world.path(name)).read_bytes()))
    refused(getattr(still_world, side), (command,), path, stick)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("manifest", "relay.identity"),
        ("unsigned", "signer.identity"),
        ("signed", "manifest"),
        ("manifest", "unsigned"),
        ("unsigned", "signed"),
    ],
)
def test_a_document_is_not_taken_for_another(still_world, stick, given, name):
    side, command = READERS[name]
    path = Path(still_world.path(given))
    refused(getattr(still_world, side), (command,), path, stick)


@pytest.mark.parametrize("name", READERS)
def test_a_document_that_is_too_large_is_refused(still_world, stick, name):
    side, command = READERS[name]
    path = stick / name
    data = Path(still_world.path(name)).read_bytes()
    path.write_bytes(data + b" " * MAX_DOCUMENT_BYTES)
    refused(getattr(still_world, side), (command,), path, stick)


PAYLOADS = {
    "duplicate key": lambda text: text.replace(b'{"id":', b'{"id":"x","id":', 1),
    "unknown field": lambda text: text[:-1] + b',"extra":1}',
    "null": lambda text: text[:-1] + b',"seen":null}',
    "float": lambda text: text.replace(b'"sequence":1', b'"sequence":1.0', 1),
    "huge number": lambda text: field(text, "sequence", 2**53),
    "negative number": lambda text: field(text, "sequence", -1),
    "spaces": lambda text: text.replace(b'":', b'": ', 1),
    "explicit default": lambda text: text.replace(
        b'"payload":', b'"replaces":"","payload":', 1
    ),
    "no items": lambda text: text[: text.index(b'"items":[')] + b'"items":[]}',
    "expired": lambda text: dated(text, -8 * 86_400),
    "from the future": lambda text: dated(text, 86_400),
    "for another signer": lambda text: field(text, "signer", "ab" * 32),
    "by another relay": lambda text: field(text, "relay", "ab" * 32),
    "for another network": lambda text: field(text, "network", "mainnet"),
    "living too long": lambda text: field(text, "expires", 2**40),
    "with a newer manifest": lambda text: field(text, "manifest", 99),
    "with a path for an id": lambda text: field(text, "id", "../../../../etc/passwd"),
    "with a control character": lambda text: field(text, "id", "\x1b[2J"),
}
"""What somebody with the relay's key could write into a batch."""


def field(text, name, value):
    changed = {**json.loads(text), name: value}
    return json.dumps(changed, separators=(",", ":")).encode()


def dated(text, seconds):
    batch = json.loads(text)
    changed = {name: batch[name] + seconds for name in ("created", "expires")}
    return json.dumps({**batch, **changed}, separators=(",", ":")).encode()


@pytest.mark.parametrize("change", PAYLOADS)
def test_a_batch_that_its_author_got_wrong_is_refused(still_world, stick, change):
    world = still_world
    payload = payload_of(Path(world.path("unsigned")).read_bytes())
    changed = PAYLOADS[change](payload)
    assert changed != payload
    key = relay_key(world.relay.home)
    path = stick / "unsigned"
    path.write_bytes(resealed("airgap.unsigned-batch.v1", changed, key))
    refused(world.signer, ("review",), path, stick)


@pytest.mark.parametrize("change", ["truncated", "bit in its payload", "expired"])
def test_sign_refuses_what_review_refuses(still_world, stick, change):
    world = still_world
    data = Path(world.path("unsigned")).read_bytes()
    path = stick / "unsigned"
    if change in CHANGES:
        path.write_bytes(CHANGES[change](data))
    else:
        key = relay_key(world.relay.home)
        payload = PAYLOADS[change](payload_of(data))
        path.write_bytes(resealed("airgap.unsigned-batch.v1", payload, key))
    command = ("sign", "-o", str(stick / "signed"), "--confirm", "0000-0000")
    refused(world.signer, command, path, stick)


@pytest.mark.parametrize("name", ["absent", "folder", "fifo"])
def test_what_is_no_regular_file_is_named_and_not_waited_for(still_world, stick, name):
    path = stick / name
    if name == "folder":
        path.mkdir()
    if name == "fifo":
        os.mkfifo(path)
    for side, command in (READERS["unsigned"], READERS["signed"]):
        result = getattr(still_world, side).try_(command, str(path))
        assert result.status in (2, 4, 9), result
        assert "Traceback" not in result.stderr


def test_a_home_that_is_not_there_is_named(tmp_path, still_world):
    batch = still_world.path("unsigned")
    for side, command in (("signer", ("review", batch)), ("relay", ("status",))):
        machine = getattr(still_world, side)
        result = machine.try_("--home", str(tmp_path / "none"), *command)
        assert result.status in (2, 5, 8), result
        assert "Traceback" not in result.stderr
        assert not (tmp_path / "none").exists()
