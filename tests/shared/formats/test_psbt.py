"""The container for an unsigned transaction."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from embit import psbt as embit_psbt
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.errors import ContractError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
    with_length,
)
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_shared.limits import MAX_ITEM_BYTES, MAX_PREVIOUS_TRANSACTION_BYTES
from tests.shared.formats.strategies import (
    outputs,
    transactions,
    unsigned_transactions,
)

BIP174 = json.loads(
    (Path(__file__).parents[2] / "vectors/bips/bip174.json").read_text()
)
PREVIOUS = Transaction(
    1,
    (Input(OutPoint("aa" * 32, 0), 0, b"\x51", (b"witness",)),),
    (Output(70_000, script.p2wpkh(bytes(20))),),
    0,
)
UNSIGNED = Transaction(
    2,
    (Input(OutPoint(PREVIOUS.tx_id(), 0), 0xFFFFFFFD),),
    (Output(60_000, script.p2pkh(bytes(20))),),
    0,
)
BOTH = PSBT(UNSIGNED, (PSBTInput(PREVIOUS, PREVIOUS.outputs[0]),))
NEITHER = PSBT(UNSIGNED, (PSBTInput(),))

TX = UNSIGNED.encode()
GLOBAL = (b"\x00", TX)
NON_WITNESS = (b"\x00", PREVIOUS.encode())
WITNESS = (b"\x01", PREVIOUS.outputs[0].encode())


def container(*maps, magic=psbt.MAGIC):
    """Return the bytes of ``maps``, each a list of keys and values."""
    parts = [magic]
    for fields in maps:
        parts += (with_length(key) + with_length(value) for key, value in fields)
        parts.append(b"\x00")
    return b"".join(parts)


def refused(code, data):
    with pytest.raises(ContractError) as caught:
        psbt.decode(data)
    assert caught.value.code == f"contract.psbt.{code}"


@st.composite
def psbts(draw):
    unsigned = draw(unsigned_transactions)
    claims = st.builds(PSBTInput, st.none() | transactions, st.none() | outputs)
    return PSBT(unsigned, tuple(draw(claims) for _ in unsigned.inputs))


@given(psbts())
def test_a_container_survives_its_bytes(value):
    assert psbt.decode(value.encode()) == value


@pytest.mark.parametrize("value", [BOTH, NEITHER], ids=["both", "neither"])
def test_embit_reads_the_same(value):
    theirs = embit_psbt.PSBT.parse(value.encode())
    assert theirs.tx.serialize() == TX
    previous = theirs.inputs[0].non_witness_utxo
    claimed = theirs.inputs[0].witness_utxo
    assert (previous is None) == (value.inputs[0].previous is None)
    assert previous is None or previous.serialize() == PREVIOUS.encode()
    assert claimed is None or claimed.value == 70_000


@pytest.mark.parametrize("vector", BIP174["invalid"], ids=lambda v: v["why"])
def test_invalid_containers_of_bip_174_are_refused(vector):
    with pytest.raises(ContractError) as caught:
        psbt.decode(base64.b64decode(vector["psbt"]))
    assert caught.value.code in ("contract.psbt.malformed", "contract.psbt.unsupported")


@pytest.mark.parametrize(
    "vector", BIP174["fails_signer_checks"], ids=lambda v: v["why"]
)
def test_containers_that_signers_should_refuse_are_refused(vector):
    refused("unsupported", base64.b64decode(vector["psbt"]))


@pytest.mark.parametrize("vector", BIP174["valid"], ids=lambda v: v["what"])
def test_valid_containers_of_bip_174_are_read_or_named_unsupported(vector):
    data = base64.b64decode(vector["psbt"])
    if vector["what"] == "one P2PKH input, outputs empty":
        value = psbt.decode(data)
        assert value.encode() == data
        previous = value.inputs[0].previous
        assert previous is not None
        assert previous.tx_id() == value.unsigned.inputs[0].out_point.tx_id
    else:
        refused("unsupported", data)


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_are_refused(data, with_magic):
    with pytest.raises(ContractError):
        psbt.decode(psbt.MAGIC + data if with_magic else data)


@pytest.mark.parametrize("value", [BOTH, NEITHER], ids=["both", "neither"])
def test_a_container_truncated_anywhere_is_refused(value):
    data = value.encode()
    for size in range(len(data)):
        refused("malformed", data[:size])


@pytest.mark.parametrize("value", [BOTH, NEITHER], ids=["both", "neither"])
@pytest.mark.parametrize("more", [b"\0", b"\n", psbt.MAGIC])
def test_bytes_after_the_end_are_refused(value, more):
    refused("malformed", value.encode() + more)


@given(psbts(), st.data())
def test_a_changed_byte_gives_another_container_or_none(value, draw):
    data = bytearray(value.encode())
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= draw.draw(st.integers(1, 255))
    try:
        other = psbt.decode(bytes(data))
    except ContractError as error:
        assert error.code.startswith("contract.psbt.")  # noqa: PT017
    else:
        assert other != value
        assert other.encode() == bytes(data)


class TestMalformed:
    def test_a_container_over_the_limit(self):
        refused("malformed", psbt.MAGIC + b"\0" * MAX_ITEM_BYTES)

    def test_other_magic_bytes(self):
        refused("malformed", container([GLOBAL], [], [], magic=b"psbt\x00"))
        refused("malformed", base64.b64encode(BOTH.encode()))

    def test_no_unsigned_transaction(self):
        refused("malformed", container([], [], []))

    def test_a_key_twice_in_one_map(self):
        refused("malformed", container([GLOBAL, GLOBAL], [], []))
        refused("malformed", container([GLOBAL], [WITNESS, WITNESS], []))
        refused("malformed", container([GLOBAL], [], [(b"\x09", b""), (b"\x09", b"")]))

    def test_a_signature_in_the_unsigned_transaction(self):
        signed = replace(UNSIGNED.inputs[0], script_sig=b"\x00")
        data = replace(UNSIGNED, inputs=(signed,)).encode()
        refused("malformed", container([(b"\x00", data)], [], []))

    def test_a_witness_in_the_unsigned_transaction(self):
        signed = replace(UNSIGNED.inputs[0], witness=(b"\x00",))
        data = replace(UNSIGNED, inputs=(signed,)).encode()
        refused("malformed", container([(b"\x00", data)], [], []))

    def test_too_few_maps(self):
        refused("malformed", container([GLOBAL], []))

    def test_a_claimed_coin_that_is_no_output(self):
        for data in (
            b"",
            WITNESS[1] + b"\0",
            WITNESS[1][:-1],
            b"\xff" * 8 + WITNESS[1][8:],
        ):
            refused("malformed", container([GLOBAL], [(b"\x01", data)], []))

    def test_a_previous_transaction_over_the_limit(self):
        large = b"\0" * (MAX_PREVIOUS_TRANSACTION_BYTES + 1)
        refused("malformed", container([GLOBAL], [(b"\x00", large)], []))

    def test_a_previous_transaction_that_is_none(self):
        refused("malformed", container([GLOBAL], [(b"\x00", TX + b"\0")], []))

    def test_a_length_in_a_longer_form_than_it_needs(self):
        data = BOTH.encode()
        longer = data.replace(b"\x01\x00" + with_length(TX)[:1], b"\xfd\x01\x00\x00")
        refused("malformed", longer)


class TestUnsupported:
    @pytest.mark.parametrize(
        "key", [b"\x01" + bytes(78), b"\xfb", b"\x09", b"\x00\x00", b"\xfc\x01x"]
    )
    def test_any_other_global_field(self, key):
        refused("unsupported", container([GLOBAL, (key, b"")], [], []))

    @pytest.mark.parametrize(
        "key",
        [
            b"\x02" + bytes(33),  # a partial signature: none is ever carried
            b"\x03",  # a sighash type: it is always ALL
            b"\x04",
            b"\x06" + bytes(33),
            b"\x07",
            b"\x08",
            b"\x13",
            b"\x00\x00",
            b"\xfc",
        ],
    )
    def test_any_other_field_of_an_input(self, key):
        refused("unsupported", container([GLOBAL], [WITNESS, (key, b"")], []))

    @pytest.mark.parametrize("key", [b"\x00", b"\x01", b"\x02" + bytes(33), b"\xfc"])
    def test_any_field_of_an_output(self, key):
        refused("unsupported", container([GLOBAL], [], [(key, b"")]))

    @pytest.mark.parametrize(
        "bare", [replace(UNSIGNED, inputs=()), replace(UNSIGNED, outputs=())]
    )
    def test_a_transaction_without_inputs_or_outputs(self, bare):
        refused("unsupported", container([(b"\x00", bare.encode())], []))


class TestCanonicalForm:
    def test_keys_stand_in_ascending_order(self):
        assert psbt.decode(container([GLOBAL], [NON_WITNESS, WITNESS], [])) == BOTH
        refused("not_canonical", container([GLOBAL], [WITNESS, NON_WITNESS], []))

    def test_the_form_is_checked_last(self):
        # An unsupported field says more than the order of the others.
        fields = [WITNESS, NON_WITNESS, (b"\x03", b"")]
        refused("unsupported", container([GLOBAL], fields, []))
