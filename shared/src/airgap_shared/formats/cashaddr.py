"""Bitcoin Cash's addresses: CashAddr, 20-byte hashes alone.

A version byte of zero means a key's hash, of eight a script's. The prefix takes
part in the checksum and may be left out of the text.
"""

from airgap_shared.errors import ContractError

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CHECKSUM_DIGITS = 8
HASH_BYTES = 20
MAX_ADDRESS = 64
"""Characters of an address: a prefix of at most 12, a colon, and 42."""

_GENERATORS = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)


def encode(prefix: str, version: int, hash_: bytes) -> str:
    """Return the address of a 20-byte hash, prefix included."""
    data = _to_digits(bytes([version]) + hash_)
    check = _polymod([*_prefix_digits(prefix), *data, *[0] * CHECKSUM_DIGITS])
    digits = [*data, *(check >> shift & 31 for shift in range(35, -5, -5))]
    return f"{prefix}:{''.join(CHARSET[digit] for digit in digits)}"


def decode(prefix: str, text: str) -> tuple[int, bytes]:
    """Return version byte and hash; raises ``contract.address``.

    The prefix may be left out, another one is refused; case may not be mixed.
    """
    error = ContractError(
        "contract.address", f"{text[:MAX_ADDRESS]!r} is no address with prefix {prefix}"
    )
    # The Kelvin sign's lower case is an ASCII k, hence ASCII first.
    if len(text) > MAX_ADDRESS or not text.isascii():
        raise error
    if text not in (text.lower(), text.upper()):
        raise error
    found, colon, body = text.lower().rpartition(":")
    digits = [CHARSET.find(character) for character in body]
    if (colon and found != prefix) or -1 in digits:
        raise error
    if _polymod([*_prefix_digits(prefix), *digits]) != 0:
        raise error
    data = _from_digits(digits[:-CHECKSUM_DIGITS])
    # One hash has one text: the padding must be zero, the length known.
    if len(data) != 1 + HASH_BYTES or encode(prefix, data[0], data[1:]) != (
        f"{prefix}:{body}"
    ):
        raise error
    return data[0], data[1:]


def _prefix_digits(prefix: str) -> list[int]:
    return [*(ord(character) & 31 for character in prefix), 0]


def _to_digits(data: bytes) -> list[int]:
    padding = -8 * len(data) % 5
    bits = int.from_bytes(data, "big") << padding
    return [bits >> shift & 31 for shift in range(8 * len(data) + padding - 5, -5, -5)]


def _from_digits(digits: list[int]) -> bytes:
    bits = 0
    for digit in digits:
        bits = bits << 5 | digit
    size, padding = divmod(5 * len(digits), 8)
    return (bits >> padding).to_bytes(size, "big")


def _polymod(digits: list[int]) -> int:
    """Return the checksum's remainder; zero for a whole address."""
    check = 1
    for digit in digits:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_GENERATORS):
            if top >> bit & 1:
                check ^= generator
    return check ^ 1
