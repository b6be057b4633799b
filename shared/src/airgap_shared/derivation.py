"""Public keys of a mnemonic's children, from its extended public key (BIP-32)."""

from embit import base58
from embit.base import EmbitError
from embit.bip32 import HDKey

from airgap_shared import secp256k1
from airgap_shared.chains import TABLE
from airgap_shared.errors import ContractError

XPUB = bytes.fromhex("0488b21e")
"""Version of a public key that reads xpub (BIP-32)."""

VERSIONS = frozenset(chain.bitcoin.xpub_version for chain in TABLE)
"""Versions of every chain's extended public keys."""


class ExtendedKey:
    """An extended public key, parsed once for many children."""

    def __init__(self, xpub: str) -> None:
        """Parse ``xpub`` of any chain; raises ``contract.xpub``."""
        secp256k1.require_native()
        try:
            data = base58.decode_check(xpub)
            if data[: len(XPUB)] not in VERSIONS:
                raise ContractError("contract.xpub", "a key of an unknown version")
            # embit takes only versions that read xpub; Litecoin's reads Ltub.
            self._key = HDKey.parse(XPUB + data[len(XPUB) :])
        except (EmbitError, ValueError, IndexError) as error:
            raise ContractError("contract.xpub", "no extended public key") from error

    @property
    def key(self) -> bytes:
        """The compressed public key itself."""
        return bytes(self._key.sec())

    def child(self, index: int) -> bytes:
        """Return the compressed public key of the non-hardened child ``index``."""
        return bytes(self._key.child(index).sec())
