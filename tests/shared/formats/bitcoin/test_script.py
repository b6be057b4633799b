"""Output scripts and the addresses people write for them."""

import json
from pathlib import Path

import pytest
from embit import base58, bech32
from embit.script import Script
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import chains, secp256k1
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.script import ScriptType, classify
from tests.vectors.keys import secret

VECTORS = Path(__file__).parents[3] / "vectors"
BIPS = json.loads((VECTORS / "bips/bip173-bip350.json").read_text())
MAIN = chains.lookup("BTC", "mainnet").bitcoin
TEST = chains.lookup("BTC", "testnet").bitcoin
KEY = secp256k1.public_key(secret("script"))
HASH = bytes(range(20))
PROGRAM = bytes(range(32))

STANDARD = {
    ScriptType.P2PKH: script.p2pkh(HASH),
    ScriptType.P2SH: script.p2sh(HASH),
    ScriptType.P2WPKH: script.p2wpkh(HASH),
    ScriptType.P2WSH: b"\x00\x20" + PROGRAM,
    ScriptType.P2TR: b"\x51\x20" + PROGRAM,
    ScriptType.P2PK: b"\x21" + KEY + b"\xac",
    ScriptType.OP_RETURN: b"\x6a\x03abc",
}
NETWORKS = pytest.mark.parametrize("parameters", [MAIN, TEST], ids=["main", "test"])


def refused(text, parameters=MAIN):
    with pytest.raises(ContractError) as caught:
        script.script_of_address(text, parameters)
    assert caught.value.code == "contract.address"


@pytest.mark.parametrize("kind", STANDARD, ids=lambda kind: kind.value)
def test_a_standard_script_is_recognised(kind):
    assert classify(STANDARD[kind]) is kind


@pytest.mark.parametrize("kind", STANDARD, ids=lambda kind: kind.value)
def test_nothing_near_a_standard_script_is_taken_for_it(kind):
    exact = STANDARD[kind]
    assert classify(exact + b"\0") is not kind or kind is ScriptType.OP_RETURN
    assert classify(exact[:-1]) is not kind or kind is ScriptType.OP_RETURN
    assert classify(b"\x61" + exact) is ScriptType.UNKNOWN


@pytest.mark.parametrize(
    "text",
    ["", "00", "51", "0014", "5220" + "00" * 32, "6002751e", "5128" + "00" * 40, "ac"],
)
def test_other_scripts_are_unknown(text):
    assert classify(bytes.fromhex(text)) is ScriptType.UNKNOWN


def test_an_uncompressed_key_is_a_bare_key_too():
    assert classify(b"\x41\x04" + bytes(64) + b"\xac") is ScriptType.P2PK


@pytest.mark.parametrize("vector", BIPS["valid"], ids=lambda v: v["address"])
def test_valid_addresses_of_the_bips_give_their_script_when_it_has_a_meaning(vector):
    expected = bytes.fromhex(vector["script"])
    lower = vector["address"].lower()
    ours, other = (MAIN, TEST) if lower.startswith("bc") else (TEST, MAIN)
    refused(vector["address"], other)
    if classify(expected) is ScriptType.UNKNOWN:
        refused(vector["address"], ours)  # a version that no rule explains yet
    else:
        assert script.script_of_address(vector["address"], ours) == expected
        assert script.address(expected, ours) == lower


@pytest.mark.parametrize("vector", BIPS["invalid"], ids=lambda v: v["address"][-12:])
@NETWORKS
def test_invalid_addresses_of_the_bips_are_refused(vector, parameters):
    refused(vector["address"], parameters)


@pytest.mark.parametrize("kind", STANDARD, ids=lambda kind: kind.value)
@NETWORKS
def test_an_address_leads_back_to_its_script(kind, parameters):
    text = script.address(STANDARD[kind], parameters)
    if kind in (ScriptType.P2PK, ScriptType.OP_RETURN):
        assert text is None
    else:
        assert text is not None
        assert script.script_of_address(text, parameters) == STANDARD[kind]
        assert Script.from_address(text).data == STANDARD[kind]
        refused(text, TEST if parameters is MAIN else MAIN)


def test_an_unknown_script_has_no_address():
    assert script.address(b"\x51", MAIN) is None


def test_a_managed_wallet_pays_to_the_script_of_its_chain():
    segwit = script.managed_script(KEY, MAIN)
    assert segwit == script.p2wpkh(script.hash160(KEY))
    legacy = chains.lookup("DOGE", "mainnet").bitcoin
    assert script.managed_script(KEY, legacy) == script.p2pkh(script.hash160(KEY))


def test_hash160_is_that_of_an_independent_implementation():
    # BIP-143's P2WPKH example: this key has this witness program.
    key = "025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357"
    expected = "1d0f172a0ecb48aee1be1f2687d2963ae33f71a1"
    assert script.hash160(bytes.fromhex(key)).hex() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        " ",
        "bc1",
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",  # one character changed
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN",
        "LUEweDxDA4WhvWiNXXSxjM9CYzHPJv4QQF",
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "1" * 40,
        "1" * 1_000_000,
        "bc1" + "q" * 1_000_000,
        "0OIl",
        "\u017f",  # LATIN SMALL LETTER LONG S, whose upper case is S
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\n",
        " bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        base58.encode_check(b"\x00" + HASH[:-1]),
        base58.encode_check(b"\x00" + HASH + b"\0"),
        base58.encode_check(b"\x80" + HASH),
    ],
)
def test_other_text_is_no_address(text):
    refused(text)


@given(st.text(max_size=100))
def test_arbitrary_text_is_no_address(text):
    refused(text)


@given(st.binary(max_size=40))
def test_arbitrary_bytes_behind_a_right_checksum_are_an_address_only_in_full(data):
    text = base58.encode_check(data)
    if len(data) == 21 and data[0] in (MAIN.p2pkh_version, MAIN.p2sh_version):
        found = script.script_of_address(text, MAIN)
        assert script.address(found, MAIN) == text
    else:
        refused(text)


@given(st.integers(0, 16), st.binary(min_size=2, max_size=40))
def test_a_witness_program_is_an_address_only_when_it_has_a_meaning(version, program):
    text = bech32.encode("bc", version, program)
    if text is None:
        return
    if (version, len(program)) in {(0, 20), (0, 32), (1, 32)}:
        assert script.address(script.script_of_address(text, MAIN), MAIN) == text
    else:
        refused(text)


@given(st.data())
def test_a_changed_character_of_an_address_is_refused(draw):
    text = script.address(script.p2wpkh(HASH), MAIN) or ""
    at = draw.draw(st.integers(0, len(text) - 1))
    other = draw.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
    if text[at] != other:
        refused(text[:at] + other + text[at + 1 :])
