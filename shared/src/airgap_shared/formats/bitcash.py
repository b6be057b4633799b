"""Tatum's pending transaction of Bitcoin Cash: hex, a colon, the coins' amounts.

Nothing is said of the coins' scripts: key by key they are those of the inputs. The
original signer makes version 2 of whatever the hex says, so that is what is read.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Annotated

from msgspec import Meta

from airgap_shared import limits
from airgap_shared.envelope import decode_json
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import transaction
from airgap_shared.formats.bitcoin.transaction import MAX_MONEY, Transaction

VERSION = 2

_HEX = re.compile(r"([0-9a-fA-F]{2})+")
_Amounts = tuple[Annotated[int, Meta(ge=0, le=MAX_MONEY)], ...]


@dataclass(frozen=True, slots=True)
class BitcashTransaction:
    """An unsigned transaction and what Tatum claims its coins to hold."""

    unsigned: Transaction
    amounts: tuple[int, ...]


def encode(unsigned: Transaction, amounts: tuple[int, ...]) -> str:
    """Return what ``serializedTransaction`` holds for ``unsigned``."""
    told = json.dumps(list(amounts), separators=(",", ":"))
    return f"{unsigned.encode(witness=False).hex()}:{told}"


def decode(text: str) -> BitcashTransaction:
    """Return the transaction that ``serializedTransaction`` holds, as version 2.

    Raises ``contract.tatum.malformed`` and ``contract.tatum.signed``.
    """
    data, colon, told = text.partition(":")
    if len(text) > limits.MAX_TATUM_JSON_BYTES or not colon or ":" in told:
        raise _error("malformed", "it is not hex, a colon and amounts")
    if not _HEX.fullmatch(data):
        raise _error("malformed", "what is before the colon is not hex")
    try:
        given = transaction.decode(bytes.fromhex(data), allow_witness=False)
        raw = told.encode("utf-8", "surrogatepass")
        amounts = decode_json(raw, _Amounts, "amounts")
    except ContractError as error:
        raise _error("malformed", str(error)) from error
    if not given.inputs or not given.outputs:
        raise _error("malformed", "it has no inputs or no outputs")
    if len(amounts) != len(given.inputs):
        raise _error(
            "malformed", f"{len(amounts)} amounts for {len(given.inputs)} inputs"
        )
    if any(spent.script_sig for spent in given.inputs):
        raise _error("signed", "an input carries a signature already")
    return BitcashTransaction(replace(given, version=VERSION), amounts)


def _error(reason: str, message: str) -> ContractError:
    return ContractError(f"contract.tatum.{reason}", f"Tatum's transaction: {message}")
