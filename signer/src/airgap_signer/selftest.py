"""An edge: known answers, asked of this very machine before keys are exposed.

Each check names its source. Together they take a few milliseconds; a machine that
gets any of them wrong must not sign.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

import airgap_shared
import airgap_signer
from airgap_shared import secp256k1
from airgap_shared.chains import lookup
from airgap_shared.errors import SafetyError
from airgap_signer import chains, keys

_MNEMONIC = "abandon " * 11 + "about"


def software_digest() -> str:
    """Return the SHA-256 over every source file of signer and shared."""
    digest = hashlib.sha256()
    for package in (airgap_shared, airgap_signer):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*.py")):
            data = path.read_bytes()
            digest.update(
                f"{root.name}/{path.relative_to(root)} {len(data)}\n".encode()
            )
            digest.update(data)
    return digest.hexdigest()


def library() -> bool:
    """Return whether embit really runs on the pinned libsecp256k1."""
    secp256k1.require_native()
    return True


def ecdsa() -> bool:
    """Sign "Satoshi Nakamoto" with key 1, the RFC 6979 vector of Bitcoin's clients."""
    digest = hashlib.sha256(b"Satoshi Nakamoto").digest()
    secret = (1).to_bytes(32, "big")
    signature = keys.sign_ecdsa(secret, digest)
    key = secp256k1.public_key(secret)
    flipped = digest[:-1] + bytes([digest[-1] ^ 1])
    return (
        signature.hex()
        == "3045022100934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
        "02202442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
        and secp256k1.verify_ecdsa(signature, digest, key)
        and not secp256k1.verify_ecdsa(signature, flipped, key)
    )


def ed25519() -> bool:
    """Sign the empty message: RFC 8032 §7.1, test 1."""
    seed = bytes.fromhex(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    )
    return keys.identity_key(seed).sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def aes_gcm() -> bool:
    """Encrypt 16 zero bytes: the GCM specification, test case 14."""
    sealed = AESGCM(bytes(32)).encrypt(bytes(12), bytes(16), None)
    return sealed.hex() == (
        "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
    )


def argon2id() -> bool:
    """Derive a tag: RFC 9106 §5.3."""
    kdf = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    )
    return kdf.derive(b"\x01" * 32).hex() == (
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    )


def derivation() -> bool:
    """Derive a mnemonic's first address on BTC: BIP-39, BIP-32, BIP-173."""
    chain = lookup("BTC", "mainnet")
    key = secp256k1.public_key(keys.child_secret(_MNEMONIC, chain, 0))
    family = chains.family(chain)
    return family.address(key, chain) == "bc1qmxrw6qdh5g3ztfcwm0et5l8mvws4eva24kmp8m"


CHECKS: tuple[tuple[str, Callable[[], bool]], ...] = (
    ("library", library),
    ("ecdsa", ecdsa),
    ("ed25519", ed25519),
    ("aes_gcm", aes_gcm),
    ("argon2id", argon2id),
    ("derivation", derivation),
)


def run() -> None:
    """Ask every known answer; raises ``safety.self_test`` at the first wrong one."""
    for name, check in CHECKS:
        if not check():
            raise SafetyError(
                "safety.self_test",
                f"known answer test {name} failed: this machine must not sign",
                "install the software again; then suspect the hardware",
            )
