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


@dataclass(frozen=True, slots=True, eq=False)  # rows of a table: the same or not
class BitcoinParameters:
    """Prefixes and fee bounds of a member of the Bitcoin family."""

    p2pkh_version: int
    p2sh_version: int
    wif_version: int
    xpub_version: bytes
    managed_script: Literal["p2wpkh", "p2pkh"]
    """What a managed wallet's address pays to."""
    min_fee_rate: int
    """Base units a virtual byte below which nodes do not relay, inclusive."""
    max_fee_rate: int
    """Base units a virtual byte above which a fee is a mistake, inclusive."""
    height: tuple[int, int, int]
    """A block's height and time, and at least how many seconds a block took since:
    what an offline machine knows of the present height, from above."""
    bech32_prefix: str = ""
    """Human-readable part of BIP-173 addresses; none without segwit."""
    min_output: int = 0
    """Base units below which no node relays an output, where that is a rule that the
    original signer knew in a stricter form; elsewhere such an output is odd."""
    checks_fee_field: bool = False
    """Whether Tatum's ``fee`` must be what is paid: the original looked on DOGE."""
    cashaddr_prefix: str = ""
    """Prefix of CashAddr; then no base58 address is written."""


@dataclass(frozen=True, slots=True, eq=False)
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


_XPUB, _TPUB = bytes.fromhex("0488b21e"), bytes.fromhex("043587cf")
_LTUB, _TTUB = bytes.fromhex("019da462"), bytes.fromhex("0436f6e1")

_SATOSHIS = (1, 1_000)
"""Bitcoin Core's relay minimum; 1,000 sat/vB is a coin a standard block's share."""
_BCH_SATOSHIS = (1, 2_500)
"""The cap at which the original signer speaks of absurd fees."""
_KOINU = (100, 200_000)
"""0.001 DOGE/kB, Dogecoin Core's relay minimum since 1.14.5, and 2 DOGE/kB: twice
what the original signer took for usual."""

_DOGE_DUST = 100_000
"""0.001 DOGE: Dogecoin Core's hard dust limit since 1.14.5."""

# Mainnets: the last halving, or a round height, and slightly less than the pace
# since. Testnets make blocks in bursts, and nothing of value is locked there.
_BTC_HEIGHT = (840_000, 1_713_571_767, 590)
_LTC_HEIGHT = (2_520_000, 1_690_988_760, 147)
_DOGE_HEIGHT = (5_000_000, 1_702_339_200, 60)
_BCH_HEIGHT = (840_000, 1_712_188_800, 590)
_TEST_HEIGHT = (5_000_000, 1_767_225_600, 60)
_DOGE_TEST_HEIGHT = (50_000_000, 1_767_225_600, 10)

_BTC_MAIN = BitcoinParameters(
    0x00, 0x05, 0x80, _XPUB, "p2wpkh", *_SATOSHIS, _BTC_HEIGHT, bech32_prefix="bc"
)
_BTC_TEST = BitcoinParameters(
    0x6F, 0xC4, 0xEF, _TPUB, "p2wpkh", *_SATOSHIS, _TEST_HEIGHT, bech32_prefix="tb"
)
_LTC_MAIN = BitcoinParameters(
    0x30, 0x32, 0xB0, _LTUB, "p2pkh", *_SATOSHIS, _LTC_HEIGHT, bech32_prefix="ltc"
)
_LTC_TEST = BitcoinParameters(
    0x6F, 0x3A, 0xEF, _TTUB, "p2pkh", *_SATOSHIS, _TEST_HEIGHT, bech32_prefix="tltc"
)
_DOGE_MAIN = BitcoinParameters(
    0x1E,
    0x16,
    0x9E,
    _XPUB,
    "p2pkh",
    *_KOINU,
    _DOGE_HEIGHT,
    min_output=_DOGE_DUST,
    checks_fee_field=True,
)
_DOGE_TEST = BitcoinParameters(
    0x71,
    0xC4,
    0xF1,
    _TPUB,
    "p2pkh",
    *_KOINU,
    _DOGE_TEST_HEIGHT,
    min_output=_DOGE_DUST,
    checks_fee_field=True,
)
_BCH_MAIN = BitcoinParameters(
    0x00,
    0x05,
    0x80,
    _XPUB,
    "p2pkh",
    *_BCH_SATOSHIS,
    _BCH_HEIGHT,
    cashaddr_prefix="bitcoincash",
)
_BCH_TEST = BitcoinParameters(
    0x6F,
    0xC4,
    0xEF,
    _TPUB,
    "p2pkh",
    *_BCH_SATOSHIS,
    _TEST_HEIGHT,
    cashaddr_prefix="bchtest",
)

TABLE: tuple[Chain, ...] = (
    Chain("BTC", "mainnet", "bitcoin", 8, "m/44h/0h/0h/0", "bitcoin", _BTC_MAIN),
    Chain("BTC", "testnet", "bitcoin", 8, "m/44h/1h/0h/0", "bitcoin", _BTC_TEST),
    Chain("LTC", "mainnet", "bitcoin", 8, "m/44h/2h/0h/0", "litecoin", _LTC_MAIN),
    Chain("LTC", "testnet", "bitcoin", 8, "m/44h/1h/0h/0", "litecoin", _LTC_TEST),
    Chain("DOGE", "mainnet", "bitcoin", 8, "m/44h/3h/0h/0", "dogecoin", _DOGE_MAIN),
    Chain("DOGE", "testnet", "bitcoin", 8, "m/44h/1h/0h/0", "dogecoin", _DOGE_TEST),
    Chain("BCH", "mainnet", "bitcoin", 8, "m/44h/145h/0h/0", "bcash", _BCH_MAIN),
    Chain("BCH", "testnet", "bitcoin", 8, "m/44h/145h/0h/0", "bcash", _BCH_TEST),
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
