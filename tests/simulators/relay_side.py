"""The other side of the gap, as the signer meets it: an identity and its batches.

Payments, coins and the transactions that made them are made up here; nothing of
the relay's program is needed.
"""

import hashlib
from dataclasses import dataclass

from airgap_shared import documents
from airgap_shared.documents import (
    Identity,
    KeyReference,
    UnsignedBatch,
    UnsignedItem,
)
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)
from airgap_shared.formats.psbt import PSBT, PSBTInput
from tests.vectors.authors import NOON, RELAY, Author, digest

FINAL = 0xFFFFFFFF
SOMEBODY = script.p2wpkh(b"\x07" * 20)
SOMEBODY_ADDRESS = "tb1qqurswpc8qurswpc8qurswpc8qurswpc800zzll"


@dataclass(frozen=True)
class MadeCoin:
    """An output of a made-up transaction, and what a relay says of it."""

    previous: Transaction
    index: int = 0
    proof: str = "previous"
    """``previous``, ``claim``, ``both`` or ``nothing``."""
    claimed: Output | None = None
    """What is claimed instead of the truth."""

    @property
    def output(self):
        return self.previous.outputs[self.index]

    @property
    def out_point(self):
        return OutPoint(self.previous.tx_id(), self.index)

    @property
    def reference(self):
        return str(self.out_point)

    def said(self):
        """Return what the container says of this coin."""
        previous = self.previous if self.proof in ("previous", "both") else None
        claimed = self.claimed or self.output
        return PSBTInput(previous, claimed if self.proof in ("claim", "both") else None)


def coin(name, pays, amount=100_000, *, index=0, proof="previous", claimed=None):
    """Make a coin of ``amount`` that pays to the script ``pays``."""
    origin = OutPoint(digest(f"origin {name}"), 0)
    filler = tuple(Output(1_000, SOMEBODY) for _ in range(index))
    made = Transaction(
        2, (Input(origin, FINAL, b"\x01\x51"),), (*filler, Output(amount, pays)), 0
    )
    return MadeCoin(made, index, proof, claimed)


def spend(coins, outputs, *, sequence=FINAL, lock_time=0, version=2):
    """Return the unsigned transaction from ``coins`` to ``[(script, amount)]``."""
    sequences = sequence if isinstance(sequence, list) else [sequence] * len(coins)
    inputs = (
        Input(made.out_point, number)
        for made, number in zip(coins, sequences, strict=True)
    )
    paid = (Output(amount, pays) for pays, amount in outputs)
    return Transaction(version, tuple(inputs), tuple(paid), lock_time)


def container(unsigned, coins):
    """Return the PSBT of ``unsigned`` with what is said of ``coins``."""
    return PSBT(unsigned, tuple(made.said() for made in coins)).encode()


def key_of(signature_id, index=None):
    return KeyReference(signature_id=signature_id, index=index)


def tatum_id(name):
    """Return an id as Tatum gives them, made from a name."""
    return digest(f"tatum id {name}")[:24]


class RelaySide:
    """A paired relay: it makes batches for one signer, and signs them."""

    def __init__(self, signer, *, author=RELAY, network="testnet", now=NOON):
        self.author = author
        self.network = network
        self.signer = signer
        """The fingerprint of the signer that batches are for."""
        self.now = now
        self.identity = Identity(role="relay", name="online", key=author.key)
        self.fingerprint = documents.fingerprint(self.identity)
        self._sequence = 0

    def identity_file(self):
        return documents.seal(self.identity, self.author.key, self.author.sign)

    def item(self, name, coins, outputs, keys, **more):
        """Return an item that spends ``coins``; ``more`` is of the transaction."""
        unsigned = spend(coins, outputs, **more)
        return self.item_of(name, container(unsigned, coins), keys)

    def item_of(self, name, payload, keys, **fields):
        values = {
            "id": tatum_id(name),
            "chain": "BTC",
            "keys": tuple(keys),
            "payload": payload,
            "source": digest(f"source {name}"),
        }
        return UnsignedItem(**values | fields)

    def batch(self, *items, **fields):
        """Return the next batch with ``items``."""
        self._sequence += 1
        values = {
            "id": hashlib.sha256(f"batch {self._sequence}".encode()).hexdigest()[:24],
            "relay": self.fingerprint,
            "signer": self.signer,
            "sequence": self._sequence,
            "created": self.now,
            "expires": self.now + 3600,
            "network": self.network,
            "manifest": 1,
            "items": tuple(items),
        }
        return UnsignedBatch(**values | fields)

    def file(self, batch, author: Author | None = None):
        """Return the file of ``batch``, signed by ``author`` or by this relay."""
        by = author or self.author
        return documents.seal(batch, by.key, by.sign)

    def batch_file(self, *items, **fields):
        return self.file(self.batch(*items, **fields))
