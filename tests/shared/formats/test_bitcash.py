"""Tatum's form of a pending transaction of Bitcoin Cash."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcash
from airgap_shared.formats.bitcoin.transaction import (
    MAX_MONEY,
    Input,
    OutPoint,
    Output,
    Transaction,
)

ONE = Transaction(2, (Input(OutPoint("ab" * 32, 1), 7),), (Output(5, b"\x51"),), 1_000)
HEX = ONE.encode().hex()


@given(st.integers(0, MAX_MONEY))
def test_what_is_written_is_read(amount):
    found = bitcash.decode(bitcash.encode(ONE, (amount,)))
    assert found == bitcash.BitcashTransaction(ONE, (amount,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        HEX,
        f"{HEX}:",
        f":{HEX}",
        f"{HEX}:[1]:",
        f"{HEX}:[1]:[1]",
        f"{HEX}:[]",
        f"{HEX}:[1,2]",
        f"{HEX}:[-1]",
        f"{HEX}:[1.5]",
        f"{HEX}:[1.0]",
        f'{HEX}:["1"]',
        f"{HEX}:[null]",
        f"{HEX}:[true]",
        f"{HEX}:1",
        f"{HEX}:{{}}",
        f"{HEX}:[{MAX_MONEY + 1}]",
        f"{HEX}:{'[' * 100_000}",
        f"{HEX}:\ud800",
        f" {HEX}:[1]",
        f"{HEX}00:[1]",
        f"{HEX[:-2]}:[1]",
        f"{HEX[1:]}:[1]",
        f"{HEX[:8]}00{HEX[10:]}:[]",
        "zz:[1]",
        json.dumps({"hash": HEX}),
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ContractError) as caught:
        bitcash.decode(text)
    assert caught.value.code == "contract.tatum.malformed"


def test_a_signature_has_no_place_in_it():
    signed = Transaction(
        2, (Input(OutPoint("ab" * 32, 1), 7, b"\x51"),), ONE.outputs, 0
    )
    with pytest.raises(ContractError) as caught:
        bitcash.decode(bitcash.encode(signed, (1,)))
    assert caught.value.code == "contract.tatum.signed"


def test_the_version_is_always_2():
    old = Transaction(1, ONE.inputs, ONE.outputs, 1_000)
    assert bitcash.decode(bitcash.encode(old, (1,))).unsigned == ONE
