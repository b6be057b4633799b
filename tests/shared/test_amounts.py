"""Amounts: exact, or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import amounts
from airgap_shared.errors import ContractError

UNITS = st.integers(min_value=0, max_value=10**60)
DECIMALS = st.integers(min_value=0, max_value=18)


@pytest.mark.parametrize(
    ("text", "decimals", "base_units"),
    [
        ("0", 8, 0),
        ("0.0", 8, 0),
        ("1", 8, 100_000_000),
        ("0.00012", 8, 12_000),
        ("0.00000001", 8, 1),
        ("21000000", 8, 2_100_000_000_000_000),
        ("1.50", 8, 150_000_000),
        ("7", 0, 7),
        ("9" * 78, 0, int("9" * 78)),
        ("9" * 60 + "." + "9" * 18, 18, int("9" * 78)),
    ],
)
def test_a_plain_decimal_becomes_base_units(text, decimals, base_units):
    assert amounts.parse(text, decimals) == base_units


@pytest.mark.parametrize(
    ("text", "decimals"),
    [
        ("", 8),
        (".", 8),
        (".5", 8),
        ("5.", 8),
        ("01", 8),
        ("00", 8),
        ("+1", 8),
        ("-1", 8),
        ("1e3", 8),
        ("1E3", 8),
        ("0x10", 8),
        ("1_000", 8),
        ("1,5", 8),
        (" 1", 8),
        ("1 ", 8),
        ("1\n", 8),
        ("1.0.0", 8),
        ("NaN", 8),
        ("Infinity", 8),
        ("٣", 8),  # ARABIC-INDIC DIGIT THREE: int() would take it
        ("１", 8),  # noqa: RUF001 - FULLWIDTH DIGIT ONE
        ("0.000000001", 8),
        ("1.0", 0),
        ("9" * 79, 0),
        ("9" * 70 + "." + "9" * 9, 18),
        ("1" * 1_000_000, 8),
    ],
)
def test_anything_else_is_refused(text, decimals):
    with pytest.raises(ContractError) as caught:
        amounts.parse(text, decimals)
    assert caught.value.code == "contract.amount"


@pytest.mark.parametrize(
    ("base_units", "decimals", "text"),
    [
        (0, 8, "0"),
        (150_000, 8, "0.0015"),
        (100_000_000, 8, "1"),
        (1, 8, "0.00000001"),
        (-1, 8, "-0.00000001"),
        (-250_000_000, 8, "-2.5"),
        (1_000, 0, "1000"),
    ],
)
def test_base_units_become_the_shortest_decimal(base_units, decimals, text):
    assert amounts.text(base_units, decimals) == text


@given(UNITS, DECIMALS)
def test_text_and_back_gives_the_same_amount(base_units, decimals):
    assert amounts.parse(amounts.text(base_units, decimals), decimals) == base_units


@given(UNITS, DECIMALS)
def test_the_text_is_what_exact_decimal_arithmetic_says(base_units, decimals):
    found = Decimal(amounts.text(base_units, decimals))
    assert found.as_integer_ratio() == (
        Decimal(f"{base_units}E-{decimals}").as_integer_ratio()
    )


@given(st.text(), DECIMALS)
def test_arbitrary_text_is_an_amount_or_a_contract_error(text, decimals):
    try:
        base_units = amounts.parse(text, decimals)
    except ContractError as error:
        assert error.code == "contract.amount"  # noqa: PT017 - either end is right
    else:
        assert base_units >= 0
