"""Public keys of a mnemonic's children, from its extended public key (BIP-32)."""

from embit.base import EmbitError
from embit.bip32 import HDKey

from airgap_shared import secp256k1
from airgap_shared.errors import ContractError


class ExtendedKey:
    """An extended public key, parsed once for many children."""

    def __init__(self, xpub: str) -> None:
        """Parse ``xpub``, whatever its version; raises ``contract.xpub``."""
        secp256k1.require_native()
        try:
            self._key = HDKey.from_string(xpub)
        except (EmbitError, ValueError, IndexError) as error:
            raise ContractError("contract.xpub", "no extended public key") from error
        if self._key.is_private:
            raise ContractError("contract.xpub", "an extended private key")

    @property
    def key(self) -> bytes:
        """The compressed public key itself."""
        return bytes(self._key.sec())

    def child(self, index: int) -> bytes:
        """Return the compressed public key of the non-hardened child ``index``."""
        return bytes(self._key.child(index).sec())
