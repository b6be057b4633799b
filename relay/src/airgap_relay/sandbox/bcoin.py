"""How Tatum describes transactions of BTC and LTC: the form of a bcoin node."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airgap_relay.sandbox.ledger import NULL_OUT_POINT, Ledger
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    Output,
    Transaction,
    compact_size,
    double_sha256,
    with_length,
)


@dataclass(frozen=True, slots=True)
class Known:
    """A transaction, where it is known from, and how to name who is paid."""

    transaction: Transaction
    ledger: Ledger
    name: Callable[[bytes], str | None]
    """Script -> address."""


def describe(known: Known) -> dict[str, Any]:
    """Return the answer to a look-up of a transaction."""
    transaction, ledger = known.transaction, known.ledger
    tx_id, raw = transaction.tx_id(), transaction.encode()
    height = ledger.heights.get(tx_id)
    block = None if height is None else ledger.blocks[height]
    is_coinbase = transaction.inputs[0].out_point == NULL_OUT_POINT
    return {
        "hash": tx_id,
        "hex": raw.hex(),
        "witnessHash": double_sha256(raw)[::-1].hex(),
        "fee": 0 if is_coinbase else ledger.fee(transaction),
        "blockNumber": height,
        "block": block.hash if block else None,
        "time": block.time if block else 0,
        "version": transaction.version,
        "locktime": transaction.lock_time,
        "inputs": [_input(spent, known) for spent in transaction.inputs],
        "outputs": [_output(output, known) for output in transaction.outputs],
    }


def describe_coin(known: Known, index: int) -> dict[str, Any]:
    """Return the answer to a look-up of an output."""
    tx_id = known.transaction.tx_id()
    place = {"hash": tx_id, "index": index}
    return {**_coin(known.transaction.outputs[index], tx_id, known), **place}


def _input(spent: Input, known: Known) -> dict[str, Any]:
    point = spent.out_point
    items = b"".join(with_length(item) for item in spent.witness)
    coin = known.ledger.coin(point)
    return {
        "prevout": {"hash": point.tx_id, "index": point.index},
        "script": spent.script_sig.hex(),
        "witness": (compact_size(len(spent.witness)) + items).hex(),
        "sequence": spent.sequence,
        "coin": _coin(coin, point.tx_id, known) if coin else None,
    }


def _output(output: Output, known: Known) -> dict[str, Any]:
    return {
        "value": output.amount,
        "script": output.script.hex(),
        "address": known.name(output.script),
    }


def _coin(coin: Output, tx_id: str, known: Known) -> dict[str, Any]:
    made_by = known.ledger.transactions[tx_id]
    return {
        "version": made_by.version,
        "height": known.ledger.heights.get(tx_id, -1),
        **_output(coin, known),
        "coinbase": made_by.inputs[0].out_point == NULL_OUT_POINT,
    }
