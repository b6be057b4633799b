"""``POST /v3/<chain>/transaction`` with signature ids: builds what shall be signed.

Coins are the oldest of the senders that no other pending transaction spends. Tatum
promises no such thing, but two transfers in a row would otherwise conflict.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from airgap_relay.sandbox.bitcore import Change
from airgap_relay.sandbox.coins import Kind
from airgap_relay.sandbox.ledger import FINAL_SEQUENCE, Ledger
from airgap_relay.sandbox.pending import Pending, new_id
from airgap_shared import amounts
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin.script import ScriptType, classify
from airgap_shared.formats.bitcoin.transaction import (
    Input,
    OutPoint,
    Output,
    Transaction,
)

INPUT_SIZES = {ScriptType.P2WPKH: 68, ScriptType.P2SH: 91, ScriptType.P2PK: 114}
"""Virtual bytes of an input by what it spends; 148 for P2PKH and the rest."""


class InvalidError(Exception):
    """A request that cannot be met: the field at fault and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        """Keep the two apart, as Tatum's answer does."""
        super().__init__(field, message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Source:
    """A coin that may pay, and the key that signs for it."""

    point: OutPoint
    coin: Output
    signature_id: str
    index: int | None
    """Index of the key in a mnemonic wallet; ``None`` for a private key."""


def decimal(given: object, field: str, kind: Kind) -> int:
    """Return the base units of a JSON number or of text.

    Numbers arrive as ``Decimal``: a float would not be exact.
    """
    text = format(given, "f") if isinstance(given, Decimal) else str(given)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    try:
        value = amounts.parse(text, kind.chain.decimals)
    except ContractError as error:
        raise InvalidError(field, str(error)) from error
    if value > kind.max_supply:
        raise InvalidError(field, f"{field} is more than can exist")
    return value


def script_of(value: object, field: str, kind: Kind) -> bytes:
    """Return the script of an address in a request."""
    try:
        return kind.script(str(value))
    except ContractError as error:
        raise InvalidError(field, f"{field} is no address of {kind.code}") from error


def build(
    body: dict[str, Any], kind: Kind, ledger: Ledger, reserved: set[OutPoint]
) -> Pending:
    """Return the pending transaction that ``body`` asks for, without reserved coins.

    Raises ``InvalidError``.
    """
    outputs = [_payment(item, kind) for item in objects(body, "to")]
    named = _named_coins(body, ledger)
    sources = named or _coins_of_senders(body, kind, ledger, reserved)
    if not sources or not outputs:
        raise InvalidError("fromAddress", "there are no coins to spend, or no payments")
    if ("fee" in body) != ("changeAddress" in body):
        raise InvalidError("fee", "fee and changeAddress must be given together")
    fee = decimal(body["fee"], "fee", kind) if "fee" in body else None
    change_script = sources[0].coin.script
    if "changeAddress" in body:
        change_script = script_of(body["changeAddress"], "changeAddress", kind)
    size = 11 + sum(len(o.encode()) for o in (*outputs, Output(0, change_script)))
    needed = sum(output.amount for output in outputs)
    wish = _Wish(needed, fee, kind.fee_rate, take_all=bool(named))
    used, paid = _select(sources, size, wish)
    rest = sum(source.coin.amount for source in used) - needed - paid
    change = Change(change_script, len(outputs), paid)
    if rest >= kind.dust:
        outputs.append(Output(rest, change_script))
    else:
        change = Change(change_script, None, paid + rest)
    return _pending(kind, used, outputs, change)


@dataclass(frozen=True, slots=True)
class _Wish:
    needed: int
    fee: int | None
    fee_rate: int
    take_all: bool


def _select(sources: list[Source], size: int, wish: _Wish) -> tuple[list[Source], int]:
    """Return the first coins that suffice, and the fee; ``size`` is of the rest."""
    brought, paid = 0, 0
    for count, source in enumerate(sources, 1):
        brought += source.coin.amount
        size += INPUT_SIZES.get(classify(source.coin.script), 148)
        paid = size * wish.fee_rate if wish.fee is None else wish.fee
        if brought < wish.needed + paid:
            continue
        if count == len(sources) or not wish.take_all:
            # Named keys come before numbered ones, as a KMS collects them.
            used = sorted(sources[:count], key=lambda source: source.index is not None)
            return used, paid
    raise InvalidError(
        "fromAddress",
        f"coins of {brought} base units do not cover {wish.needed} + {paid}",
    )


def _named_coins(body: dict[str, Any], ledger: Ledger) -> list[Source]:
    """Return the coins of ``fromUTXO``; that they are unspent is not checked."""
    sources = []
    for item in objects(body, "fromUTXO"):
        point = OutPoint(str(item.get("txHash")), _index(item, "index") or 0)
        coin = ledger.coin(point)
        if coin is None:
            raise InvalidError("fromUTXO", f"output {point} is not known")
        index = _index(item, "signatureIdIndex")
        sources.append(Source(point, coin, _signature_id(item), index))
    return sources


def _coins_of_senders(
    body: dict[str, Any], kind: Kind, ledger: Ledger, reserved: set[OutPoint]
) -> list[Source]:
    """Return the coins of ``fromAddress``, in its order."""
    sources: dict[OutPoint, Source] = {}
    for item in objects(body, "fromAddress"):
        script = script_of(item.get("address"), "address", kind)
        index = _index(item, "index")
        for point in ledger.coins_of(script):
            coin = ledger.unspent(point)
            if coin and point not in reserved:
                source = Source(point, coin, _signature_id(item), index)
                sources.setdefault(point, source)
    return list(sources.values())


def _payment(item: dict[str, Any], kind: Kind) -> Output:
    script = script_of(item.get("address"), "address", kind)
    return Output(decimal(item.get("value"), "value", kind), script)


def objects(body: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Return an array of objects in a request; empty when it is absent."""
    value = body.get(field, [])
    if not isinstance(value, list) or not all(isinstance(i, dict) for i in value):
        raise InvalidError(field, f"{field} must be an array of objects")
    return value


def _index(item: dict[str, Any], field: str) -> int | None:
    value = item.get(field)
    if value is not None and (not isinstance(value, int) or value < 0):
        raise InvalidError(field, f"{field} must be an integer from 0")
    return value


def _signature_id(item: dict[str, Any]) -> str:
    value = item.get("signatureId")
    if not isinstance(value, str):
        raise InvalidError("signatureId", "signatureId must be a UUID")
    return value


def _pending(
    kind: Kind, used: list[Source], outputs: list[Output], change: Change
) -> Pending:
    inputs = tuple(Input(source.point, FINAL_SEQUENCE) for source in used)
    unsigned = Transaction(kind.version, inputs, tuple(outputs), 0)
    coins = tuple(source.coin for source in used)
    pending: Pending = {
        "withdrawalId": None,
        "chain": kind.code,
        "serializedTransaction": kind.serialize(unsigned, coins, change),
        "hashes": [source.signature_id for source in used if source.index is None],
        "index": None,
        "withdrawalResponses": None,
        "id": new_id(),
    }
    indexed = [
        {"id": source.signature_id, "index": source.index}
        for source in used
        if source.index is not None
    ]
    if indexed:
        pending["signatures"] = indexed
    return pending
