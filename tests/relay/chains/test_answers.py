"""What nodes answer: Bitcoin Core's fields, exact amounts, and Litecoin's MWEB."""

import json

import pytest

from airgap_relay.chains import answers
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)

MADE = Transaction(
    1,
    (Input(OutPoint("cd" * 32, 7), 0xFFFFFFFE, b"\x01\x51"),),
    (Output(123_456_789_012_345_678, b"\x51"), Output(1, b"\x52")),
    9,
)
COINBASE = Transaction(
    1,
    (Input(OutPoint("00" * 32, 2**32 - 1), 5, b"\x02\x01\x00"),),
    (Output(100, b"\x51"),),
    0,
)
VOUT = [
    {"value": "@0", "n": 0, "scriptPubKey": {"hex": "51", "asm": "1"}},
    {"value": "@1", "n": 1, "scriptPubKey": {"hex": "52"}},
]
VIN = [
    {
        "txid": "CD" * 32,
        "vout": 7,
        "scriptSig": {"hex": "0151", "asm": ""},
        "sequence": 0xFFFFFFFE,
    }
]


def told(*values, **change):
    """A node's answer; amounts are put in as they are written."""
    fields = {"txid": MADE.tx_id(), "version": 1, "locktime": 9}
    text = json.dumps(fields | {"vin": VIN, "vout": VOUT} | change)
    for index, value in enumerate(values or ("1234567890.12345678", "0.00000001")):
        text = text.replace(f'"@{index}"', value)
    return text.encode()


def find(answer, made=MADE):
    return answers.find(answer, made.tx_id())


@pytest.mark.parametrize("one", ["0.00000001", "1e-8", "1E-08", "0.1e-7"])
def test_amounts_are_read_digit_by_digit(one):
    # As a binary fraction the first amount would end in 80.
    assert find(told("1234567890.12345678", one)) == MADE


@pytest.mark.parametrize(
    "value",
    [
        "1234567890.123456784",
        "1234567890.1234567",
        "-1",
        "1e400",
        "1e999999999",
        "1e-999999999",
        "0." + "0" * 5_000 + "1",
        "9" * 5_000,
        "null",
        "true",
        '"NaN"',
        '"Infinity"',
    ],
)
def test_an_amount_that_is_not_this_one_proves_nothing(value):
    assert find(told(value, "0.00000001")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"vout": VOUT[::-1]},
        {"vout": VOUT[:1]},
        {"vin": []},
        {"vin": [{"sequence": 1}]},
        {"vin": [{**VIN[0], "scriptSig": None}]},
        {"locktime": 8},
    ],
)
def test_fields_of_something_else_prove_nothing(change):
    assert find(told(**change)) is None


def test_new_coins_are_rebuilt_too():
    answer = {
        "version": 1,
        "locktime": 0,
        "vin": [{"coinbase": "020100", "sequence": 5}],
        "vout": [{"value": 0.000001, "n": 0, "scriptPubKey": {"hex": "51"}}],
    }
    assert find(json.dumps(answer).encode(), COINBASE) == COINBASE


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"blockhash": "ab" * 32, "confirmations": 1}, True),
        ({"blockhash": "ab" * 32}, True),
        ({"blockhash": "ab" * 32, "confirmations": -1}, False),
        ({"blockhash": ""}, False),
        ({"blockNumber": 0}, True),
        ({"blockNumber": None}, False),
        ({"blockNumber": -1}, False),
        ({}, False),
    ],
)
def test_a_block_is_named_in_either_way(place, expected):
    assert answers.is_confirmed(json.dumps(place).encode()) is expected


def with_mweb(flags, part):
    """The bytes of a Litecoin transaction whose flags name more than a witness."""
    bare = MADE.encode()
    witness = b"\x01\x03abc" if flags & 1 else b""
    return bare[:4] + bytes([0, flags]) + bare[4:-4] + witness + part + bare[-4:]


@pytest.mark.parametrize("flags", [0x08, 0x09])
@pytest.mark.parametrize("part", [b"\x00", b"\x01" + bytes(range(200))])
def test_litecoins_mweb_part_and_the_witness_go(flags, part):
    for name in ("hex", "result"):
        answer = json.dumps({name: with_mweb(flags, part).hex()}).encode()
        assert find(answer) == MADE


@pytest.mark.parametrize("size", range(len(with_mweb(0x08, b"\x00"))))
def test_a_cut_transaction_with_mweb_proves_nothing(size):
    data = with_mweb(0x08, b"\x00")[:size]
    assert find(json.dumps({"hex": data.hex()}).encode()) is None
