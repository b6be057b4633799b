"""The documents that cross the gap."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import documents, envelope, limits
from airgap_shared.documents import Identity, Receipt, SignedBatch, UnsignedBatch
from airgap_shared.errors import ContractError
from tests.vectors import authors
from tests.vectors.authors import DOCUMENTS, RELAY, SIGNER, STRANGER

EACH = pytest.mark.parametrize(
    ("document", "author"), DOCUMENTS, ids=lambda value: type(value).__name__
)
BATCH = authors.UNSIGNED_BATCH


def file_of(fields, author=RELAY, type_=UnsignedBatch):
    """Seal ``fields`` as given, whether or not they are a valid document."""
    payload = (
        fields
        if isinstance(fields, bytes)
        else json.dumps(fields, separators=(",", ":")).encode()
    )
    return envelope.seal(type_.TYPE, payload, author.key, author.sign)


def fields_of(document=BATCH):
    return json.loads(msgspec.json.encode(document))


def refused(code, data, type_=UnsignedBatch, trusted=(RELAY.key,)):
    with pytest.raises(ContractError) as caught:
        documents.unseal(data, type_, trusted)
    assert caught.value.code == code
    return caught.value


@EACH
def test_a_sealed_document_is_read_back_the_same(document, author):
    data = documents.seal(document, author.key, author.sign)
    sealed = documents.unseal(data, type(document), {author.key, STRANGER.key})
    assert sealed.document == document
    assert sealed.key == author.key
    assert sealed.fingerprint == documents.fingerprint(document)


@EACH
def test_one_document_has_one_byte_string(document, author):
    data = documents.seal(document, author.key, author.sign)
    again = documents.unseal(data, type(document), [author.key]).document
    assert documents.seal(again, author.key, author.sign) == data
    assert data.isascii()
    assert b"null" not in data


@EACH
def test_a_stranger_is_refused_before_the_payload_is_read(document, author):
    garbage = file_of(b'{"not":"this document"}', STRANGER, type(document))
    error = refused("contract.stranger", garbage, type(document), [author.key])
    assert STRANGER.key[:16] in error.message
    assert error.hint
    refused("contract.stranger", garbage, type(document), [])


@EACH
def test_the_type_is_part_of_what_is_signed(document, author):
    for other, _ in DOCUMENTS:
        if type(other) is not type(document):
            data = documents.seal(document, author.key, author.sign)
            refused("contract.type", data, type(other), [author.key])
            relabelled = data.replace(document.TYPE.encode(), other.TYPE.encode())
            refused("contract.not_authentic", relabelled, type(other), [author.key])


@EACH
def test_every_field_matters_for_the_fingerprint(document, author):  # noqa: ARG001
    fields = fields_of(document)
    found = {documents.fingerprint(document)}
    for name in fields:
        other = {key: value for key, value in fields.items() if key != name}
        found.add(envelope.fingerprint(document.TYPE, json.dumps(other).encode()))
    assert len(found) == len(fields) + 1


@EACH
def test_a_missing_field_without_a_default_is_refused(document, author):
    fields = fields_of(document)
    optional = {"seen"}
    for name in fields.keys() - optional:
        other = {key: value for key, value in fields.items() if key != name}
        data = file_of(other, author, type(document))
        refused("contract.malformed", data, type(document), [author.key])


@EACH
def test_an_unknown_field_is_refused(document, author):
    data = file_of(fields_of(document) | {"more": 1}, author, type(document))
    refused("contract.malformed", data, type(document), [author.key])


@EACH
def test_fields_in_another_order_are_refused(document, author):
    fields = dict(reversed(fields_of(document).items()))
    data = file_of(fields, author, type(document))
    refused("contract.not_canonical", data, type(document), [author.key])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"sequence":7', '"sequence":7.0', "contract.malformed"),
        ('"sequence":7', '"sequence":7e0', "contract.malformed"),
        ('"sequence":7', '"sequence":"7"', "contract.malformed"),
        ('"sequence":7', '"sequence":-7', "contract.malformed"),
        ('"sequence":7', '"sequence":true', "contract.malformed"),
        ('"sequence":7', '"sequence":null', "contract.malformed"),
        ('"sequence":7', '"sequence":9007199254740992', "contract.malformed"),
        ('"sequence":7', '"sequence":' + "9" * 400, "contract.malformed"),
        ('"sequence":7', '"sequence":7,"sequence":7', "contract.not_canonical"),
        ('"sequence":7', '"sequence": 7', "contract.not_canonical"),
        ('"sequence":7', '"sequence":07', "contract.malformed"),
        ('"sequence":7', '"sequence":-0', "contract.not_canonical"),
        ('"testnet"', '"regtest"', "contract.malformed"),
        ('"testnet"', '"Testnet"', "contract.malformed"),
        ('"testnet"', '"\\u0074estnet"', "contract.not_canonical"),
        ('"index":0', '"index":null', "contract.not_canonical"),
        ('"index":0', '"index":2147483648', "contract.malformed"),
        ('"index":0', '"index":-1', "contract.malformed"),
        ('"hint":"invoice 4711"', '"hint":""', "contract.not_canonical"),
        ("invoice 4711", "invoice\\n4711", "contract.malformed"),
        ("invoice 4711", "invoice \\u001b[2J", "contract.malformed"),
        ("invoice 4711", "Rechnung für", "contract.malformed"),
        ("invoice 4711", "invoice \\ud800", "contract.malformed"),
        ("invoice 4711", "i" * 201, "contract.malformed"),
        ("invoice 4711", "invoice \\/", "contract.not_canonical"),
        ("dW5zaWduZWQgYnl0ZXM=", "dW5zaWduZWQgYnl0ZXM", "contract.malformed"),
        ("dW5zaWduZWQgYnl0ZXM=", "dW5zaWduZWQgYnl0ZXN=", "contract.not_canonical"),
        ("dW5zaWduZWQgYnl0ZXM=", "dW5zaWduZWQgYnl0ZX!=", "contract.malformed"),
        ('"chain":"BTC"', '"chain":"btc"', "contract.malformed"),
        ('"chain":"BTC"', '"chain":"BTC\\n"', "contract.malformed"),
        ('"chain":"BTC"', '"chain":"ABCDEFGHI"', "contract.malformed"),
        (authors.TATUM_ID, authors.TATUM_ID.upper(), "contract.malformed"),
        (authors.TATUM_ID, authors.TATUM_ID[1:], "contract.malformed"),
        (authors.TATUM_ID, authors.TATUM_ID[1:] + "/", "contract.malformed"),
        (authors.SIGNATURE_ID, "../../wallet", "contract.malformed"),
        (authors.SIGNATURE_ID, authors.SIGNATURE_ID + "\\n", "contract.malformed"),
    ],
)
def test_a_field_of_another_form_is_refused(old, new, code):
    text = msgspec.json.encode(BATCH).decode()
    assert old in text
    refused(code, file_of(text.replace(old, new, 1).encode()))


@pytest.mark.parametrize("text", [b'"\xff"', b'{"id":"\xc3\x28"}', b'"\xed\xa0\x80"'])
def test_a_payload_that_is_no_utf_8_is_malformed(text):
    refused("contract.malformed", file_of(text))


def test_a_payload_nested_too_deep_is_malformed():
    refused("contract.malformed", file_of(b"[" * 50_000 + b"]" * 50_000))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_arbitrary_json_is_no_batch(value):
    with pytest.raises(ContractError):
        documents.unseal(file_of(value), UnsignedBatch, [RELAY.key])


@pytest.mark.parametrize(
    ("count", "fits"), [(0, False), (1, True), (1_000, True), (1_001, False)]
)
def test_a_batch_has_one_to_a_thousand_items(count, fits):
    items = tuple(
        documents.UnsignedItem(
            id=f"{number:024x}",
            chain="BTC",
            keys=(),
            payload=b"",
            source=authors.digest("source"),
        )
        for number in range(count)
    )
    batch = msgspec.structs.replace(BATCH, items=items)
    data = documents.seal(batch, RELAY.key, RELAY.sign)
    if fits:
        assert documents.unseal(data, UnsignedBatch, [RELAY.key]).document == batch
    else:
        refused("contract.malformed", data)


def test_a_document_that_could_not_be_read_back_is_not_sealed():
    item = msgspec.structs.replace(
        BATCH.items[0], payload=bytes(limits.MAX_DOCUMENT_BYTES * 3 // 4)
    )
    with pytest.raises(ContractError) as caught:
        documents.seal(
            msgspec.structs.replace(BATCH, items=(item,)), RELAY.key, RELAY.sign
        )
    assert caught.value.code == "contract.too_large"


class TestIdentity:
    def test_an_identity_is_signed_by_its_own_key(self):
        data = documents.seal(authors.IDENTITY, SIGNER.key, SIGNER.sign)
        sealed = documents.unseal_identity(data)
        assert sealed.document == authors.IDENTITY
        assert sealed.key == SIGNER.key
        assert sealed.fingerprint == documents.fingerprint(authors.IDENTITY)

    def test_an_identity_signed_by_another_key_is_refused(self):
        data = documents.seal(authors.IDENTITY, STRANGER.key, STRANGER.sign)
        with pytest.raises(ContractError) as caught:
            documents.unseal_identity(data)
        assert caught.value.code == "contract.not_authentic"

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("role", "admin"),
            ("name", ""),
            ("name", "x" * 65),
            ("name", "two\nlines"),
            ("key", SIGNER.key.upper()),
        ],
    )
    def test_a_field_outside_its_bounds_is_refused(self, name, value):
        fields = fields_of(authors.IDENTITY) | {name: value}
        with pytest.raises(ContractError) as caught:
            documents.unseal_identity(file_of(fields, SIGNER, Identity))
        assert caught.value.code == "contract.malformed"


class TestAnswers:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("txId", "ab cd"),
            ("txId", "f" * 129),
            ("signed", "?"),
            ("refused", "Refusal.Policy"),
            ("refused", "r" * 65),
        ],
    )
    def test_a_field_of_a_signed_item_has_its_form(self, name, value):
        fields = fields_of(authors.SIGNED_BATCH)
        fields["items"][0][name] = value
        data = file_of(fields, SIGNER, SignedBatch)
        refused("contract.malformed", data, SignedBatch, [SIGNER.key])

    def test_a_refused_item_carries_its_code_alone(self):
        item = documents.SignedItem(id=authors.TATUM_ID, refused="refusal.operator")
        batch = msgspec.structs.replace(authors.SIGNED_BATCH, items=(item,))
        data = documents.seal(batch, SIGNER.key, SIGNER.sign)
        assert b'"refused":"refusal.operator"}' in data
        read = documents.unseal(data, SignedBatch, [SIGNER.key]).document
        assert read.items == (item,)

    def test_a_receipt_may_be_empty(self):
        receipt = msgspec.structs.replace(authors.RECEIPT, items=())
        data = documents.seal(receipt, RELAY.key, RELAY.sign)
        assert documents.unseal(data, Receipt, [RELAY.key]).document == receipt


class TestJournalHead:
    def test_the_head_is_signed_under_its_own_type(self):
        head = authors.HEAD
        message = documents.head_message(head.height, head.head)
        assert message == b"DSSEv1 14 airgap.head.v1 66 2 " + head.head.encode()
        assert envelope.verify(SIGNER.key, head.signature, message)
        other = documents.head_message(head.height + 1, head.head)
        assert not envelope.verify(SIGNER.key, head.signature, other)

    def test_a_head_depends_on_all_links_before_it(self):
        links = [authors.digest(name) for name in ("one", "two", "three")]
        heads = {"0" * 64}
        for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2)):
            head = "0" * 64
            for at in order:
                head = documents.next_head(head, links[at])
                assert len(head) == 64
            heads.add(head)
        assert len(heads) == 4

    def test_the_next_head_is_the_digest_of_label_head_and_link(self):
        # As coreutils' sha256sum says of the same bytes.
        expected = "63c28c83224c840d7ea14215c9cbc2de5ec28284a794ef9a1d36cfc2eac15996"
        assert documents.next_head("00" * 32, "11" * 32) == expected
