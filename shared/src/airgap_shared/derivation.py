"""Public keys of a mnemonic's children, from its extended public key (BIP-32)."""

from embit.bip32 import HDKey

from airgap_shared import secp256k1
from airgap_shared.errors import ContractError


class ExtendedKey:
    """An extended public key, parsed once for many children."""

    def __init__(self, xpub: str) -> None:
        """Parse ``xpub``, whatever its version; raises ``contract.xpub``."""
        # embit would fall back to pure Python without the library that secp256k1
        # has checked, hence this module imports it though it calls embit alone.
        assert secp256k1.native
        try:
            self._key = HDKey.from_string(xpub)
        except Exception as error:  # embit raises many kinds for bad input
            raise ContractError("contract.xpub", "no extended public key") from error
        if self._key.is_private:
            raise ContractError("contract.xpub", "an extended private key")

    def child(self, index: int) -> bytes:
        """Return the compressed public key of the non-hardened child ``index``."""
        return bytes(self._key.child(index).sec())
