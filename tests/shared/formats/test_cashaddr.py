"""Bitcoin Cash's addresses."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared.derivation import ExtendedKey
from airgap_shared.errors import ContractError
from airgap_shared.formats import cashaddr
from airgap_shared.formats.bitcoin.script import hash160

MAIN, TEST = "bitcoincash", "bchtest"
TATUM = json.loads(
    (Path(__file__).parents[2] / "vectors/tatum/derivation.json").read_text()
)
HASH = bytes.fromhex("f5bf48b397dae70be82b3cca4793f8eb2b6cdac9")
ADDRESS = "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2"
SCRIPT_ADDRESS = "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t"
hashes = st.binary(min_size=20, max_size=20)


def refused(text, prefix=MAIN):
    with pytest.raises(ContractError) as caught:
        cashaddr.decode(prefix, text)
    assert caught.value.code == "contract.address"


def test_the_examples_of_the_specification_are_read_and_written():
    assert cashaddr.decode(MAIN, ADDRESS) == (0, HASH)
    assert cashaddr.encode(MAIN, 0, HASH) == ADDRESS
    assert cashaddr.decode(TEST, SCRIPT_ADDRESS) == (8, HASH)
    assert cashaddr.encode(TEST, 8, HASH) == SCRIPT_ADDRESS


@pytest.mark.parametrize(("name", "prefix"), [("mainnet", MAIN), ("testnet", TEST)])
def test_the_addresses_are_those_of_tatum(name, prefix):
    wallet = TATUM[f"BCH-{name}"]
    xpub = ExtendedKey(wallet["xpub"])
    for index, expected in wallet["idx"].items():
        found = cashaddr.encode(prefix, 0, hash160(xpub.child(int(index))))
        assert found == expected["address"]


@given(hashes, st.sampled_from([0, 8]), st.sampled_from([MAIN, TEST]))
def test_a_hash_survives_its_address(hash_, version, prefix):
    text = cashaddr.encode(prefix, version, hash_)
    body = text.rpartition(":")[2]
    for form in (text, body, text.upper(), body.upper()):
        assert cashaddr.decode(prefix, form) == (version, hash_)


@pytest.mark.parametrize("at", range(len(ADDRESS)))
def test_every_other_character_is_refused(at):
    for other in cashaddr.CHARSET + "b1io:":
        if other != ADDRESS[at]:
            refused(ADDRESS[:at] + other + ADDRESS[at + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "bitcoincash:",
        "q",
        ADDRESS[:-1],
        ADDRESS + "q",
        f" {ADDRESS}",
        f"{ADDRESS}\n",
        ADDRESS.replace("bitcoincash:", ":"),
        ADDRESS.replace("bitcoincash", "bchtest"),
        ADDRESS.replace("bitcoincash", "Bitcoincash"),
        ADDRESS[:20] + ADDRESS[20:].upper(),
        SCRIPT_ADDRESS,
        ADDRESS.upper().replace("K", "\u212a"),  # KELVIN SIGN, whose lower case is k
        "q" * 1_000_000,
        # Other lengths of hash, from the specification: 24 and 64 bytes.
        "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0",
        cashaddr.encode(MAIN, 0, HASH[:-1]),
        cashaddr.encode(MAIN, 0, HASH + b"\0"),
    ],
)
def test_other_text_is_refused(text):
    refused(text)


@given(st.text(max_size=70))
def test_arbitrary_text_is_refused(text):
    refused(text)


def test_padding_that_is_not_zero_is_a_second_form():
    digits = [cashaddr.CHARSET.index(c) for c in ADDRESS.rpartition(":")[2][:-8]]
    digits[-1] |= 1
    prefix = cashaddr._prefix_digits(MAIN)
    check = cashaddr._polymod([*prefix, *digits, *[0] * 8])
    digits += (check >> shift & 31 for shift in range(35, -5, -5))
    refused("".join(cashaddr.CHARSET[digit] for digit in digits))
