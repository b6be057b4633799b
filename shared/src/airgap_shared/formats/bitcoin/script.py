"""Output scripts and the addresses people write for them.

Base58Check and bech32 come from embit, which accepts any prefix; here the prefix
must be the chain's. BIP-13, 16, 141, 173, 341, 350.
"""

from enum import Enum
from functools import lru_cache

from embit import base58, bech32, hashes

from airgap_shared.chains import BitcoinParameters
from airgap_shared.errors import ContractError
from airgap_shared.formats import cashaddr

MAX_ADDRESS = 128
"""Characters of an address; the longest bech32 one has 90 (BIP-173)."""

OP_RETURN = b"\x6a"
"""First byte of a script that nobody can spend."""

_GENERATORS = tuple(
    bech32.bech32_polymod([top] + 6 * [0]) ^ bech32.bech32_polymod(7 * [0])
    for top in range(32)
)
"""What the checksum's top five bits add when they are shifted out (BIP-173)."""


class ScriptType(Enum):
    """Standard output scripts, by what spends them."""

    P2PK = "p2pk"
    P2PKH = "p2pkh"
    P2SH = "p2sh"
    P2WPKH = "p2wpkh"
    P2WSH = "p2wsh"
    P2TR = "p2tr"
    OP_RETURN = "op_return"
    UNKNOWN = "unknown"


@lru_cache(maxsize=4096)
def hash160(data: bytes) -> bytes:
    """Return RIPEMD-160 of SHA-256 of ``data``; public keys come again and again."""
    return bytes(hashes.hash160(data))


def p2pkh(key_hash: bytes) -> bytes:
    """Return the script that pays to a public key's HASH160."""
    return b"\x76\xa9\x14" + key_hash + b"\x88\xac"


def p2sh(script_hash: bytes) -> bytes:
    """Return the script that pays to a redeem script's HASH160 (BIP-16)."""
    return b"\xa9\x14" + script_hash + b"\x87"


def p2wpkh(key_hash: bytes) -> bytes:
    """Return the version 0 witness program of a public key's HASH160 (BIP-141)."""
    return b"\x00\x14" + key_hash


def p2tr(output_key: bytes) -> bytes:
    """Return the version 1 witness program of a 32-byte output key (BIP-341)."""
    return b"\x51\x20" + output_key


def classify(script: bytes) -> ScriptType:
    """Return what kind of output script ``script`` is."""
    size = len(script)
    if size == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return ScriptType.P2PKH
    if size == 22 and script[:2] == b"\x00\x14":
        return ScriptType.P2WPKH
    if size == 23 and script[:2] == b"\xa9\x14" and script[22:] == b"\x87":
        return ScriptType.P2SH
    if size == 34 and script[:2] == b"\x00\x20":
        return ScriptType.P2WSH
    if size == 34 and script[:2] == b"\x51\x20":
        return ScriptType.P2TR
    if size in (35, 67) and script[0] == size - 2 and script[-1:] == b"\xac":
        return ScriptType.P2PK
    if script[:1] == OP_RETURN:
        return ScriptType.OP_RETURN
    return ScriptType.UNKNOWN


def of_key_hash(key_hash: bytes, parameters: BitcoinParameters) -> bytes:
    """Return the script of a key's HASH160 that managed addresses pay to."""
    return (
        p2wpkh(key_hash) if parameters.managed_script == "p2wpkh" else p2pkh(key_hash)
    )


def managed_script(public_key: bytes, parameters: BitcoinParameters) -> bytes:
    """Return the script that a managed wallet's address pays to."""
    return of_key_hash(hash160(public_key), parameters)


@lru_cache(maxsize=4096)
def address(script: bytes, parameters: BitcoinParameters) -> str | None:
    """Return the address of ``script``; ``None`` when it has none."""
    match classify(script):
        case ScriptType.P2PKH:
            return _hash_address(0, script[3:23], parameters)
        case ScriptType.P2SH:
            return _hash_address(1, script[2:22], parameters)
        case _ if not parameters.bech32_prefix:
            return None
        case ScriptType.P2WPKH | ScriptType.P2WSH:
            return _bech32(bech32.BECH32_CONST, 0, script[2:], parameters)
        case ScriptType.P2TR:
            return _bech32(bech32.BECH32M_CONST, 1, script[2:], parameters)
        case _:
            return None


def script_of_address(text: str, parameters: BitcoinParameters) -> bytes:
    """Return the script that ``text`` stands for on this chain and network.

    Raises ``contract.address`` for another chain's prefix, a wrong checksum, and
    witness versions that nothing here can explain to a person.
    """
    readers = (_from_cashaddr, _from_bech32, _from_base58)
    found = (read(text, parameters) for read in readers if len(text) <= MAX_ADDRESS)
    script = next((script for script in found if script), None)
    if script is None:
        raise ContractError(
            "contract.address",
            f"{text[:MAX_ADDRESS]!r} is no address of this chain and network",
        )
    return script


def _bech32(
    constant: int, version: int, program: bytes, parameters: BitcoinParameters
) -> str:
    """Return a witness address (BIP-173, BIP-350).

    embit's encoder takes 80 us, a tenth of a whole signature's work; the tests
    hold this one against it.
    """
    padding = -8 * len(program) % 5
    bits = int.from_bytes(program, "big") << padding
    size = 8 * len(program) + padding
    data = [version, *(bits >> shift & 31 for shift in range(size - 5, -5, -5))]
    check = _prefix_checksum(parameters.bech32_prefix)
    for value in (*data, 0, 0, 0, 0, 0, 0):
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _GENERATORS[check >> 25]
    check ^= constant
    data += (check >> shift & 31 for shift in range(25, -5, -5))
    return parameters.bech32_prefix + "1" + "".join([bech32.CHARSET[d] for d in data])


@lru_cache
def _prefix_checksum(prefix: str) -> int:
    return int(bech32.bech32_polymod(bech32.bech32_hrp_expand(prefix)))


def _hash_address(kind: int, hash_: bytes, parameters: BitcoinParameters) -> str:
    """Return the address of a key's (0) or a script's (1) hash."""
    if parameters.cashaddr_prefix:
        return cashaddr.encode(parameters.cashaddr_prefix, 8 * kind, hash_)
    versions = parameters.p2pkh_version, parameters.p2sh_version
    return str(base58.encode_check(bytes([versions[kind]]) + hash_))


def _from_cashaddr(text: str, parameters: BitcoinParameters) -> bytes | None:
    if not parameters.cashaddr_prefix:
        return None
    try:
        kind, hash_ = cashaddr.decode(parameters.cashaddr_prefix, text)
    except ContractError:
        return None
    return {0: p2pkh, 8: p2sh}[kind](hash_) if kind in (0, 8) else None


def _from_bech32(text: str, parameters: BitcoinParameters) -> bytes | None:
    if not parameters.bech32_prefix:
        return None
    version, program = bech32.decode(parameters.bech32_prefix, text)
    if version is None:
        return None
    script = bytes([version + 0x50 if version else 0, len(program)]) + bytes(program)
    return None if classify(script) is ScriptType.UNKNOWN else script


def _from_base58(text: str, parameters: BitcoinParameters) -> bytes | None:
    try:
        data = base58.decode_check(text)
    except ValueError:
        return None
    if len(data) != 21:
        return None
    scripts = {parameters.p2pkh_version: p2pkh, parameters.p2sh_version: p2sh}
    build = scripts.get(data[0])
    return build(data[1:]) if build else None
