"""The pages on storage and journal: a second reader, and tests that exist."""

import base64
import hashlib
import hmac
import json
import re
import sqlite3
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.signer.sessions import sign
from tests.signer.world import HOT, PASSWORD, SEED, payment, wif

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/spec"
MAGIC = b"AIRGAP-STORAGE-1"


def opened(key, context, sealed):
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)


def hkdf(key, purpose):
    return HKDF(hashes.SHA256(), 32, None, purpose).derive(key)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Reader:
    """Reads a storage by its page alone."""

    def __init__(self, data, password):
        assert data[:16] == MAGIC
        parts, at = [], 16
        for _ in range(3):
            (size,) = struct.unpack(">I", data[at : at + 4])
            parts.append(data[at + 4 : at + 4 + size])
            at += 4 + size
        assert at == len(data)
        header, public, secret = parts
        self.header = json.loads(header)
        (slot,) = self.header["slots"]
        wrapped, salt = (base64.b64decode(slot[each]) for each in ("wrapped", "salt"))
        slot_key = Argon2id(
            salt=salt,
            length=32,
            iterations=slot["iterations"],
            lanes=slot["lanes"],
            memory_cost=slot["memoryMib"] * 1024,
        ).derive(password)
        context = MAGIC + compact({**slot, "wrapped": ""})
        self.key = opened(slot_key, context, wrapped)
        self.public = json.loads(opened(self.key, MAGIC + header + b"public", public))
        storage = self.header["storage"].encode()
        self.secret = json.loads(opened(self.key, MAGIC + storage + b"secret", secret))
        assert self.public["secret_digest"] == hashlib.sha256(secret).hexdigest()


def test_a_reader_written_from_the_page_opens_the_storage(home):
    reader = Reader(home.storage.read_bytes(), PASSWORD)
    assert base64.b64decode(reader.secret["identity"]) == SEED
    assert reader.secret["keys"][HOT] == wif("hot")
    assert reader.public["name"] == "vault"
    seal = json.loads(home.seal.read_bytes())
    assert seal["generation"] == reader.header["generation"]
    message = compact({**seal, "mac": ""})
    mac = hmac.digest(hkdf(reader.key, b"state seal"), message, "sha256")
    assert mac.hex() == seal["mac"]


def as_json(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def test_a_reader_written_from_the_page_follows_the_chain(home):
    relay = home.relay
    sign(home, relay.batch_file(payment(relay, "one"), payment(relay, "more")))
    _, answer = sign(home, relay.batch_file(payment(relay, "two")))
    key = hkdf(Reader(home.storage.read_bytes(), PASSWORD).key, b"journal")
    database = sqlite3.connect(home.journal)
    head = hashlib.sha256(b"airgap.journal.v1" + bytes.fromhex(relay.signer)).digest()
    entries = database.execute(
        "SELECT height, at, kind, detail, link, head, mac FROM entry ORDER BY height"
    ).fetchall()
    for number, (height, at, kind, detail, link, stored, mac) in enumerate(entries, 1):
        assert height == number
        rows = [
            [
                [as_json(value) for value in row]
                for row in database.execute(
                    f"SELECT * FROM {table} WHERE height = ? ORDER BY {order}",
                    (height,),
                )
            ]
            for table, order in (
                ("item", "position"),
                ("coin", "position, number"),
                ("payment", "position, number"),
            )
        ]
        assert [len(each) > 0 for each in rows] == [kind == "sign"] * 3
        content = compact([at, kind, detail, *rows])
        assert hashlib.sha256(content).hexdigest() == link
        head = hashlib.sha256(b"airgap.link.v1" + head + bytes.fromhex(link)).digest()
        assert head.hex() == stored
        message = f"{height} {stored}".encode()
        assert hmac.digest(key, message, "sha256").hex() == mac
    assert (answer.head.height, answer.head.head) == (len(entries), head.hex())
    (version,) = database.execute("PRAGMA user_version").fetchone()
    database.close()
    assert version == 1


@pytest.mark.parametrize(("page", "prefix"), [("storage", "STO"), ("journal", "JNL")])
def test_every_rule_names_tests_that_exist(page, prefix):
    text = (PAGES / f"{page}.md").read_text()
    sources = [path.read_text() for path in (ROOT / "tests/signer").rglob("test_*.py")]
    known = set(
        re.findall(r"def (test_\w+)|^(Test\w+) =", "".join(sources), re.MULTILINE)
    )
    known = {name for pair in known for name in pair if name}
    rules = re.split(r"- \*\*[A-Z]+-\d+\*\*", text)[1:]
    numbers = re.findall(rf"^- \*\*{prefix}-(\d+)\*\*", text, re.MULTILINE)
    assert numbers == [str(n) for n in range(1, len(rules) + 1)]
    for rule in rules:
        named = re.findall(r"`([Tt]est_?\w+)`", rule)
        assert named, rule
        assert set(named) <= known, set(named) - known


def test_every_code_of_the_signer_names_a_test_that_exists():
    text = (PAGES / "errors.md").read_text()
    section = text[text.index("## Signer") : text.index("## Relay")]
    named = set(re.findall(r"`(test_\w+)`", section))
    sources = [path.read_text() for path in (ROOT / "tests/signer").rglob("test_*.py")]
    known = set(re.findall(r"def (test_\w+)", "".join(sources)))
    assert len(named) > 60
    assert named <= known
