"""A signer that signs whatever it is asked, with test keys and a journal of its own.

It uses the shared formats alone, so the relay's tests do not need the offline program.
"""

import hashlib
import hmac
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from embit import bip32, ec

from airgap_shared import documents, secp256k1
from airgap_shared.chains import lookup
from airgap_shared.documents import (
    Entry,
    Head,
    Identity,
    Manifest,
    SignedBatch,
    SignedItem,
    UnsignedBatch,
)
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.spending import RULES, Scheme

NOON = 1_700_000_000
START = "00" * 32
FIELD = 2**256 - 2**32 - 977


def secret(name):
    """Return a private key made from a name; never one for real use."""
    return hashlib.sha256(f"test key {name}".encode()).digest()


def ecdsa(digest, key):
    """Return the DER signature, RFC 6979 and low S."""
    native = secp256k1.native
    return native.ecdsa_signature_serialize_der(native.ecdsa_sign(digest, key))


def schnorr(digest, key):
    """Return the signature of the key path without scripts (BIP-340, BIP-86)."""
    return ec.PrivateKey(key).taproot_tweak(b"").schnorr_sign(digest).serialize()


def schnorr_bch(digest, key):
    """Return Bitcoin Cash's Schnorr signature (2019-05-15), in plain integers."""
    public = secp256k1.public_key(key)
    nonce = int.from_bytes(rfc6979(key + digest + b"Schnorr+SHA256  "), "big")
    point = ec.PrivateKey(nonce.to_bytes(32, "big")).get_public_key()
    point.compressed = False
    r, y = point.sec()[1:33], int.from_bytes(point.sec()[33:], "big")
    if pow(y, (FIELD - 1) // 2, FIELD) != 1:
        nonce = secp256k1.ORDER - nonce
    challenge = hashlib.sha256(r + public + digest).digest()
    product = int.from_bytes(challenge, "big") * int.from_bytes(key, "big")
    return r + ((nonce + product) % secp256k1.ORDER).to_bytes(32, "big")


def rfc6979(seed):
    """Return the first nonce of RFC 6979 3.2; a second one is never needed here."""
    v, k = b"\x01" * 32, bytes(32)
    for step in (b"\x00", b"\x01"):
        k = hmac.digest(k, v + step + seed, "sha256")
        v = hmac.digest(k, v, "sha256")
    return hmac.digest(k, v, "sha256")


def sign_transaction(unsigned, coins, secrets, chain="BTC"):
    """Return ``unsigned`` signed by whichever of ``secrets`` fits each coin."""
    rules = RULES[chain]
    sign = {
        Scheme.ECDSA: ecdsa,
        Scheme.SCHNORR: schnorr,
        Scheme.SCHNORR_BCH: schnorr_bch,
    }
    digests = rules.digests(unsigned, coins)
    by_script = {
        spendable: key
        for key in secrets
        for spendable in rules.scripts_of_key(secp256k1.public_key(key))
    }
    inputs = []
    for index, (spent, coin) in enumerate(zip(unsigned.inputs, coins, strict=True)):
        key = by_script[coin.script]
        public = secp256k1.public_key(key)
        digest = rules.digest(digests, index, coin, public)
        signature = sign[rules.spend_of(coin.script).scheme](digest, key)
        inputs.append(rules.sign_input(spent, coin, public, signature))
    return replace(unsigned, inputs=tuple(inputs))


def coins_of(container):
    """Return what a container spends, proven or claimed."""
    return tuple(
        stated.previous.outputs[spent.out_point.index]
        if stated.previous
        else stated.claimed
        for spent, stated in zip(
            container.unsigned.inputs, container.inputs, strict=True
        )
    )


class FakeSigner:
    """Keys, an identity and a chain of heads."""

    def __init__(self, name="signer", network="testnet"):
        self._author = Ed25519PrivateKey.from_private_bytes(secret(f"author {name}"))
        self.key = self._author.public_key().public_bytes_raw().hex()
        self.network = network
        self.identity = Identity(role="signer", name=name, key=self.key)
        self.fingerprint = documents.fingerprint(self.identity)
        self.heads = [START]
        self.links: list[str] = []
        self.secrets = {}
        self.entries = []
        self.refuse = {}
        self.number = 0
        self.answers = {}

    def sign(self, message):
        return self._author.sign(message)

    def add_private_key(self, signature_id, key, chain="BTC"):
        self.secrets[signature_id] = {None: key}
        self.entries.append(
            Entry(
                signature_id=signature_id,
                chain=chain,
                network=self.network,
                kind="privateKey",
                public_key=secp256k1.public_key(key).hex(),
            )
        )

    def add_wallet(self, signature_id, seed, indexes=range(8), chain="BTC"):
        root = bip32.HDKey.from_seed(seed).derive(lookup(chain, self.network).path)
        self.secrets[signature_id] = {
            index: root.child(index).key.serialize() for index in indexes
        }
        self.entries.append(
            Entry(
                signature_id=signature_id,
                chain=chain,
                network=self.network,
                kind="mnemonic",
                xpub=root.to_public().to_base58(),
            )
        )

    def head(self):
        height, head = len(self.heads) - 1, self.heads[-1]
        signature = self.sign(documents.head_message(height, head)).hex()
        return Head(height=height, head=head, signature=signature)

    def identity_file(self):
        return documents.seal(self.identity, self.key, self.sign)

    def manifest(self, **changes):
        self.number += 1
        fields = {
            "signer": self.fingerprint,
            "number": self.number,
            "created": NOON,
            "head": self.head(),
            "entries": tuple(self.entries),
        }
        return self.seal(Manifest(**fields | changes))

    def seal(self, document):
        return documents.seal(document, self.key, self.sign)

    def answer(self, data, trusted, **changes):
        """Return the signed batch for a file; the same batch gives the same file."""
        sealed = documents.unseal(data, UnsignedBatch, [trusted])
        batch = sealed.document
        if batch.id not in self.answers:
            self.answers[batch.id] = self._answer(batch, sealed.fingerprint)
        answer = self.answers[batch.id]
        if changes:
            answer = replace_fields(answer, changes)
        return self.seal(answer)

    def _answer(self, batch, fingerprint):
        items = tuple(self._item(item) for item in batch.items)
        for item in items:
            link = hashlib.sha256(f"{batch.id} {item.id}".encode()).hexdigest()
            self.links.append(link)
            self.heads.append(documents.next_head(self.heads[-1], link))
        return SignedBatch(
            batch=batch.id,
            unsigned=fingerprint,
            signer=self.fingerprint,
            relay=batch.relay,
            created=NOON,
            items=items,
            head=self.head(),
            links=tuple(self.links[batch.seen.height :]),
            software=START,
            self_test="passed",
        )

    def _item(self, item):
        if item.id in self.refuse:
            return SignedItem(id=item.id, refused=self.refuse[item.id])
        container = psbt.decode(item.payload)
        secrets = [self.secrets[k.signature_id][k.index] for k in item.keys]
        coins = coins_of(container)
        signed = sign_transaction(container.unsigned, coins, secrets, item.chain)
        return SignedItem(id=item.id, signed=signed.encode(), tx_id=signed.tx_id())


def replace_fields(document, changes):
    """Return ``document`` with some fields changed."""
    fields = {name: getattr(document, name) for name in document.__struct_fields__}
    return type(document)(**fields | changes)


def secret_of_wif(wif):
    """Return the private key that a WIF text holds."""
    return ec.PrivateKey.from_wif(wif).secret


__all__ = [
    "FakeSigner",
    "coins_of",
    "ecdsa",
    "replace_fields",
    "secret",
    "secret_of_wif",
    "sign_transaction",
    "transaction",
]
