"""Another version of a payment: the same coins, a higher fee, nobody paid more.

Nodes take it in the place of the earlier one when its fee is above that one's by at
least what relaying it costs (BIP-125, rules 3 and 4). Only outputs to keys of ours
give way.
"""

from collections.abc import Mapping
from dataclasses import replace

from airgap_relay.chains.base import Bump, Replaced
from airgap_shared import amounts, derivation
from airgap_shared.chains import Chain
from airgap_shared.documents import Entry
from airgap_shared.errors import RefusalError
from airgap_shared.formats import psbt
from airgap_shared.formats.bitcoin import script
from airgap_shared.formats.bitcoin.digests import SIGHASH_ALL
from airgap_shared.formats.bitcoin.spending import RULES, Rules
from airgap_shared.formats.bitcoin.transaction import Output, Transaction

REPLACEABLE = 0xFFFFFFFD
"""Sequence that lets it be replaced in turn (BIP-125), and locks nothing."""

FINAL = 0xFFFFFFFF
"""Sequence under which nLockTime does not count (BIP-65)."""

DUST = 546
"""Base units below which nodes relay no P2PKH output; the highest of all kinds."""

ANY_KEY = bytes(33)
"""Stands for a compressed public key where only its length counts."""

SEARCHED = 1_001
"""Children of a paying wallet that are looked at: indexes 0 to 1,000."""


def replaced(
    container: psbt.PSBT,
    coins: tuple[Output, ...],
    wish: Bump,
    entries: Mapping[str, Entry],
    chain: Chain,
) -> Replaced:
    """Return the version that a person wishes for, of a payment that spends ``coins``.

    Raises ``refusal.replace.chain``, ``refusal.replace.change``,
    ``refusal.replace.fee`` and ``refusal.replace.max_fee``.
    """
    rules = RULES[chain.code]
    if rules.hash_type != SIGHASH_ALL:
        raise RefusalError(
            "refusal.replace.chain",
            f"nodes of {chain.code} keep the version that they saw first",
            "wait until it is confirmed; or send coins of its own to a new payment",
        )
    old_fee = fee_of(container.unsigned, coins)
    old_size = signed_size(container.unsigned, coins, rules)
    bare = _replaceable(container.unsigned)
    if wish.is_cancel:
        brought = sum(coin.amount for coin in coins)
        back = Output(brought - old_fee, coins[0].script)
        bare = replace(bare, outputs=(back,))
    size = signed_size(bare, coins, rules)
    fee = _fee(wish, 2 * old_fee * size // old_size, size, chain)
    own = [{coins[0].script}] if wish.is_cancel else _own(wish, coins, entries, chain)
    least = max(DUST, chain.bitcoin.min_output)
    outputs = _lowered(bare.outputs, fee - old_fee, own, least)
    if not outputs:
        raise RefusalError(
            "refusal.replace.change",
            f"no output to a key of ours is large enough for a fee of "
            f"{_text(fee, chain)}",
            "--cancel pays everything back; or let Tatum issue the payment anew",
        )
    unsigned = replace(bare, outputs=outputs)
    return Replaced(psbt.PSBT(unsigned, container.inputs).encode(), fee)


def fee_of(unsigned: Transaction, coins: tuple[Output, ...]) -> int:
    """Return what is left for miners."""
    paid = sum(output.amount for output in unsigned.outputs)
    return sum(coin.amount for coin in coins) - paid


def signed_size(unsigned: Transaction, coins: tuple[Output, ...], rules: Rules) -> int:
    """Return the virtual size (BIP-141) that ``unsigned`` has when it is signed."""
    inputs = []
    for spent, coin in zip(unsigned.inputs, coins, strict=True):
        signature = bytes(rules.spend_of(coin.script).scheme.size)
        inputs.append(rules.sign_input(spent, coin, ANY_KEY, signature))
    return replace(unsigned, inputs=tuple(inputs)).virtual_size()


def _replaceable(unsigned: Transaction) -> Transaction:
    """Return the same payment in its replaceable form, no more locked than before."""
    inputs = tuple(replace(spent, sequence=REPLACEABLE) for spent in unsigned.inputs)
    is_locked = any(spent.sequence != FINAL for spent in unsigned.inputs)
    lock_time = unsigned.lock_time if is_locked else 0
    return replace(unsigned, inputs=inputs, lock_time=lock_time)


def _fee(wish: Bump, usual: int, size: int, chain: Chain) -> int:
    """Return the fee wished for; without a wish the usual one, within its bounds."""
    parameters = chain.bitcoin
    least = max(wish.fees) + parameters.min_fee_rate * size
    most = parameters.max_fee_rate * size
    if wish.fee is not None:
        fee = wish.fee
    elif wish.fee_rate is not None:
        fee = wish.fee_rate * size
    else:
        fee = min(max(least, usual), most)
    if fee < least:
        raise RefusalError(
            "refusal.replace.fee",
            f"a fee of {_text(fee, chain)} is too low to replace what pays "
            f"{_text(max(wish.fees), chain)}",
            f"nodes ask for at least {_text(least, chain)}",
        )
    if fee > most:
        raise RefusalError(
            "refusal.replace.max_fee",
            f"a fee of {_text(fee, chain)} is above {parameters.max_fee_rate} base "
            f"units a virtual byte, the most for {chain.code}",
            f"at most {_text(most, chain)} for this payment",
        )
    return fee


def _lowered(
    outputs: tuple[Output, ...], more: int, own: list[set[bytes]], least: int
) -> tuple[Output, ...]:
    """Return ``outputs`` with ``more`` taken from one of ours; nothing if none can.

    What is left of it must be ``least`` at least.
    """
    for scripts in own:
        able = [
            (output.amount, index)
            for index, output in enumerate(outputs)
            if output.script in scripts and output.amount - more >= least
        ]
        if able:
            amount, index = max(able)
            given = Output(amount - more, outputs[index].script)
            return (*outputs[:index], given, *outputs[index + 1 :])
    return ()


def _own(
    wish: Bump, coins: tuple[Output, ...], entries: Mapping[str, Entry], chain: Chain
) -> list[set[bytes]]:
    """Return the scripts of those who pay, and those of all other entries."""
    paying, ours = {coin.script for coin in coins}, set()
    for entry in entries.values():
        if (entry.chain, entry.network) != (chain.code, chain.network):
            continue
        if entry.public_key:
            key = bytes.fromhex(entry.public_key)
            ours.add(script.managed_script(key, chain.bitcoin))
        elif entry.signature_id in wish.paying:
            paying |= _children(derivation.ExtendedKey(entry.xpub), chain)
    return [paying, ours]


def _children(wallet: derivation.ExtendedKey, chain: Chain) -> set[bytes]:
    keys = (wallet.child(index) for index in range(SEARCHED))
    return {script.managed_script(key, chain.bitcoin) for key in keys}


def _text(amount: int, chain: Chain) -> str:
    return f"{amounts.text(amount, chain.decimals)} {chain.code}"
