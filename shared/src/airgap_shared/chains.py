"""The table of chains: what differs from one to the next, and nothing else.

Adding a member of a known family is one row here. Sources: SLIP-44 (coin types),
SLIP-132 and each project's ``chainparams`` (prefixes); the paths are those that
Tatum KMS uses, so that the same mnemonic gives the same addresses.
"""

from dataclasses import dataclass
from typing import Literal

from airgap_shared.errors import ContractError

Network = Literal["mainnet", "testnet"]
"""Which of a chain's two networks."""

Family = Literal["bitcoin"]
"""Which code reads and signs a chain; one module of that name on each side."""


@dataclass(frozen=True, slots=True)
class BitcoinParameters:
    """Prefixes and fee bounds of a member of the Bitcoin family."""

    p2pkh_version: int
    p2sh_version: int
    wif_version: int
    xpub_version: bytes
    bech32_prefix: str
    """Human-readable part of BIP-173 addresses."""
    managed_script: Literal["p2wpkh", "p2pkh"]
    """What a managed wallet's address pays to."""
    min_fee_rate: int
    """Base units a virtual byte below which nodes do not relay, inclusive."""
    max_fee_rate: int
    """Base units a virtual byte above which a fee is a mistake, inclusive."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain on one network."""

    code: str
    """Tatum's name, also the unit's: ``BTC``."""
    network: Network
    family: Family
    decimals: int
    path: str
    """BIP-32 path of the xpub; addresses are its non-hardened children."""
    tatum_path: str
    """The chain's segment in Tatum's URLs, ``/v3/<tatum_path>/broadcast``."""
    bitcoin: BitcoinParameters


_BTC_MAIN = BitcoinParameters(
    p2pkh_version=0x00,
    p2sh_version=0x05,
    wif_version=0x80,
    xpub_version=bytes.fromhex("0488b21e"),
    bech32_prefix="bc",
    managed_script="p2wpkh",
    min_fee_rate=1,
    max_fee_rate=1_000,
)
_BTC_TEST = BitcoinParameters(
    p2pkh_version=0x6F,
    p2sh_version=0xC4,
    wif_version=0xEF,
    xpub_version=bytes.fromhex("043587cf"),
    bech32_prefix="tb",
    managed_script="p2wpkh",
    min_fee_rate=1,
    max_fee_rate=1_000,
)

TABLE: tuple[Chain, ...] = (
    Chain("BTC", "mainnet", "bitcoin", 8, "m/44h/0h/0h/0", "bitcoin", _BTC_MAIN),
    Chain("BTC", "testnet", "bitcoin", 8, "m/44h/1h/0h/0", "bitcoin", _BTC_TEST),
)
"""Every supported chain."""

_BY_NAME = {(chain.code, chain.network): chain for chain in TABLE}

CODES = tuple(dict.fromkeys(chain.code for chain in TABLE))
"""Codes of the supported chains, in table order."""


def lookup(code: str, network: Network) -> Chain:
    """Return the chain called ``code`` on ``network``.

    Raises ``contract.chain`` when it is not in the table.
    """
    chain = _BY_NAME.get((code, network))
    if chain is None:
        raise ContractError(
            "contract.chain",
            f"chain {code!r} on {network} is not supported; known: {', '.join(CODES)}",
        )
    return chain
