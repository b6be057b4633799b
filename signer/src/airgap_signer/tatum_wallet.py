"""Takes over the entries of Tatum KMS's ``wallet.dat``. Bytes in, values out.

The file is AES-256-CBC under one round of MD5, without a MAC: a wrong password can
even decrypt to something. So nothing counts before it is an object of UUIDs with a
chain and a network, and no entry before its public key is derived again here.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from airgap_shared import secp256k1
from airgap_shared.chains import CODES, Chain, Network, lookup
from airgap_shared.derivation import ExtendedKey
from airgap_shared.documents import SignatureId
from airgap_shared.errors import AirgapError, StorageError
from airgap_signer import chains, keys
from airgap_signer.wallet import StoredEntry

SALTED = b"Salted__"
SALT_BYTES = 8
KEY_BYTES = 32
BLOCK_BYTES = 16
WORKERS = 4
"""Mnemonics that are stretched side by side: 2,048 rounds of HMAC-SHA512 each."""


class _Fields(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of an entry; other fields are kept as they came."""

    chain: str
    testnet: bool
    mnemonic: str = ""
    xpub: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of the file, with its text as it came."""

    signature_id: str
    fields: _Fields
    raw: str

    @property
    def network(self) -> Network:
        """The network that the entry is for."""
        return "testnet" if self.fields.testnet else "mainnet"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An entry that was taken, or why it was not."""

    found: Found
    entry: StoredEntry | None = None
    text: str = ""
    """The secret as it will be stored."""
    address: str = ""
    """First address of the entry; nothing when the chain is not supported."""
    error: AirgapError | None = None


def read(data: bytes, password: bytes) -> list[Found]:
    """Return every entry of a ``wallet.dat``, in its order.

    Raises ``storage.tatum.file`` and ``storage.tatum.password``.
    """
    plain = _decrypt(data, password)
    try:
        entries = msgspec.json.decode(plain, type=dict[SignatureId, msgspec.Raw])
        return [
            Found(each, msgspec.json.decode(raw, type=_Fields), bytes(raw).decode())
            for each, raw in entries.items()
        ]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong_password() from error


def adopt(found: list[Found], now: int) -> Iterator[Outcome]:
    """Yield what becomes of each entry, in order, every address proven."""
    with ThreadPoolExecutor(WORKERS) as workers:
        yield from workers.map(lambda each: _adopt(each, now), found)


def is_known(outcome: Outcome, entries: Mapping[str, StoredEntry]) -> bool:
    """Whether the same entry is stored already; raises ``storage.tatum.differs``."""
    stored = entries.get(outcome.found.signature_id)
    if stored is None or outcome.entry is None:
        return False
    ours, theirs = _essence(stored), _essence(outcome.entry)
    if stored.kept and not outcome.entry.kept and ours[:2] == theirs[:2]:
        return False  # its chain is supported by now
    if ours != theirs:
        raise StorageError(
            "storage.tatum.differs",
            f"another entry is stored as {stored.signature_id}",
        )
    return True


def _essence(entry: StoredEntry) -> tuple[str, ...]:
    return entry.chain, entry.network, entry.public_key, entry.xpub


def _adopt(found: Found, now: int) -> Outcome:
    try:
        if found.fields.chain not in CODES:
            entry = msgspec.structs.replace(_entry(found, now), kept=True)
            return Outcome(found, entry, found.raw)
        chain = lookup(found.fields.chain, found.network)
        build = _from_mnemonic if found.fields.mnemonic else _from_private_key
        return build(found, chain, now)
    except AirgapError as error:
        return Outcome(found, error=error)


def _from_mnemonic(found: Found, chain: Chain, now: int) -> Outcome:
    text = found.fields.mnemonic
    mnemonic = keys.check_mnemonic(text)
    xpub = keys.xpub(mnemonic, chain)
    extended = ExtendedKey(xpub)
    first = secp256k1.public_key(keys.child_secret(mnemonic, chain, 0))
    if xpub != found.fields.xpub or first != extended.child(0):
        raise StorageError(
            "storage.tatum.xpub",
            f"the mnemonic gives {xpub}, stored is {found.fields.xpub}",
            "the words were not stored as they were meant; its funds need them",
        )
    address = chains.family(chain).address(first, chain)
    entry = msgspec.structs.replace(
        _entry(found, now), xpub=xpub, account=extended.key.hex()
    )
    return Outcome(found, entry, text, address)


def _from_private_key(found: Found, chain: Chain, now: int) -> Outcome:
    family = chains.family(chain)
    text = found.fields.private_key
    key = secp256k1.public_key(family.secret(text, chain))
    address = family.address(key, chain)
    entry = msgspec.structs.replace(
        _entry(found, now), public_key=key.hex(), address=address
    )
    return Outcome(found, entry, text, address)


def _entry(found: Found, now: int) -> StoredEntry:
    return StoredEntry(
        signature_id=found.signature_id,
        chain=found.fields.chain,
        network=found.network,
        kind="mnemonic" if found.fields.mnemonic else "privateKey",
        created=now,
    )


def _decrypt(data: bytes, password: bytes) -> bytes:
    try:
        raw = base64.b64decode(data.strip(), validate=True)
    except binascii.Error as error:
        raise _not_a_wallet("it is not base64") from error
    salt, body = raw[len(SALTED) :][:SALT_BYTES], raw[len(SALTED) + SALT_BYTES :]
    if raw[: len(SALTED)] != SALTED or not body or len(body) % BLOCK_BYTES:
        raise _not_a_wallet("it does not begin or end like one")
    key = _bytes_to_key(password, salt)
    cipher = Cipher(algorithms.AES(key[:KEY_BYTES]), modes.CBC(key[KEY_BYTES:]))
    decryptor, unpadder = cipher.decryptor(), PKCS7(8 * BLOCK_BYTES).unpadder()
    padded = decryptor.update(body) + decryptor.finalize()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise _wrong_password() from error


def _bytes_to_key(password: bytes, salt: bytes) -> bytes:
    """Return key and IV as OpenSSL's EVP_BytesToKey does, MD5, one round."""
    derived = block = b""
    while len(derived) < KEY_BYTES + BLOCK_BYTES:
        # Not our choice: it is how the file was written.
        block = hashlib.md5(block + password + salt, usedforsecurity=False).digest()
        derived += block
    return derived


def _wrong_password() -> StorageError:
    return StorageError(
        "storage.tatum.password",
        "the wallet file does not open with this password",
        "it is the password that Tatum KMS asks for",
    )


def _not_a_wallet(why: str) -> StorageError:
    return StorageError(
        "storage.tatum.file", f"this is no wallet.dat of Tatum KMS: {why}"
    )
