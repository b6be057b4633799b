"""Vectors of the envelope, of the documents, and of files."""

import json
from typing import Any

import msgspec

from airgap_shared import documents, envelope, limits
from tests.vectors import authors
from tests.vectors.authors import RELAY, SIGNER, STRANGER, Author

Vector = dict[str, Any]

BATCH = authors.UNSIGNED_BATCH
TYPE = BATCH.TYPE
PAYLOAD = msgspec.json.encode(BATCH)
SEALED = documents.seal(BATCH, RELAY.key, RELAY.sign)
MESSAGE = envelope.pre_authentication_encoding(TYPE, PAYLOAD)
SIGNATURE = RELAY.sign(MESSAGE).hex()

NEUTRAL_KEY = "01" + "00" * 31
"""The neutral element: R equal to it and s = 0 are a signature of any message."""
ORDER_EIGHT_KEY = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
NOT_CANONICAL_KEY = "ee" + "ff" * 30 + "7f"
"""y = p + 1, another encoding of the neutral element."""
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def envelope_vectors() -> list[Vector]:
    """Return the vectors of docs/spec/envelope.md."""
    bare = RELAY.sign(PAYLOAD).hex()
    relabelled = SEALED.replace(TYPE.encode(), b"airgap.signed-batch.v1", 1)
    stranger = envelope.seal(TYPE, b'{"no":"batch"}', STRANGER.key, STRANGER.sign)
    return [
        _envelope("ok", "ENV-9", "ok", SEALED),
        _envelope("empty", "ENV-2", "contract.malformed", b""),
        _envelope("truncated", "ENV-2", "contract.malformed", SEALED[:-4]),
        _envelope("too-large", "ENV-1", "contract.too_large", SEALED)
        | {"padded_to": limits.MAX_DOCUMENT_BYTES + 1},
        _changed("unknown-field", "ENV-2", '"type"', '"more":1,"type"'),
        _changed("signature-upper-case", "ENV-2", SIGNATURE, SIGNATURE.upper()),
        _envelope("nested-deep", "ENV-2", "contract.malformed", b"[")
        | {"padded_to": 100_000},
        _changed("other-type", "ENV-3", "unsigned-batch.v1", "receipt.v1", "type"),
        _changed("no-type", "ENV-3", "airgap.unsigned", "batch"),
        _changed("other-version", "ENV-4", "batch.v1", "batch.v2", "version"),
        _changed("space", "ENV-5", '"payload":', '"payload": ', "not_canonical"),
        _changed("no-newline", "ENV-5", "\n", "", "not_canonical"),
        _changed("two-newlines", "ENV-5", "\n", "\n\n", "not_canonical"),
        _envelope("field-order", "ENV-5", "contract.not_canonical", _reordered()),
        _changed(
            "field-twice", "ENV-6", '"type"', f'"type":"{TYPE}","type"', "not_canonical"
        ),
        _envelope("no-signature", "ENV-7", "contract.malformed", _frame()),
        _envelope(
            "two-signatures",
            "ENV-7",
            "contract.not_authentic",
            _frame((RELAY.key, SIGNATURE), (SIGNER.key, SIGNER.sign(MESSAGE).hex())),
        ),
        *(
            _envelope(
                f"{name}-key", "ENV-8", "contract.key", _frame((key, key + "0" * 64))
            )
            for name, key in (
                ("neutral", NEUTRAL_KEY),
                ("order-eight", ORDER_EIGHT_KEY),
                ("not-canonical", NOT_CANONICAL_KEY),
            )
        ),
        _changed("changed-payload", "ENV-9", "4711", "4712", "not_authentic"),
        _changed("other-key", "ENV-9", RELAY.key, SIGNER.key, "not_authentic"),
        _envelope(
            "other-form-of-s",
            "ENV-10",
            "contract.not_authentic",
            _frame((RELAY.key, _larger_s())),
        ),
        _envelope(
            "bare-signature",
            "ENV-11",
            "contract.not_authentic",
            _frame((RELAY.key, bare)),
        ),
        _envelope("relabelled", "ENV-11", "contract.not_authentic", relabelled)
        | {"type": "airgap.signed-batch.v1"},
        _envelope("stranger", "ENV-12", "contract.stranger", stranger),
    ]


def document_vectors() -> list[Vector]:
    """Return the vectors of docs/spec/documents.md."""
    return [
        *_whole_documents(),
        *_form_of_json(),
        *_identities(),
        *_manifests(),
        *_unsigned_batches(),
        *_signed_batches(),
    ]


def file_vectors() -> list[Vector]:
    """Return the vectors of docs/spec/files.md; the test makes what they name."""
    made = [
        ("regular", "FILE-1", "read", "ok"),
        ("folder", "FILE-1", "read", "file.not_regular"),
        ("pipe", "FILE-1", "read", "file.not_regular"),
        ("too-large", "FILE-2", "read", "contract.too_large"),
        ("missing", "FILE-3", "read", "file.missing"),
        ("new-name", "FILE-4", "write", "ok"),
        ("existing-file", "FILE-4", "write", "file.exists"),
        ("dangling-link", "FILE-4", "write", "file.exists"),
        ("missing-folder", "FILE-5", "write", "file.missing"),
        ("full-disk", "FILE-6", "write", "file.disk_full"),
    ]
    return [
        {"name": f"file-{n}", "must": m, "format": f"file-{f}", "input": n, "expect": e}
        for n, m, f, e in made
    ]


def _vector(name: str, must: str, expect: str, data: bytes, **more: object) -> Vector:
    """Return a vector, its input as text when it is text."""
    try:
        written = {"text": data.decode("ascii")}
    except UnicodeDecodeError:
        written = {"hex": data.hex()}
    return {"name": name, "must": must, **more, **written, "expect": expect}


def _envelope(name: str, must: str, expect: str, data: bytes) -> Vector:
    more = {"format": "document", "type": TYPE, "trusted": [RELAY.key]}
    return _vector(f"envelope-{name}", must, expect, data, **more)


def _changed(
    name: str, must: str, old: str, new: str, expect: str = "malformed"
) -> Vector:
    assert old.encode() in SEALED
    data = SEALED.replace(old.encode(), new.encode(), 1)
    return _envelope(name, must, f"contract.{expect}", data)


def _frame(*signatures: tuple[str, str]) -> bytes:
    texts = [f'{{"key":"{key}","signature":"{text}"}}' for key, text in signatures]
    head = f'{{"type":"{TYPE}","payload":{PAYLOAD.decode()},"signatures":['
    return (head + ",".join(texts) + "]}\n").encode()


def _reordered() -> bytes:
    fields = json.loads(SEALED)
    names = ("payload", "type", "signatures")
    return _compact({name: fields[name] for name in names}) + b"\n"


def _larger_s() -> str:
    """Return the signature with s + L in place of s: as good to a careless reader."""
    raw = bytes.fromhex(SIGNATURE)
    s = int.from_bytes(raw[32:], "little") + GROUP_ORDER
    return (raw[:32] + s.to_bytes(32, "little")).hex()


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _sealed(
    name: str,
    must: str,
    expect: str,
    document: documents.Document,
    payload: bytes,
    author: Author | None = None,
) -> Vector:
    """Return the vector of ``payload``, signed by whom it ought to be signed."""
    owner = next(a for d, a in authors.DOCUMENTS if type(d) is type(document))
    signer = author or owner
    data = envelope.seal(document.TYPE, payload, signer.key, signer.sign)
    is_identity = isinstance(document, documents.Identity)
    more = {
        "format": "identity" if is_identity else "document",
        "type": document.TYPE,
        "trusted": [] if is_identity else [owner.key],
    }
    return _vector(name, must, expect, data, **more)


def _with(document: documents.Document, **changes: object) -> bytes:
    """Return the payload of ``document`` with fields of other JSON values."""
    return _compact({**json.loads(msgspec.json.encode(document)), **changes})


def _with_item(document: documents.Document, group: str, **changes: object) -> bytes:
    """Return the payload of ``document`` with a changed first item of ``group``."""
    fields = json.loads(msgspec.json.encode(document))
    fields[group][0] |= changes
    return _compact(fields)


def _whole_documents() -> list[Vector]:
    vectors = []
    for document, _ in authors.DOCUMENTS:
        name = document.TYPE.removeprefix("airgap.").removesuffix(".v1")
        payload = msgspec.json.encode(document)
        vectors.append(_sealed(f"{name}-ok", "DOC-1", "ok", document, payload))
    return vectors


def _form_of_json() -> list[Vector]:
    reversed_ = dict(reversed(json.loads(PAYLOAD).items()))
    rows: list[tuple[str, str, str, bytes]] = [
        ("space", "DOC-1", "not_canonical", PAYLOAD.replace(b":7,", b": 7,")),
        ("escape", "DOC-1", "not_canonical", PAYLOAD.replace(b"test", b"\\u0074est")),
        ("field-order", "DOC-2", "not_canonical", _compact(reversed_)),
        (
            "field-twice",
            "DOC-3",
            "not_canonical",
            PAYLOAD.replace(b'"sequence":7', b'"sequence":7,"sequence":7'),
        ),
        ("unknown-field", "DOC-4", "malformed", _with(BATCH, note="hello")),
        ("missing-field", "DOC-4", "malformed", PAYLOAD.replace(b'"sequence":7,', b"")),
        ("default", "DOC-5", "not_canonical", _with_item(BATCH, "items", hint="")),
        ("null", "DOC-6", "not_canonical", _with(BATCH, seen=None)),
        ("float", "DOC-7", "malformed", _with(BATCH, sequence=7.0)),
        ("exponent", "DOC-7", "malformed", PAYLOAD.replace(b":7,", b":7e0,")),
        ("negative", "DOC-7", "malformed", _with(BATCH, sequence=-1)),
        ("large-integer", "DOC-7", "malformed", _with(BATCH, sequence=2**53)),
        ("escape-code", "DOC-8", "malformed", _hinted("\x1b[2J")),
        ("not-ascii", "DOC-8", "malformed", _hinted("Zahlung für März")),
        ("long-text", "DOC-8", "malformed", _hinted("x" * (limits.MAX_HINT + 1))),
        ("not-utf-8", "DOC-8", "malformed", PAYLOAD.replace(b"4711", b"\xff\xfe")),
        ("base64-bits", "DOC-9", "not_canonical", _base64("dW5zaWduZWQgYnl0ZXN=")),
        ("base64-padding", "DOC-9", "malformed", _base64("dW5zaWduZWQgYnl0ZXM")),
        ("upper-case-hex", "DOC-10", "malformed", _with(BATCH, signer="AB" * 32)),
        ("short-hex", "DOC-10", "malformed", _with(BATCH, signer="ab" * 31)),
    ]
    return [
        _sealed(f"payload-{name}", must, f"contract.{expect}", BATCH, payload)
        for name, must, expect, payload in rows
    ]


def _hinted(text: str) -> bytes:
    return _with_item(BATCH, "items", hint=text)


def _base64(text: str) -> bytes:
    return _with_item(BATCH, "items", payload=text)


def _identities() -> list[Vector]:
    known = authors.IDENTITY
    whole, bad = msgspec.json.encode(known), "contract.malformed"
    foreign = "contract.not_authentic"
    return [
        _sealed("identity-other-key", "DOC-11", foreign, known, whole, STRANGER),
        _sealed("identity-role", "DOC-12", bad, known, _with(known, role="admin")),
        _sealed("identity-no-name", "DOC-13", bad, known, _with(known, name="")),
        _sealed("identity-name", "DOC-13", bad, known, _with(known, name="x" * 65)),
    ]


def _manifests() -> list[Vector]:
    rows: list[tuple[str, str, dict[str, object]]] = [
        ("signature-id", "DOC-14", {"signatureId": "../../wallet.dat"}),
        ("chain", "DOC-15", {"chain": "btc"}),
        ("network", "DOC-16", {"network": "regtest"}),
        ("kind", "DOC-17", {"kind": "seed"}),
        ("public-key", "DOC-18", {"publicKey": "04" + "11" * 32}),
        ("address", "DOC-19", {"address": "two words"}),
        ("xpub", "DOC-19", {"xpub": "xpub/0"}),
    ]
    return [
        _sealed(
            f"manifest-{name}",
            must,
            "contract.malformed",
            authors.MANIFEST,
            _with_item(authors.MANIFEST, "entries", **changes),
        )
        for name, must, changes in rows
    ]


def _unsigned_batches() -> list[Vector]:
    key = {"signatureId": authors.SIGNATURE_ID}
    rows = [
        ("tatum-id", "DOC-20", _with(BATCH, id="5F3A0C0DE1B2C3D4E5F60718")),
        ("path-in-id", "DOC-20", _with(BATCH, id="../../kms/pending/BTC/00")),
        ("no-items", "DOC-21", _with(BATCH, items=[])),
        ("index", "DOC-22", _with_item(BATCH, "items", keys=[key | {"index": 2**31}])),
        ("replaces", "DOC-23", _with_item(BATCH, "items", replaces="because")),
    ]
    return [
        _sealed(f"unsigned-batch-{name}", must, "contract.malformed", BATCH, payload)
        for name, must, payload in rows
    ]


def _signed_batches() -> list[Vector]:
    answer, receipt = authors.SIGNED_BATCH, authors.RECEIPT
    bad = "contract.malformed"
    rows: list[tuple[str, str, documents.Document, bytes]] = [
        ("signed-batch-no-items", "DOC-21", answer, _with(answer, items=[])),
        ("signed-batch-tx-id", "DOC-24", answer, _first(answer, txId="ab cd")),
        ("signed-batch-refused", "DOC-25", answer, _first(answer, refused="No!")),
        ("signed-batch-self-test", "DOC-25", answer, _with(answer, selfTest="")),
        ("signed-batch-head", "DOC-26", answer, _without_head_signature()),
        ("signed-batch-links", "DOC-10", answer, _with(answer, links=["ab"])),
        ("receipt-state", "DOC-27", receipt, _first(receipt, state="completed")),
    ]
    return [
        _sealed(name, must, bad, document, data) for name, must, document, data in rows
    ]


def _first(document: documents.Document, **changes: object) -> bytes:
    return _with_item(document, "items", **changes)


def _without_head_signature() -> bytes:
    head = json.loads(msgspec.json.encode(authors.HEAD))
    return _with(authors.SIGNED_BATCH, head=head | {"signature": ""})
