"""Private keys with fixed values, what they spend, and embit's signatures."""

import hashlib
from collections.abc import Sequence

from embit import ec
from embit import script as embit_script

from airgap_shared import secp256k1
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.digests import Digests
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import Output, Transaction


def secret(name: str) -> bytes:
    """Return a private key made from a name: never one for real use."""
    return hashlib.sha256(f"test key {name}".encode()).digest()


def scripts_of(key: bytes) -> dict[str, bytes]:
    """Return every output script that ``key`` spends, by its kind."""
    key_hash = script.hash160(key)
    witness = script.p2wpkh(key_hash)
    return {
        "p2pkh": script.p2pkh(key_hash),
        "p2wpkh": witness,
        "p2sh-p2wpkh": script.p2sh(script.hash160(witness)),
        "p2pk": bytes([len(key)]) + key + b"\xac",
        "p2tr": embit_script.p2tr(ec.PublicKey.parse(key)).data,
    }


def sign(
    transaction: Transaction, coins: Sequence[Output], secrets: Sequence[bytes]
) -> Transaction:
    """Sign every input with embit: RFC 6979, low S, no grinding; or BIP-340."""
    digests = Digests(transaction, coins)
    signed = []
    for index, (coin, secret_) in enumerate(zip(coins, secrets, strict=True)):
        key = secp256k1.public_key(secret_)
        digest = RULES["BTC"].digest(digests, index, coin, key)
        private = ec.PrivateKey(secret_)
        if coin.script == scripts_of(key)["p2tr"]:
            signature = private.taproot_tweak().schnorr_sign(digest).serialize()
        else:
            signature = private.sign(digest, grind=False).serialize()
        spent = transaction.inputs[index]
        signed.append(RULES["BTC"].sign_input(spent, coin, key, signature))
    return Transaction(
        transaction.version, tuple(signed), transaction.outputs, transaction.lock_time
    )
