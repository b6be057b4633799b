"""Extended public keys and their children (BIP-32).

Our own few lines beside embit's: it writes each key as text to look at its first
letters, which Litecoin's do not have, and takes three times as long.
"""

import hmac

from embit import base58

from airgap_shared import secp256k1
from airgap_shared.chains import TABLE
from airgap_shared.errors import ContractError

VERSIONS = frozenset(chain.bitcoin.xpub_version for chain in TABLE)
"""Versions of every chain's extended public keys."""

EXTENDED_BYTES = 78
"""Version, depth, parent, number, chain code, key: 4 + 1 + 4 + 4 + 32 + 33."""


def child_digest(chain_code: bytes, parent: bytes, number: int) -> tuple[bytes, bytes]:
    """Return what is added to a parent's key, and the child's chain code.

    ``parent`` is the compressed public key, or for a hardened ``number`` (from 2^31
    on) a zero byte and the private key (BIP-32, *Child key derivation functions*).
    """
    digest = hmac.digest(chain_code, parent + number.to_bytes(4, "big"), "sha512")
    return digest[:32], digest[32:]


class ExtendedKey:
    """An extended public key, parsed once for many children."""

    def __init__(self, xpub: str) -> None:
        """Parse ``xpub`` of any chain; raises ``contract.xpub``."""
        try:
            data = base58.decode_check(xpub)
            self.key = bytes(data[45:])
            """The compressed public key itself."""
            self._point = secp256k1.parse_public_key(self.key)
        except ValueError as error:
            raise ContractError("contract.xpub", "no extended public key") from error
        is_root_with_parent = data[4] == 0 and any(data[5:13])
        if (
            data[:4] not in VERSIONS
            or len(data) != EXTENDED_BYTES
            or is_root_with_parent
        ):
            raise ContractError("contract.xpub", "an extended key of an unknown form")
        self._chain_code = bytes(data[13:45])

    def child(self, index: int) -> bytes:
        """Return the compressed public key of the non-hardened child ``index``."""
        added, _ = child_digest(self._chain_code, self.key, index)
        point = secp256k1.native.ec_pubkey_add(self._point, added)
        return bytes(secp256k1.native.ec_pubkey_serialize(point))
