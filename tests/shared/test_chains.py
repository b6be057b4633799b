"""The table of chains."""

import re

import pytest

from airgap_shared import chains
from airgap_shared.errors import ContractError


@pytest.mark.parametrize("chain", chains.TABLE, ids=lambda c: f"{c.code} {c.network}")
def test_every_row_is_found_by_its_name(chain):
    assert chains.lookup(chain.code, chain.network) is chain


@pytest.mark.parametrize(
    ("code", "network"),
    [("DOGE2", "mainnet"), ("btc", "mainnet"), ("", "testnet"), ("BTC", "regtest")],
)
def test_an_unknown_chain_is_refused_by_name(code, network):
    with pytest.raises(ContractError) as caught:
        chains.lookup(code, network)
    assert caught.value.code == "contract.chain"
    assert repr(code) in caught.value.message


def test_every_chain_has_both_networks_once():
    names = [(chain.code, chain.network) for chain in chains.TABLE]
    assert len(names) == len(set(names))
    assert set(names) == {
        (code, network) for code in chains.CODES for network in ("mainnet", "testnet")
    }


@pytest.mark.parametrize("chain", chains.TABLE, ids=lambda c: f"{c.code} {c.network}")
def test_a_row_is_plausible(chain):
    assert re.fullmatch(r"[A-Z]{2,8}", chain.code)
    assert re.fullmatch(r"m(/[0-9]+h?)+", chain.path)
    assert 0 <= chain.decimals <= 18
    assert 0 < chain.bitcoin.min_fee_rate < chain.bitcoin.max_fee_rate
    assert len(chain.bitcoin.xpub_version) == 4


def test_the_prefixes_of_one_chain_tell_its_networks_apart():
    for code in chains.CODES:
        main = chains.lookup(code, "mainnet").bitcoin
        test = chains.lookup(code, "testnet").bitcoin
        for name in ("p2pkh_version", "p2sh_version", "wif_version", "xpub_version"):
            assert getattr(main, name) != getattr(test, name)
        for name in ("bech32_prefix", "cashaddr_prefix"):
            one, other = getattr(main, name), getattr(test, name)
            assert (one != other) or one == other == ""
