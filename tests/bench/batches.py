"""Signers and batches to measure with: real storages, real documents."""

import hashlib
import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap_shared import documents, secp256k1
from airgap_shared.chains import Chain, lookup
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.digests import SIGHASH_ALL
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from airgap_shared.formats.psbt import PSBT, PSBTInput
from airgap_signer import chains, keys, pairs, session
from airgap_signer.wallet import Secret, StoredEntry

PASSWORD = b"measured, not guarded"
KDF_MEMORY_MIB = 64
"""The least that is accepted; the default of 256 adds only to memory and opening."""
COIN = 10_000_000_000
FEE_RATE = 2
"""Times the least that nodes relay."""
BYTES = 200
"""More than an input and an output take."""


@dataclass
class Bench:
    """A signer with keys, and the relay that it is paired with."""

    chain: str
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


def make_signer(path: Path, count: int, chain: Chain) -> Bench:
    """Make a storage with ``count`` private keys, paired with a relay."""
    public = session.create(path, PASSWORD, "bench", os.urandom(32), KDF_MEMORY_MIB)
    added = [entry(number, chain) for number in range(count)]
    entries = {made.signature_id: made for made, _ in added}
    texts = {made.signature_id: text for made, text in added}
    public_keys = {each: made.public_key for each, made in entries.items()}
    bench = Bench(chain.code, public.fingerprint(), os.urandom(32), public_keys)
    identity = documents.seal(bench.relay_identity, bench.relay_key, bench.relay.sign)
    with session.open_(path, PASSWORD) as opened:
        public = opened.public.with_entries(entries)
        relay = documents.unseal_identity(identity)
        public = pairs.with_peer(public, relay, int(time.time()))
        opened.save(public, Secret(opened.secrets().identity, texts))
    return bench


def make_batch(bench: Bench, count: int, inputs: int = 1) -> bytes:
    """Return an unsigned batch of ``count`` transactions to others."""
    chain = lookup(bench.chain, "testnet")
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
            _item(each, key, inputs, chain)
            for each, key in itertools.islice(
                itertools.cycle(bench.public_keys.items()), count
            )
        ),
    )
    return documents.seal(batch, bench.relay_key, bench.relay.sign)


def entry(number: int, chain: Chain) -> tuple[StoredEntry, str]:
    """Return a fresh private key's entry and its text."""
    family = chains.family(chain)
    secret = keys.fresh_secret(os.urandom)
    key = secp256k1.public_key(secret)
    made = StoredEntry(
        signature_id=f"{number:08x}-0000-4000-8000-000000000000",
        chain=chain.code,
        network="testnet",
        kind="privateKey",
        public_key=key.hex(),
        address=family.address(key, chain),
        created=int(time.time()),
    )
    return made, family.secret_text(secret, chain)


def _item(
    signature_id: str, key: str, inputs: int, chain: Chain
) -> documents.UnsignedItem:
    paid_by = script.managed_script(bytes.fromhex(key), chain.bitcoin)
    previous = [_previous(paid_by) for _ in range(inputs)]
    to_others = script.managed_script(os.urandom(33), chain.bitcoin)
    fee = FEE_RATE * BYTES * inputs * chain.bitcoin.min_fee_rate
    unsigned = Transaction(
        2,
        tuple(Input(OutPoint(tx.tx_id(), 1), 0xFFFFFFFF) for tx in previous),
        (Output(inputs * COIN - fee, to_others),),
        0,
    )
    is_segwit = chain.bitcoin.managed_script == "p2wpkh"
    has_fork_id = RULES[chain.code].hash_type != SIGHASH_ALL
    said = tuple(
        PSBTInput(tx, tx.outputs[1] if is_segwit else None, has_fork_id)
        for tx in previous
    )
    payload = PSBT(unsigned, said).encode()
    return documents.UnsignedItem(
        id=os.urandom(12).hex(),
        chain=chain.code,
        keys=(documents.KeyReference(signature_id=signature_id),),
        payload=payload,
        source=hashlib.sha256(payload).hexdigest(),
    )


def _previous(paid_by: bytes) -> Transaction:
    """Return a parent as an exchange would make it: one input, two outputs."""
    spent = Input(OutPoint(os.urandom(32).hex(), 0), 0xFFFFFFFE)
    change = Output(5 * COIN, script.p2wpkh(os.urandom(20)))
    return Transaction(2, (spent,), (change, Output(COIN, paid_by)), 0)
