"""Signers and batches to measure with: real storages, real documents."""

import hashlib
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap_shared import documents, secp256k1
from airgap_shared.chains import lookup
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer import chains, keys, pairs, session
from airgap_signer.wallet import Secret, StoredEntry

CHAIN = lookup("BTC", "testnet")
PASSWORD = b"measured, not guarded"
KDF_MEMORY_MIB = 64
"""The least that is accepted; the default of 256 adds only to memory and opening."""
COIN = 1_000_000
FEE = 1_000


@dataclass
class Bench:
    """A signer with keys, and the relay that it is paired with."""

    signer: str
    """Fingerprint of its identity."""
    relay_seed: bytes
    public_keys: dict[str, str]
    """Signature id -> compressed public key, hex."""

    @property
    def relay(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.relay_seed)

    @property
    def relay_key(self) -> str:
        return self.relay.public_key().public_bytes_raw().hex()

    @property
    def relay_identity(self) -> documents.Identity:
        return documents.Identity(role="relay", name="bench", key=self.relay_key)


def make_signer(path: Path, count: int) -> Bench:
    """Make a storage with ``count`` private keys, paired with a relay."""
    public = session.create(path, PASSWORD, "bench", os.urandom(32), KDF_MEMORY_MIB)
    added = [_entry(number) for number in range(count)]
    entries = {entry.signature_id: entry for entry, _ in added}
    texts = {entry.signature_id: text for entry, text in added}
    public_keys = {each: entry.public_key for each, entry in entries.items()}
    bench = Bench(public.fingerprint(), os.urandom(32), public_keys)
    identity = documents.seal(bench.relay_identity, bench.relay_key, bench.relay.sign)
    with session.open_(path, PASSWORD) as opened:
        public = opened.public.with_entries(entries)
        relay = documents.unseal_identity(identity)
        public = pairs.with_peer(public, relay, int(time.time()))
        opened.save(public, Secret(opened.secrets().identity, texts))
    return bench


def make_batch(bench: Bench, count: int, inputs: int = 1) -> bytes:
    """Return an unsigned batch of ``count`` P2WPKH transactions to others."""
    now = int(time.time())
    batch = documents.UnsignedBatch(
        id=os.urandom(12).hex(),
        relay=documents.fingerprint(bench.relay_identity),
        signer=bench.signer,
        sequence=int.from_bytes(os.urandom(4), "big"),
        created=now,
        expires=now + 3600,
        network="testnet",
        manifest=1,
        items=tuple(
            _item(each, key, inputs)
            for each, key in itertools.islice(
                itertools.cycle(bench.public_keys.items()), count
            )
        ),
    )
    return documents.seal(batch, bench.relay_key, bench.relay.sign)


def _entry(number: int) -> tuple[StoredEntry, str]:
    family = chains.family(CHAIN)
    secret = keys.fresh_secret(os.urandom)
    key = secp256k1.public_key(secret)
    entry = StoredEntry(
        signature_id=f"{number:08x}-0000-4000-8000-000000000000",
        chain="BTC",
        network="testnet",
        kind="privateKey",
        public_key=key.hex(),
        address=family.address(key, CHAIN),
        created=int(time.time()),
    )
    return entry, family.secret_text(secret, CHAIN)


def _item(signature_id: str, key: str, inputs: int) -> documents.UnsignedItem:
    paid_by = script.p2wpkh(script.hash160(bytes.fromhex(key)))
    previous = [_previous(paid_by) for _ in range(inputs)]
    to_others = script.p2wpkh(os.urandom(20))
    unsigned = Transaction(
        2,
        tuple(Input(OutPoint(tx.tx_id(), 1), 0xFFFFFFFF) for tx in previous),
        (Output(inputs * COIN - FEE * inputs, to_others),),
        0,
    )
    said = tuple(PSBTInput(tx, tx.outputs[1]) for tx in previous)
    payload = PSBT(unsigned, said).encode()
    return documents.UnsignedItem(
        id=os.urandom(12).hex(),
        chain="BTC",
        keys=(documents.KeyReference(signature_id=signature_id),),
        payload=payload,
        source=hashlib.sha256(payload).hexdigest(),
    )


def _previous(paid_by: bytes) -> Transaction:
    """Return a parent as an exchange would make it: one input, two outputs."""
    spent = Input(OutPoint(os.urandom(32).hex(), 0), 0xFFFFFFFE)
    change = Output(5 * COIN, script.p2wpkh(os.urandom(20)))
    return Transaction(2, (spent,), (change, Output(COIN, paid_by)), 0)
