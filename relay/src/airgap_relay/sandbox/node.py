"""How Tatum describes transactions of DOGE and BCH: as Bitcoin Core's node does.

Their bytes are not told, so whoever needs them has to rebuild them.
"""

from decimal import Decimal
from typing import Any

from airgap_relay.sandbox.bcoin import Known
from airgap_relay.sandbox.ledger import NULL_OUT_POINT
from airgap_shared import amounts
from airgap_shared.formats.bitcoin.transaction import Input

DECIMALS = 8


def describe(known: Known) -> dict[str, Any]:
    """Return the answer to a look-up of a transaction."""
    transaction, ledger = known.transaction, known.ledger
    tx_id = transaction.tx_id()
    told = {
        "txid": tx_id,
        "hash": tx_id,
        "version": transaction.version,
        "locktime": transaction.lock_time,
        "vin": [_input(spent) for spent in transaction.inputs],
        "vout": [
            {
                "value": Decimal(amounts.text(output.amount, DECIMALS)),
                "n": n,
                "scriptPubKey": {
                    "hex": output.script.hex(),
                    "addresses": [known.name(output.script)],
                },
            }
            for n, output in enumerate(transaction.outputs)
        ],
    }
    height = ledger.heights.get(tx_id)
    if height is None:
        return told
    block = ledger.blocks[height]
    count = ledger.height - height
    return {**told, "blockhash": block.hash, "confirmations": count, "time": block.time}


def _input(spent: Input) -> dict[str, Any]:
    if spent.out_point == NULL_OUT_POINT:
        return {"coinbase": spent.script_sig.hex(), "sequence": spent.sequence}
    return {
        "txid": spent.out_point.tx_id,
        "vout": spent.out_point.index,
        "scriptSig": {"hex": spent.script_sig.hex()},
        "sequence": spent.sequence,
    }
