"""Output scripts and the addresses people write for them.

Base58Check and bech32 come from embit, which accepts any prefix; here the prefix
must be the chain's. BIP-13, 16, 141, 173, 341, 350.
"""

from enum import Enum
from functools import lru_cache

from embit import base58, bech32, hashes

from airgap_shared.chains import BitcoinParameters
from airgap_shared.errors import ContractError

MAX_ADDRESS = 128
"""Characters of an address; the longest bech32 one has 90 (BIP-173)."""

OP_RETURN = b"\x6a"
"""First byte of a script that nobody can spend."""


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


def managed_script(public_key: bytes, parameters: BitcoinParameters) -> bytes:
    """Return the script that a managed wallet's address pays to."""
    key_hash = hash160(public_key)
    return (
        p2wpkh(key_hash) if parameters.managed_script == "p2wpkh" else p2pkh(key_hash)
    )


def scripts_of_key(public_key: bytes) -> tuple[bytes, ...]:
    """Return every output script that ``public_key`` alone can spend here."""
    key_hash = hash160(public_key)
    witness = p2wpkh(key_hash)
    bare = bytes([len(public_key)]) + public_key + b"\xac"
    return p2pkh(key_hash), witness, p2sh(hash160(witness)), bare


@lru_cache(maxsize=4096)
def address(script: bytes, parameters: BitcoinParameters) -> str | None:
    """Return the address of ``script``; ``None`` when it has none."""
    match classify(script):
        case ScriptType.P2PKH:
            return _base58(parameters.p2pkh_version, script[3:23])
        case ScriptType.P2SH:
            return _base58(parameters.p2sh_version, script[2:22])
        case ScriptType.P2WPKH | ScriptType.P2WSH:
            return _bech32(bech32.Encoding.BECH32, 0, script[2:], parameters)
        case ScriptType.P2TR:
            return _bech32(bech32.Encoding.BECH32M, 1, script[2:], parameters)
        case _:
            return None


def script_of_address(text: str, parameters: BitcoinParameters) -> bytes:
    """Return the script that ``text`` stands for on this chain and network.

    Raises ``contract.address`` for another chain's prefix, a wrong checksum, and
    witness versions that nothing here can explain to a person.
    """
    script = _from_bech32(text, parameters) or _from_base58(text, parameters)
    if script is None:
        raise ContractError(
            "contract.address",
            f"{text[:MAX_ADDRESS]!r} is no address of this chain and network",
        )
    return script


def _bech32(
    encoding: int, version: int, program: bytes, parameters: BitcoinParameters
) -> str:
    """Return a witness address; embit's own ``encode`` decodes it once more."""
    data = [version, *bech32.convertbits(program, 8, 5)]
    return str(bech32.bech32_encode(encoding, parameters.bech32_prefix, data))


def _base58(version: int, payload: bytes) -> str:
    return str(base58.encode_check(bytes([version]) + payload))


def _from_bech32(text: str, parameters: BitcoinParameters) -> bytes | None:
    if len(text) > MAX_ADDRESS:
        return None
    version, program = bech32.decode(parameters.bech32_prefix, text)
    if version is None:
        return None
    script = bytes([version + 0x50 if version else 0, len(program)]) + bytes(program)
    return None if classify(script) is ScriptType.UNKNOWN else script


def _from_base58(text: str, parameters: BitcoinParameters) -> bytes | None:
    if len(text) > MAX_ADDRESS:
        return None
    try:
        data = base58.decode_check(text)
    except ValueError:
        return None
    if len(data) != 21:
        return None
    scripts = {parameters.p2pkh_version: p2pkh, parameters.p2sh_version: p2sh}
    build = scripts.get(data[0])
    return build(data[1:]) if build else None
