"""The chains of the sandbox: one row each, with what differs between them.

Both networks' addresses name coins of the same chain, so that a rehearsal may use
mainnet addresses under a mainnet policy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airgap_relay.sandbox import bcoin, bitcore, node
from airgap_relay.sandbox.judge import Judge, LegacyEngine, OwnRules, ScriptEngine
from airgap_shared import chains
from airgap_shared.chains import Chain
from airgap_shared.errors import ContractError
from airgap_shared.formats import bitcash
from airgap_shared.formats import bitcore as bitcore_format
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.transaction import Input, Output, Transaction

COIN = 10**8


@dataclass(frozen=True, slots=True)
class Kind:
    """One chain: how Tatum writes its transactions, and what its nodes do."""

    code: str
    node: str
    """What Tatum's node gateway calls it."""
    judge: Callable[[], Judge]
    serialize: Callable[[Transaction, tuple[Output, ...], bitcore.Change | None], str]
    """Unsigned transaction, its coins and change -> ``serializedTransaction``."""
    unsigned: Callable[[str], Transaction]
    """``serializedTransaction`` -> unsigned transaction."""
    describe: Callable[[bcoin.Known], dict[str, Any]]
    """A known transaction -> Tatum's answer to a look-up."""
    max_supply: int = 21_000_000 * COIN
    """Base units that can exist, or that nodes take for one transaction."""
    version: int = 2
    """Version of what Tatum's builder makes."""
    dust: int = 546
    """Base units below which the builder leaves the change to the miner."""
    fee_rate: int = 5
    """Base units a virtual byte when the request names no fee."""
    replaces: bool = True
    """Whether nodes, as they come, let a higher fee displace a lower (BIP-125)."""

    @property
    def networks(self) -> tuple[Chain, ...]:
        """Testnet first: that is where rehearsals belong."""
        return chains.lookup(self.code, "testnet"), chains.lookup(self.code, "mainnet")

    @property
    def chain(self) -> Chain:
        """What both networks have in common."""
        return self.networks[0]

    def script(self, address: str) -> bytes:
        """Return the script of an address of either network.

        Raises ``contract.address``.
        """
        testnet, mainnet = self.networks
        try:
            return scripts.script_of_address(address, testnet.bitcoin)
        except ContractError:
            return scripts.script_of_address(address, mainnet.bitcoin)

    def spent(self, text: str) -> tuple[Input, ...]:
        """Return the inputs of a ``serializedTransaction``."""
        return self.unsigned(text).inputs


def _bitcore_unsigned(text: str) -> Transaction:
    return bitcore_format.decode(text).unsigned


def _cash(
    unsigned: Transaction, coins: tuple[Output, ...], _change: bitcore.Change | None
) -> str:
    return bitcash.encode(unsigned, tuple(coin.amount for coin in coins))


def _cash_unsigned(text: str) -> Transaction:
    return bitcash.decode(text).unsigned


_BITCORE = (bitcore.serialize, _bitcore_unsigned)

KINDS = (
    Kind("BTC", "bitcoin", ScriptEngine, *_BITCORE, bcoin.describe),
    Kind(
        "LTC",
        "litecoin",
        ScriptEngine,
        *_BITCORE,
        bcoin.describe,
        max_supply=84_000_000 * COIN,
    ),
    Kind(
        "DOGE",
        "doge",
        LegacyEngine,
        *_BITCORE,
        node.describe,
        max_supply=10_000_000_000 * COIN,
        version=1,
        # bitcore-lib-doge's: 1 DOGE, and 1 DOGE a kilobyte.
        dust=COIN,
        fee_rate=COIN // 1_000,
        replaces=False,
    ),
    Kind("BCH", "bch", OwnRules, _cash, _cash_unsigned, node.describe, replaces=False),
)
"""Every chain that the sandbox plays."""

BY_CODE = {kind.code: kind for kind in KINDS}
