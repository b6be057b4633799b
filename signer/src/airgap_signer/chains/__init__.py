"""One module a chain family: intent and signing; and the table of families."""

from airgap_shared.chains import Chain
from airgap_signer.chains import bitcoin
from airgap_signer.chains.base import Family

FAMILIES: dict[str, Family] = {"bitcoin": bitcoin.FAMILY}


def family(chain: Chain) -> Family:
    """Return the family that reads and signs ``chain``."""
    return FAMILIES[chain.family]
