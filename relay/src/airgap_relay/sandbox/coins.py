"""The chains of the sandbox: one row each, with what differs between them.

Both networks' addresses name coins of the same chain, so that a rehearsal may use
mainnet addresses under a mainnet policy.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airgap_relay.sandbox import bcoin, bitcore
from airgap_shared import chains
from airgap_shared.chains import Chain
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.transaction import Output, Transaction


@dataclass(frozen=True, slots=True)
class Kind:
    """One chain: how Tatum writes its transactions."""

    code: str
    serialize: Callable[[Transaction, tuple[Output, ...], bitcore.Change | None], str]
    """Unsigned transaction, its coins and change -> ``serializedTransaction``."""
    describe: Callable[[bcoin.Known], dict[str, Any]]
    """A known transaction -> Tatum's answer to a look-up."""

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


KINDS = (Kind("BTC", bitcore.serialize, bcoin.describe),)
"""Every chain that the sandbox plays."""
