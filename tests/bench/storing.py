"""Large storages: one added key, a listing, and the move from Tatum KMS.

    python -m tests.bench.storing ENTRIES

Prints one JSON line; seconds beyond the password's derivation.
"""

import base64
import hashlib
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from airgap_shared.chains import lookup
from airgap_signer import chains, keys, session, storage, tatum_wallet
from tests.bench import batches


def measure(entries: int) -> dict[str, float]:
    """Measure each of the three once."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "wallet.airgap"
        chain = lookup("BTC", "testnet")
        batches.make_signer(path, entries - 1, chain)
        return {
            "entries": entries,
            "adding": _adding(path) - _derivation(path),
            "listing": _listing(path) - _derivation(path),
            "importing": _importing(entries),
        }


def _derivation(path: Path) -> float:
    begun = time.perf_counter()
    storage._unwrap(storage._read(path)[0], batches.PASSWORD)
    return time.perf_counter() - begun


def _adding(path: Path) -> float:
    chain = lookup("BTC", "testnet")
    begun = time.perf_counter()
    with session.open_(path, batches.PASSWORD) as opened:
        opened.add_entries([batches.entry(2**31, chain)])
    return time.perf_counter() - begun


def _listing(path: Path) -> float:
    begun = time.perf_counter()
    with session.open_(path, batches.PASSWORD) as opened:
        listed = [each.address for each in opened.public.entries.values()]
    if not all(listed):
        raise SystemExit("an entry has no address")
    return time.perf_counter() - begun


def _importing(entries: int) -> float:
    """Half of the entries are mnemonics, each with 2,048 rounds of its own."""
    chain = lookup("BTC", "testnet")
    family = chains.family(chain)
    half: dict[str, dict[str, object]] = {}
    for number in range(entries):
        fields: dict[str, object] = {"chain": "BTC", "testnet": True}
        if number % 2:
            words = keys.fresh_mnemonic(os.urandom)
            fields |= {"mnemonic": words, "xpub": keys.xpub(words, chain)}
        else:
            secret = keys.fresh_secret(os.urandom)
            fields["privateKey"] = family.secret_text(secret, chain)
        half[str(uuid.uuid4())] = fields
    data = _wallet_dat(json.dumps(half).encode(), batches.PASSWORD)
    begun = time.perf_counter()
    found = tatum_wallet.read(data, batches.PASSWORD)
    outcomes = list(tatum_wallet.adopt(found, int(time.time())))
    if any(outcome.entry is None for outcome in outcomes):
        raise SystemExit("an entry was refused")
    return time.perf_counter() - begun


def _wallet_dat(plain: bytes, password: bytes) -> bytes:
    salt = os.urandom(8)
    derived = block = b""
    while len(derived) < 48:
        block = hashlib.md5(block + password + salt, usedforsecurity=False).digest()
        derived += block
    padder = PKCS7(128).padder()
    padded = padder.update(plain) + padder.finalize()
    cipher = Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[32:48])).encryptor()
    return base64.b64encode(b"Salted__" + salt + cipher.update(padded))


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
