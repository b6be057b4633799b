"""Transactions of the Bitcoin family: bytes and values, one form each."""

import hashlib

import pytest
from embit.transaction import Transaction as EmbitTransaction
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Reader,
    Transaction,
    compact_size,
)
from airgap_shared.limits import MAX_INPUTS
from tests.shared.formats.strategies import transactions

GENESIS = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffff"
    "ffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e6365"
    "6c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e"
    "6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e0"
    "3909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b"
    "6bf11d5fac00000000"
)
GENESIS_ID = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

COIN = OutPoint("ab" * 32, 1)
PLAIN = Transaction(2, (Input(COIN, 5, b"sig"),), (Output(7, b"\x51"),), 9)
SEGWIT = Transaction(2, (Input(COIN, 5, b"", (b"a", b"")),), (Output(7, b"\x51"),), 9)


def refused(data, **options):
    with pytest.raises(ContractError) as caught:
        transaction.decode(data, **options)
    assert caught.value.code == "contract.bitcoin.malformed"


def test_the_first_transaction_of_all_has_its_well_known_id():
    assert transaction.decode(GENESIS).tx_id() == GENESIS_ID
    assert transaction.decode(GENESIS).encode() == GENESIS


@given(transactions)
def test_a_transaction_survives_its_bytes(value):
    assert transaction.decode(value.encode()) == value


@given(transactions)
def test_embit_reads_and_writes_the_same_bytes_and_id(value):
    data = value.encode()
    theirs = EmbitTransaction.parse(data)
    assert theirs.serialize() == data
    assert theirs.txid().hex() == value.tx_id()
    assert theirs.version == value.version
    assert [i.sequence for i in theirs.vin] == [i.sequence for i in value.inputs]
    assert [o.value for o in theirs.vout] == [o.amount for o in value.outputs]


@given(transactions)
def test_the_id_does_not_depend_on_the_witness(value):
    stripped = value.encode(witness=False)
    assert transaction.decode(stripped).tx_id() == value.tx_id()
    digest = hashlib.sha256(hashlib.sha256(stripped).digest()).digest()
    assert digest[::-1].hex() == value.tx_id()


@given(transactions)
def test_the_virtual_size_is_a_quarter_of_the_weight(value):
    weight = 3 * len(value.encode(witness=False)) + len(value.encode())
    assert 4 * value.virtual_size() - 3 <= weight <= 4 * value.virtual_size()


@given(transactions)
def test_unsigned_removes_signatures_and_nothing_else(value):
    bare = value.unsigned()
    assert bare.encode() == bare.encode(witness=False)
    assert [(i.out_point, i.sequence) for i in bare.inputs] == [
        (i.out_point, i.sequence) for i in value.inputs
    ]
    assert (bare.version, bare.outputs, bare.lock_time) == (
        value.version,
        value.outputs,
        value.lock_time,
    )


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_are_a_transaction_in_its_one_form_or_refused(data, witness):
    try:
        value = transaction.decode(data, allow_witness=witness)
    except ContractError as error:
        assert error.code == "contract.bitcoin.malformed"  # noqa: PT017
    else:
        assert value.encode(witness=witness) == data


@given(transactions, st.data())
def test_a_changed_byte_gives_another_transaction_or_none(value, draw):
    data = bytearray(value.encode())
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= draw.draw(st.integers(1, 255))
    try:
        other = transaction.decode(bytes(data))
    except ContractError:
        return
    assert other != value
    assert other.encode() == bytes(data)


@pytest.mark.parametrize("value", [PLAIN, SEGWIT], ids=["plain", "segwit"])
def test_a_transaction_truncated_anywhere_is_refused(value):
    data = value.encode()
    for size in range(len(data)):
        refused(data[:size])


@pytest.mark.parametrize("value", [PLAIN, SEGWIT], ids=["plain", "segwit"])
@pytest.mark.parametrize("more", [b"\0", b"\0" * 40])
def test_bytes_after_the_end_are_refused(value, more):
    refused(value.encode() + more)


def test_a_witness_is_refused_where_none_may_be():
    refused(SEGWIT.encode(), allow_witness=False)
    assert transaction.decode(PLAIN.encode(), allow_witness=False) == PLAIN


def test_a_witness_section_without_any_witness_is_a_second_form():
    plain = PLAIN.encode()
    refused(plain[:4] + b"\x00\x01" + plain[4:-4] + b"\x00" + plain[-4:])


def test_another_marker_is_refused():
    refused(SEGWIT.encode().replace(b"\x00\x01\x01", b"\x00\x02\x01", 1))


def test_a_transaction_over_the_limit_is_refused():
    refused(b"\0" * 4_000_001)


def test_an_amount_beyond_63_bits_is_refused():
    data = PLAIN.encode()
    amount = (7).to_bytes(8, "little")
    most = (2**63 - 1).to_bytes(8, "little")
    assert transaction.decode(data.replace(amount, most)).outputs[0].amount == 2**63 - 1
    refused(data.replace(amount, (2**63).to_bytes(8, "little")))


def test_more_inputs_than_can_be_are_refused_before_they_are_read():
    refused(b"\x02\0\0\0" + compact_size(MAX_INPUTS + 1) + b"\0" * 400_000)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "00"),
        (0xFC, "fc"),
        (0xFD, "fdfd00"),
        (0xFFFF, "fdffff"),
        (0x10000, "fe00000100"),
        (0xFFFFFFFF, "feffffffff"),
        (0x100000000, "ff0000000001000000"),
        (2**64 - 1, "ff" + "ff" * 8),
    ],
)
def test_a_compact_size_has_its_shortest_form(value, data):
    assert compact_size(value).hex() == data
    reader = Reader(bytes.fromhex(data))
    assert reader.compact_size(2**64) == value
    assert reader.remaining == 0


@pytest.mark.parametrize(
    "data", ["fd0000", "fdfc00", "fe00000000", "feffff0000", "ff00000000ffffffff"[:-2]]
)
def test_any_longer_form_is_refused(data):
    with pytest.raises(ContractError):
        Reader(bytes.fromhex(data)).compact_size(2**64)


def test_a_long_form_of_a_small_number_is_refused_in_eight_bytes_too():
    with pytest.raises(ContractError):
        Reader(b"\xff" + (0xFFFFFFFF).to_bytes(8, "little")).compact_size(2**64)


def test_a_coin_has_36_bytes_with_its_id_reversed():
    point = OutPoint("00" * 31 + "ff", 1)
    assert point.encode().hex() == "ff" + "00" * 31 + "01000000"
    assert str(point) == "00" * 31 + "ff:1"


def test_a_reader_peeks_without_taking():
    reader = Reader(b"abc")
    assert (reader.peek(2), reader.remaining) == (b"ab", 3)
    assert (reader.take(3), reader.peek(2)) == (b"abc", b"")
