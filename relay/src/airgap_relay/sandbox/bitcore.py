"""``serializedTransaction`` of BTC, LTC and DOGE: the JSON of a bitcore object."""

import json
from dataclasses import dataclass
from typing import Any

from airgap_shared.formats.bitcoin.script import ScriptType, classify
from airgap_shared.formats.bitcoin.transaction import Input, Output, Transaction


@dataclass(frozen=True, slots=True)
class Change:
    """What a bitcore object remembers of ``change()`` and ``fee()``."""

    script: bytes
    index: int | None
    """Output that holds the change; ``None`` when it would have been dust."""
    fee: int


def serialize(
    unsigned: Transaction, coins: tuple[Output, ...], change: Change | None
) -> str:
    """Return the JSON of ``unsigned``, which spends ``coins``."""
    value: dict[str, Any] = {
        "hash": unsigned.tx_id(),
        "version": unsigned.version,
        "inputs": [_input(*pair) for pair in zip(unsigned.inputs, coins, strict=True)],
        "outputs": [_output(output) for output in unsigned.outputs],
        "nLockTime": unsigned.lock_time,
    }
    if change:
        value["changeScript"] = words(change.script)
        if change.index is not None:
            value["changeIndex"] = change.index
        value["fee"] = change.fee
    return json.dumps(value, separators=(",", ":"))


def words(script: bytes) -> str:
    """Return a script in the words that bitcore's ``toString`` uses."""
    match classify(script):
        case ScriptType.P2PKH:
            key_hash = script[3:23].hex()
            return f"OP_DUP OP_HASH160 20 0x{key_hash} OP_EQUALVERIFY OP_CHECKSIG"
        case ScriptType.P2SH:
            return f"OP_HASH160 20 0x{script[2:22].hex()} OP_EQUAL"
        case _:
            version = "OP_0" if script[0] == 0 else "OP_1"
            return f"{version} {script[1]} 0x{script[2:].hex()}"


def _input(spent: Input, coin: Output) -> dict[str, Any]:
    return {
        "prevTxId": spent.out_point.tx_id,
        "outputIndex": spent.out_point.index,
        "sequenceNumber": spent.sequence,
        "script": "",
        "scriptString": "",
        "output": _output(coin),
    }


def _output(output: Output) -> dict[str, Any]:
    return {"satoshis": output.amount, "script": output.script.hex()}
