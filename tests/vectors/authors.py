"""Authors and documents with fixed keys and fixed times, for tests and vectors."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap_shared import documents

NOON = 1_700_000_000
"""A moment to count from, Unix seconds."""


@dataclass(frozen=True)
class Author:
    """Somebody with an Ed25519 key made from a name: never a key for real use."""

    name: str

    @property
    def _secret(self) -> Ed25519PrivateKey:
        seed = hashlib.sha256(f"test author {self.name}".encode()).digest()
        return Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def key(self) -> str:
        """The public key, hex."""
        return self._secret.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> bytes:
        """Return the signature over ``message``."""
        return self._secret.sign(message)


RELAY = Author("relay")
SIGNER = Author("signer")
STRANGER = Author("stranger")

TATUM_ID = "5f3a0c0de1b2c3d4e5f60718"
SIGNATURE_ID = "742aad14-affc-4e95-a274-f8fb8ec486a3"
PUBLIC_KEY = "03244b42a9df73401473dff8ec9c7f85a080952c342494214d99a5ab13d6a71864"
XPUB = (
    "tpubDFgnzxZPaaoEJZs2ZPYvf4NnVgSJjotRx98uULi5bFbUdgFKkyXhJZo6dsQMwUjKmkedoLKgn"
    "ZUHC2LuTJz9kCtsKeiRsMc37Qe7FtKv68e"
)


def digest(text: str) -> str:
    """Return 32 bytes made from ``text``, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


HEAD = documents.Head(
    height=2,
    head=digest("head"),
    signature=SIGNER.sign(documents.head_message(2, digest("head"))).hex(),
)

IDENTITY = documents.Identity(role="signer", name="vault", key=SIGNER.key)

MANIFEST = documents.Manifest(
    signer=documents.fingerprint(IDENTITY),
    number=1,
    created=NOON,
    head=HEAD,
    entries=(
        documents.Entry(
            signature_id=SIGNATURE_ID,
            chain="BTC",
            network="testnet",
            kind="privateKey",
            public_key=PUBLIC_KEY,
            address="tb1q6klf3cny45skpulz4kazm9dx9fd44usm635vdt",
        ),
        documents.Entry(
            signature_id=SIGNATURE_ID.replace("7", "8"),
            chain="BTC",
            network="testnet",
            kind="mnemonic",
            xpub=XPUB,
        ),
    ),
)

UNSIGNED_BATCH = documents.UnsignedBatch(
    id=TATUM_ID,
    relay=documents.fingerprint(
        documents.Identity(role="relay", name="online", key=RELAY.key)
    ),
    signer=documents.fingerprint(IDENTITY),
    sequence=7,
    created=NOON,
    expires=NOON + 3600,
    network="testnet",
    manifest=1,
    items=(
        documents.UnsignedItem(
            id=TATUM_ID[::-1],
            chain="BTC",
            keys=(documents.KeyReference(signature_id=SIGNATURE_ID, index=0),),
            payload=b"unsigned bytes",
            source=digest("source"),
            hint="invoice 4711",
        ),
    ),
    seen=HEAD,
)

SIGNED_BATCH = documents.SignedBatch(
    batch=UNSIGNED_BATCH.id,
    unsigned=documents.fingerprint(UNSIGNED_BATCH),
    signer=UNSIGNED_BATCH.signer,
    relay=UNSIGNED_BATCH.relay,
    created=NOON + 60,
    items=(
        documents.SignedItem(
            id=TATUM_ID[::-1], signed=b"signed bytes", tx_id=digest("transaction")
        ),
    ),
    head=HEAD,
    links=(digest("link"),),
    software=digest("software"),
    self_test="passed",
)

RECEIPT = documents.Receipt(
    relay=UNSIGNED_BATCH.relay,
    signer=UNSIGNED_BATCH.signer,
    number=1,
    created=NOON + 120,
    items=(
        documents.ReceiptItem(
            id=TATUM_ID[::-1], state="COMPLETED", tx_id=digest("transaction")
        ),
    ),
)

DOCUMENTS: tuple[tuple[documents.Document, Author], ...] = (
    (IDENTITY, SIGNER),
    (MANIFEST, SIGNER),
    (UNSIGNED_BATCH, RELAY),
    (SIGNED_BATCH, SIGNER),
    (RECEIPT, RELAY),
)
"""One document of each type, and who signs it."""
