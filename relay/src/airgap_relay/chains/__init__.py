"""One module a chain family: what to fetch, how to prepare, match and find."""

from airgap_relay.chains import bitcoin
from airgap_relay.chains.base import Family

FAMILIES: dict[str, Family] = {"bitcoin": bitcoin.BitcoinFamily()}
"""Family name of ``airgap_shared.chains`` → its code."""
