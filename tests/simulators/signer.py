"""A signer that signs whatever it is asked, with test keys and a journal of its own.

It uses the shared formats alone, so the relay's tests do not need the offline program.
"""

import hashlib
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
from airgap_shared.formats.bitcoin import script, spending, transaction
from airgap_shared.formats.bitcoin.digests import Digests

NOON = 1_700_000_000
START = "00" * 32


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


def sign_transaction(unsigned, coins, secrets):
    """Return ``unsigned`` signed by whichever of ``secrets`` fits each coin."""
    digests = Digests(unsigned, coins)
    by_script = {
        spendable: key
        for key in secrets
        for spendable in spending.scripts_of_key(secp256k1.public_key(key))
    }
    inputs = []
    for index, (spent, coin) in enumerate(zip(unsigned.inputs, coins, strict=True)):
        key = by_script[coin.script]
        public = secp256k1.public_key(key)
        digest = spending.digest(digests, index, coin, public)
        is_taproot = script.classify(coin.script) is script.ScriptType.P2TR
        signature = (schnorr if is_taproot else ecdsa)(digest, key)
        inputs.append(spending.sign_input(spent, coin, public, signature))
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
        signed = sign_transaction(container.unsigned, coins_of(container), secrets)
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
