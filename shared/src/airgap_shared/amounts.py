"""Exact conversion between integers of base units and the text people use.

Money is an ``int`` of base units (satoshi, wei) everywhere; ``float`` never.
"""

import re

from airgap_shared.errors import ContractError

MAX_DIGITS = 78
"""Decimal digits of 2^256, the largest amount of any chain."""

_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?\Z", re.ASCII)


def parse(text: str, decimals: int) -> int:
    """Return the base units of ``text``, a plain decimal such as ``0.00012``.

    Raises ``contract.amount`` for signs, exponents, leading zeros, more digits
    after the point than the unit has, or more than 78 digits.
    """
    match = _DECIMAL.match(text) if len(text) <= MAX_DIGITS + 1 else None
    if match is None or len(text.replace(".", "")) > MAX_DIGITS:
        raise ContractError("contract.amount", f"amount {text!r} is no plain decimal")
    whole, fraction = match[1], match[2] or ""
    if len(fraction) > decimals:
        raise ContractError(
            "contract.amount",
            f"amount {text} has {len(fraction)} decimal places, at most {decimals} fit",
        )
    return int(whole + fraction.ljust(decimals, "0"))


def text(base_units: int, decimals: int) -> str:
    """Return ``base_units`` as the shortest exact decimal, ``150000`` → ``0.0015``."""
    sign, digits = ("-", -base_units) if base_units < 0 else ("", base_units)
    whole, fraction = divmod(digits, 10**decimals)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{decimals}d}".rstrip("0")
