"""What is fuzzed: every parser that meets bytes from the other side or from a disk.

A target takes any bytes. It may return, or raise an ``AirgapError``; anything else is
a finding, a broken promise of what it returned included.
"""

import json
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from embit import base58, bech32

from airgap_shared import amounts, chains, documents, envelope
from airgap_shared.derivation import ExtendedKey
from airgap_shared.errors import AirgapError
from airgap_shared.formats import bitcore, cashaddr, psbt
from airgap_shared.formats.bitcoin import script, transaction
from airgap_signer import policy, storage, tatum_wallet
from airgap_signer.wallet import Public, Secret
from tests.fuzz import one_item
from tests.signer import world
from tests.vectors.authors import DOCUMENTS, NOON, SIGNER

VECTORS = Path(__file__).parents[1] / "vectors"


@dataclass(frozen=True)
class Target:
    """One parser, and inputs to start from."""

    run: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]

    def feed(self, data: bytes) -> None:
        """Run on ``data``; whatever is raised here is a finding."""
        try:
            self.run(data)
        except AirgapError:
            return


def vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def spec(*formats: str) -> list[dict[str, Any]]:
    """The vectors of some formats; those that only test a size are left out."""
    names = ("envelope", "documents", "bitcoin", "psbt")
    found = [vector for name in names for vector in vectors(f"spec/{name}.json")]
    return [v for v in found if v["format"] in formats and "padded_to" not in v]


def inputs(*formats: str) -> list[bytes]:
    return [
        v["text"].encode() if "text" in v else bytes.fromhex(v["hex"])
        for v in spec(*formats)
    ]


def texts(*names: str) -> list[bytes]:
    return [name.encode() for name in names]


# Documents: the frame as it arrives, and each document behind a valid signature.


def unframe(data: bytes) -> None:
    types = [document.TYPE for document, _ in DOCUMENTS]
    expected = next((name for name in types if name.encode() in data), types[0])
    envelope.unframe(data, expected)


@cache
def signing_key() -> Ed25519PrivateKey:
    return SIGNER._secret


def unseal(type_: type[Any]) -> Callable[[bytes], None]:
    key = SIGNER.key

    def run(payload: bytes) -> None:
        data = envelope.seal(type_.TYPE, payload, key, signing_key().sign)
        if type_ is documents.Identity:
            found = documents.unseal_identity(data).document
        else:
            found = documents.unseal(data, type_, {key}).document
        assert documents.seal(found, key, signing_key().sign) == data

    return run


def payloads(type_: type[Any]) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        found = [msgspec.json.encode(d) for d, _ in DOCUMENTS if type(d) is type_]
        for vector in spec("document", "identity"):
            if vector["type"] == type_.TYPE and "text" in vector:
                rest = vector["text"].partition('"payload":')[2]
                found.append(rest.partition(',"signatures"')[0].encode())
        return found

    return seeds


# The Bitcoin family's bytes.


def decode_transaction(data: bytes) -> None:
    decoded = transaction.decode(data)
    assert decoded.encode() == data
    assert len(decoded.tx_id()) == 64
    assert decoded.virtual_size() <= len(data)


def transactions() -> list[bytes]:
    found = inputs("transaction", "signed")
    found += [bytes.fromhex(v["unsigned"]) for v in spec("signed")]
    examples = vectors("bips/bip143.json")["examples"]
    return found + [bytes.fromhex(example["unsigned"]) for example in examples]


def psbts() -> list[bytes]:
    bip = vectors("bips/bip174.json")
    return inputs("psbt") + [
        b64decode(v["psbt"]) for v in bip["valid"] + bip["invalid"]
    ]


def decode_bitcore(data: bytes) -> None:
    bitcore.decode(data.decode("utf-8", "surrogateescape"))


def bitcores() -> list[bytes]:
    pending = [vector["pending"] for vector in vectors("tatum/BTC.json")]
    made = [one.get("serializedTransaction") or "" for one in pending]
    return inputs("tatum") + texts(*made)


def with_checksum(data: bytes) -> str:
    """Return a text whose checksum fits, of the kind that the first byte says."""
    kind, rest = data[0], data[1:]
    digits = [byte & 31 for byte in rest[1:83]]
    match kind:
        case 0:
            return str(base58.encode_check(rest[:100]))
        case 1:
            version, hash_ = rest[:1].ljust(1, b"\0"), rest[1:21].ljust(20, b"\0")
            return cashaddr.encode("bchtest", version[0], hash_)
        case 2:
            constant = 1 + rest[0] % 2 if rest else 1
            return str(bech32.bech32_encode(constant, "tb", digits))
        case _:
            return data.decode("utf-8", "surrogateescape")


def address(data: bytes) -> None:
    text = with_checksum(data) if data else ""
    for chain in chains.TABLE:
        try:
            found = script.script_of_address(text, chain.bitcoin)
        except AirgapError:
            continue
        again = script.address(found, chain.bitcoin)
        assert again is not None
        assert script.script_of_address(again, chain.bitcoin) == found


def addresses() -> list[bytes]:
    bip = vectors("bips/bip173-bip350.json")
    found = [v["address"] for v in bip["valid"] + bip["invalid"]]
    fitting = [b"\0\x6f" + bytes(20), b"\1\0" + bytes(20), b"\2\0\0" + bytes(32)]
    return inputs("address") + texts(*found) + fitting


def extended_key(data: bytes) -> None:
    """Read an extended key; behind a zero byte, one whose checksum is made to fit."""
    text = data.decode("utf-8", "surrogateescape")
    if data[:1] == b"\0":
        text = base58.encode_check(data[1:])
    key = ExtendedKey(text).child(len(data))
    assert key[0] in {2, 3}
    assert len(key) == 33


def extended_keys() -> list[bytes]:
    bip = vectors("bips/bip32.json")
    found = [step["parent"] for step in bip["steps"]]
    found += [invalid["key"] for invalid in bip["invalid"]]
    fitting = [b"\0" + base58.decode_check(text) for text in found[:3]]
    return inputs("xpub") + texts(*found) + fitting


def amount(data: bytes) -> None:
    decimals = data[0] % 19 if data else 0
    text = data[1:].decode("utf-8", "surrogateescape")
    units = amounts.parse(text, decimals)
    assert amounts.parse(amounts.text(units, decimals), decimals) == units


# What only the signer reads.


def parse_policy(data: bytes) -> None:
    policy.explain(policy.parse(policy.text_of(data)))


POLICIES = (
    'version = 1\nunproven_amounts = "allow"\nconfirm = "terminal"\n',
    'version = 2\ncontract_calls = "listed"\notherwise = "refuse"\n',
    "version = 1\n[[rules]]\nto = [\"a\", 'b']\nday = 2026-01-01T00:00:00+01:00\n",
    'a.b."c" = { d = [1, 0x2F, 1e9, -inf] }\ne = """\\u00e9\n"""\n',
)


@cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="airgap-fuzz-"))


def read_storage(data: bytes) -> None:
    path = folder() / "storage"
    path.write_bytes(data)
    storage._read(path)


def storages() -> list[bytes]:
    path = folder() / "made"
    if not path.exists():
        public = Public(name="vault", key=SIGNER.key)
        storage.create(path, b"password", public, Secret(bytes(32), {}), 64)
    data = path.read_bytes()
    return [data, data[:16], data[:20] + bytes(100)]


def section(type_: type[Any]) -> Callable[[bytes], None]:
    """Decrypt and decode a section that was written with the storage's own key."""

    def run(data: bytes) -> None:
        key = bytes(storage.KEY_BYTES)
        sealed = storage._encrypt(key, b"", data)
        storage._decrypt_as(key, b"", sealed, type_, Path("storage"))

    return run


WALLET_PASSWORD = b"password"


def encrypted(plain: bytes) -> bytes:
    """A ``wallet.dat`` of Tatum KMS that holds ``plain``, without its base64."""
    salt = bytes(tatum_wallet.SALT_BYTES)
    secret = tatum_wallet._bytes_to_key(WALLET_PASSWORD, salt)
    key, start = secret[: tatum_wallet.KEY_BYTES], secret[tatum_wallet.KEY_BYTES :]
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    fill = tatum_wallet.BLOCK_BYTES - len(plain) % tatum_wallet.BLOCK_BYTES
    body = encryptor.update(plain + fill * bytes([fill])) + encryptor.finalize()
    return tatum_wallet.SALTED + salt + body


def read_tatum_wallet(data: bytes) -> None:
    """Read a ``wallet.dat``; behind a zero byte, one that opens and holds the rest."""
    if data[:1] == b"\0":
        data = b64encode(encrypted(data[1:]))
    for found in tatum_wallet.read(data, WALLET_PASSWORD)[:3]:
        tatum_wallet._adopt(found, NOON)


def tatum_wallets() -> list[bytes]:
    key = {"chain": "BTC", "testnet": True, "privateKey": world.wif("hot")}
    mnemonic = {"chain": "BTC", "testnet": True, "mnemonic": world.MNEMONIC}
    mnemonic["xpub"] = one_item.vault().public.entries[world.WALLET].xpub
    foreign = {"chain": "XX", "testnet": False, "privateKey": "x", "more": [1, {}]}
    wallets: list[Any] = [{world.HOT: key}, {world.WALLET: mnemonic}]
    wallets.append({world.HOT: key, world.SPARE: foreign})
    found = [msgspec.json.encode(wallet) for wallet in wallets]
    return [b"\0" + plain for plain in found] + [b64encode(encrypted(found[0]))]


TARGETS = {
    "envelope": Target(unframe, lambda: inputs("document", "identity")),
    **{
        type_.TYPE.split(".")[1]: Target(unseal(type_), payloads(type_))
        for type_ in (type(document) for document, _ in DOCUMENTS)
    },
    "transaction": Target(decode_transaction, transactions),
    "psbt": Target(psbt.decode, psbts),
    "bitcore": Target(decode_bitcore, bitcores),
    "address": Target(address, addresses),
    "extended-key": Target(extended_key, extended_keys),
    "amount": Target(amount, lambda: [b"\x08" + text for text in inputs("amount")]),
    "policy": Target(parse_policy, lambda: texts(*POLICIES)),
    "storage": Target(read_storage, storages),
    "storage-public": Target(
        section(Public), lambda: [msgspec.json.encode(one_item.vault().public)]
    ),
    "storage-secret": Target(
        section(Secret),
        lambda: [msgspec.json.encode(Secret(bytes(32), one_item.vault().secrets))],
    ),
    "tatum-wallet": Target(read_tatum_wallet, tatum_wallets),
    "item": Target(
        one_item.read,
        lambda: one_item.containers() + [b"\0" + data for data in psbts()],
    ),
    "spending": Target(one_item.spend, one_item.spendings),
}
