"""The frame around every document."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import envelope
from airgap_shared.errors import ContractError
from airgap_shared.limits import MAX_DOCUMENT_BYTES
from tests.vectors.authors import RELAY, SIGNER

TYPE = "airgap.sample.v1"
PAYLOAD = b'{"text":"hello"}'
SEALED = envelope.seal(TYPE, PAYLOAD, RELAY.key, RELAY.sign)
MESSAGE = envelope.pre_authentication_encoding(TYPE, PAYLOAD)
SIGNATURE = RELAY.sign(MESSAGE).hex()


def refused(code, data, type_=TYPE):
    with pytest.raises(ContractError) as caught:
        envelope.unframe(data, type_)
    assert caught.value.code == code


def test_what_is_sealed_is_unframed_again():
    frame = envelope.unframe(SEALED, TYPE)
    assert (frame.type, bytes(frame.payload)) == (TYPE, PAYLOAD)
    assert frame.signatures == (envelope.Signature(RELAY.key, SIGNATURE),)


def test_a_sealed_document_is_one_line_of_json():
    assert SEALED.endswith(b"\n")
    assert SEALED.count(b"\n") == 1
    assert json.loads(SEALED) == {
        "type": TYPE,
        "payload": {"text": "hello"},
        "signatures": [{"key": RELAY.key, "signature": SIGNATURE}],
    }


def test_the_encoding_before_signing_is_that_of_dsse():
    # The example of the DSSE protocol's own description.
    encoded = envelope.pre_authentication_encoding(
        "http://example.com/HelloWorld", b"hello world"
    )
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(st.text(), st.binary(), st.text(), st.binary())
def test_two_documents_never_have_the_same_encoding(type_, payload, other, more):
    encode = envelope.pre_authentication_encoding
    same = encode(type_, payload) == encode(other, more)
    assert same == ((type_, payload) == (other, more))


def test_the_fingerprint_does_not_depend_on_who_signed():
    found = envelope.fingerprint(TYPE, PAYLOAD)
    assert found == hashlib.sha256(MESSAGE).hexdigest()


@pytest.mark.parametrize(
    ("groups", "code"),
    [(2, "0123-ABCD"), (5, "0123-ABCD-4567-89EF-0000"), (1, "0123"), (0, "")],
)
def test_a_code_is_the_beginning_of_the_digest_in_groups(groups, code):
    assert envelope.code("0123abcd456789ef" + "0" * 48, groups) == code


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(data):
    with pytest.raises(ContractError):
        envelope.unframe(data, TYPE)


@given(st.text(max_size=300))
def test_arbitrary_text_inside_a_frame_is_refused(text):
    frame = json.dumps({"type": TYPE, "payload": text, "signatures": []})
    with pytest.raises(ContractError):
        envelope.unframe(frame.encode(), TYPE)


@pytest.mark.parametrize("size", range(len(SEALED)))
def test_a_truncated_document_is_refused(size):
    with pytest.raises(ContractError):
        envelope.unframe(SEALED[:size], TYPE)


@pytest.mark.parametrize("more", [b"\n", b" ", b"\0", b"{}", SEALED])
def test_bytes_after_the_end_are_refused(more):
    with pytest.raises(ContractError):
        envelope.unframe(SEALED + more, TYPE)


def test_every_flipped_bit_is_refused():
    for at in range(len(SEALED)):
        for bit in range(8):
            changed = bytearray(SEALED)
            changed[at] ^= 1 << bit
            with pytest.raises(ContractError):
                envelope.unframe(bytes(changed), TYPE)


def test_a_document_over_the_limit_is_not_even_parsed():
    refused("contract.too_large", b"\xff" * (MAX_DOCUMENT_BYTES + 1))
    refused("contract.malformed", b"\xff" * 10)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"{", b" {", "contract.not_canonical"),
        (b'{"text"', b'{ "text"', "contract.not_authentic"),
        (b'"payload"', b'"Payload"', "contract.malformed"),
        (b'"type"', b'"extra":1,"type"', "contract.malformed"),
        (b"airgap.sample.v1", b"airgap.sample.v2", "contract.version"),
        (b"airgap.sample.v1", b"airgap.other.v1", "contract.type"),
        (b"airgap.sample.v1", b"Airgap.sample.v1", "contract.malformed"),
        (b"airgap.sample.v1", b"airgap.sample.v1\\n", "contract.malformed"),
        (b"hello", b"hallo", "contract.not_authentic"),
        (b"\n", b"", "contract.not_canonical"),
        (b"\n", b"\r\n", "contract.not_canonical"),
        (SIGNATURE.encode(), SIGNATURE.upper().encode(), "contract.malformed"),
        (SIGNATURE.encode(), SIGNATURE[:-2].encode(), "contract.malformed"),
        (RELAY.key.encode(), SIGNER.key.encode(), "contract.not_authentic"),
        (RELAY.key.encode(), b"0" * 64, "contract.key"),
    ],
)
def test_a_changed_frame_is_refused_with_its_code(old, new, code):
    assert old in SEALED
    refused(code, SEALED.replace(old, new, 1))


def test_the_fields_stand_in_their_order():
    fields = json.loads(SEALED)
    swapped = {name: fields[name] for name in ("payload", "type", "signatures")}
    text = json.dumps(swapped, separators=(",", ":")) + "\n"
    refused("contract.not_canonical", text.encode())


def test_a_field_twice_is_refused():
    # RFC 8259 leaves open which one counts: two readers could differ.
    twice = SEALED.replace(b'"type"', b'"type":"airgap.other.v1","type"', 1)
    refused("contract.not_canonical", twice)


def frame_of(*signatures):
    texts = [f'{{"key":"{key}","signature":"{text}"}}' for key, text in signatures]
    head = f'{{"type":"{TYPE}","payload":{PAYLOAD.decode()},"signatures":['
    return (head + ",".join(texts) + "]}\n").encode()


def test_one_signature_is_taken_and_no_other_number():
    pair = (RELAY.key, SIGNATURE)
    other = (SIGNER.key, SIGNER.sign(MESSAGE).hex())
    assert frame_of(pair) == SEALED
    refused("contract.malformed", frame_of())
    refused("contract.not_authentic", frame_of(pair, other))
    refused("contract.not_authentic", frame_of(pair, pair))
    refused("contract.malformed", frame_of(*[pair] * 17))


def test_a_signature_over_the_bare_payload_is_refused():
    bare = RELAY.sign(PAYLOAD).hex()
    refused("contract.not_authentic", frame_of((RELAY.key, bare)))


def test_a_signature_of_another_form_is_refused():
    # s + L verifies under readers that forget RFC 8032 §5.1.7's bound on s.
    order = 2**252 + 27742317777372353535851937790883648493
    raw = bytes.fromhex(SIGNATURE)
    s = int.from_bytes(raw[32:], "little") + order
    other = (raw[:32] + s.to_bytes(32, "little")).hex()
    refused("contract.not_authentic", frame_of((RELAY.key, other)))


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
"""Encodings of the eight points of small order, with either sign of x."""
NOT_CANONICAL = [
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
"""y at or above the field's prime."""


@pytest.mark.parametrize("key", SMALL_ORDER + NOT_CANONICAL)
def test_a_key_under_which_anybody_can_sign_is_refused(key):
    with pytest.raises(ContractError) as caught:
        envelope.check_key(key)
    assert caught.value.code == "contract.key"


def test_the_known_forgery_under_the_identity_key_is_refused():
    # With A the neutral element, R = A and s = 0 satisfy the equation for any message.
    forged = (SMALL_ORDER[0], SMALL_ORDER[0] + "0" * 64)
    refused("contract.key", frame_of(forged))


PRIME = 2**255 - 19
CURVE_D = -121665 * pow(121666, -1, PRIME) % PRIME


def doubled(point):
    """Twice ``point`` of edwards25519 (RFC 8032 §5.1.4)."""
    x, y = point
    k = CURVE_D * x * x * y * y % PRIME
    double_x = 2 * x * y * pow(1 + k, -1, PRIME) % PRIME
    return double_x, (y * y + x * x) * pow(1 - k, -1, PRIME) % PRIME


def point_of(key):
    """The point that ``key`` encodes, without regard to the sign of x."""
    y = int.from_bytes(bytes.fromhex(key), "little") % 2**255
    square = (y * y - 1) * pow(CURVE_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square
    return x, y


def test_the_list_of_small_order_keys_is_right_and_whole():
    for key in SMALL_ORDER:
        assert doubled(doubled(doubled(point_of(key)))) == (0, 1)
    # Eight points; two of them have x = 0, which either sign bit encodes.
    assert len({key.lower() for key in SMALL_ORDER}) == 8 + 2


def test_ordinary_keys_are_accepted():
    envelope.check_key(RELAY.key)
    envelope.check_key(SIGNER.key)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_no_arbitrary_key_and_signature_verify(key, signature):
    try:
        envelope.check_key(key.hex())
    except ContractError:
        return
    assert not envelope.verify(key.hex(), signature.hex(), MESSAGE)


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_malformed_and_no_crash(depth):
    refused("contract.malformed", b"[" * depth)
    nested = b'{"type":"' + TYPE.encode() + b'","payload":' + b"[" * depth
    refused("contract.malformed", nested)


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"1", b'"text"', b"\xef\xbb\xbf{}", b"{}", b"\xff"]
)
def test_other_json_is_malformed(data):
    refused("contract.malformed", data)


@given(st.binary(max_size=200))
def test_any_payload_survives_the_frame_byte_for_byte(raw):
    payload = json.dumps(base64.b64encode(raw).decode()).encode()
    data = envelope.seal(TYPE, payload, RELAY.key, RELAY.sign)
    assert bytes(envelope.unframe(data, TYPE).payload) == payload
