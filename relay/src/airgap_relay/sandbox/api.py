"""Tatum's calls: method and path -> answer. Knows nothing of sockets.

Statuses and error bodies as in Tatum's published interface; where that says
nothing, the comment beside the answer says what was chosen.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airgap_relay.sandbox import bcoin, transfers, withdrawals
from airgap_relay.sandbox.coins import BY_CODE, KINDS, Kind
from airgap_relay.sandbox.faults import Fault, Request
from airgap_relay.sandbox.judge import Judge
from airgap_relay.sandbox.ledger import Event, Ledger, Record, RejectedError
from airgap_relay.sandbox.pending import PendingList
from airgap_shared.errors import ContractError
from airgap_shared.formats.bitcoin import script as scripts
from airgap_shared.formats.bitcoin.transaction import OutPoint, Transaction, decode

MAX_BLOCKS = 1_000
"""Blocks mined by one call."""

JSON = dict[str, Any]


class APIError(Exception):
    """An answer that is an error, in Tatum's form."""

    def __init__(
        self, status: int, message: str, code: str | None = None, **more: Any
    ) -> None:
        """Keep status and body."""
        super().__init__(message)
        body = {"statusCode": status, "errorCode": code, "message": message, **more}
        self.status = status
        self.body = {key: value for key, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON; ``None`` is an empty body."""

    status: int
    body: Any = None


def invalid(field: str, message: str, target: str) -> APIError:
    """Return Tatum's answer to a request that does not fit its schema."""
    constraints = {"target": target, "property": field, "constraints": {field: message}}
    return APIError(
        400,
        "Request validation failed. Please see data for additional information.",
        "validation.failed",
        data=[constraints],
    )


class Tatum:
    """The whole look-alike; one caller at a time."""

    def __init__(
        self,
        api_key: str,
        judge: Judge | None,
        record: Record,
        clock: Callable[[], float],
    ) -> None:
        """Start with empty chains and nothing pending; each has its own judge."""
        self.pending = PendingList(record)
        self.withdrawals = withdrawals.Withdrawals(record)
        self.kinds = BY_CODE
        self.ledgers = {
            kind.code: Ledger(
                kind.code,
                kind.chain.bitcoin,
                judge or kind.judge(),
                record,
                max_supply=kind.max_supply,
                replaces=kind.replaces,
            )
            for kind in KINDS
        }
        self._names: dict[tuple[str, bytes], str] = {}
        self._api_key = api_key
        self._record = record
        self._clock = clock
        self._kind_of_path = {kind.chain.tatum_path: kind for kind in KINDS}
        self._kind_of_node = {kind.node: kind for kind in KINDS}

    def replay(self, event: Event) -> None:
        """Make a recorded change again."""
        match event["event"]:
            case "transaction" | "block":
                self.ledgers[event["chain"]].replay(event)
            case "withdrawal":
                self.withdrawals.replay(event)
            case "named":
                script = self.kinds[event["chain"]].script(event["address"])
                self._names[event["chain"], script] = event["address"]
            case _:
                self.pending.replay(event)

    def answer(self, request: Request, fault: Fault) -> Answer:
        """Do what ``request`` asks for."""
        try:
            self._authenticate(request.api_key)
            call, found = _route(request)
            return call(self, request, fault, *found)
        except APIError as error:
            return Answer(error.status, error.body)
        except transfers.InvalidError as error:
            failure = invalid(error.field, error.message, request.path)
            return Answer(failure.status, failure.body)

    def _authenticate(self, given: str | None) -> None:
        if given is None:
            raise APIError(401, "Unauthorized")
        if given != self._api_key:
            # Tatum repeats the key, so that whoever logs its answers leaks it.
            message = f"Unable to find valid subscription for '{given}'"
            raise APIError(401, message, "subscription.invalid")

    def pending_by_body(self, request: Request, _fault: Fault, code: str) -> Answer:
        """List what waits, asked as KMS 5 and later do."""
        ids = _body(request).get("signatureIds")
        if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
            raise transfers.InvalidError("signatureIds", "must be an array of texts")
        return Answer(200, self.pending.waiting(self._kind(code).code, ids))

    def pending_by_query(self, request: Request, _fault: Fault, code: str) -> Answer:
        """List what waits, asked as older KMS do."""
        listed = request.query.get("signatures")
        ids = None if listed is None else listed.split(",")
        return Answer(200, self.pending.waiting(self._kind(code).code, ids))

    def show(self, _request: Request, _fault: Fault, id_: str) -> Answer:
        """Show one pending transaction, completed or not."""
        return Answer(200, self._find(id_))

    def complete(
        self, _request: Request, _fault: Fault, id_: str, tx_id: str
    ) -> Answer:
        """Mark one as completed by a transaction."""
        # Another txid for a completed one is taken: a replacement may have won.
        self._find(id_)
        self.pending.complete(id_, tx_id)
        return Answer(204)

    def delete(self, request: Request, _fault: Fault, id_: str) -> Answer:
        """Cancel one, and its withdrawal with it."""
        withdrawal = self._find(id_).get("withdrawalId")
        self.pending.delete(id_)
        if withdrawal:
            self._cancel_withdrawal(withdrawal, request)
        return Answer(204)

    def report(self, request: Request, _fault: Fault) -> Answer:
        """Take in what a KMS could not sign or send."""
        for error in transfers.objects(_body(request), "errors"):
            self.pending.report(str(error.get("signatureId")), str(error.get("error")))
        return Answer(204)

    def transfer(self, request: Request, _fault: Fault, path: str) -> Answer:
        """Build a transaction for a KMS to sign."""
        kind, body = self._kind_at(path), _body(request)
        reserved = self.pending.reserved()
        pending = transfers.build(body, kind, self.ledgers[kind.code], reserved)
        for field in ("fromAddress", "to"):
            for item in body.get(field, []):
                self._name(kind, item["address"])
        self.pending.add(pending)
        return Answer(200, {"signatureId": pending["id"]})

    def broadcast(self, request: Request, fault: Fault, path: str) -> Answer:
        """Send a signed transaction, and complete what it was signed for."""
        body = _body(request)
        tx_id = self._send(self._kind_at(path), body)
        id_ = body.get("signatureId")
        if id_ is None:
            return Answer(200, {"txId": tx_id})
        if fault.is_left_incomplete or self.pending.find(str(id_)) is None:
            # The coin is sent; what Tatum cannot complete it only says is failed.
            return Answer(200, {"txId": tx_id, "failed": True})
        self.pending.complete(id_, tx_id)
        return Answer(200, {"txId": tx_id})

    def broadcast_withdrawal(self, request: Request, fault: Fault) -> Answer:
        """Send what pays a withdrawal, and complete both."""
        body = _body(request)
        kind, withdrawal = (
            self._kind(str(body.get("currency"))),
            str(body.get("withdrawalId")),
        )
        self._require_withdrawal(withdrawal)
        if self.withdrawals.states[withdrawal] != withdrawals.IN_PROGRESS:
            raise APIError(
                403,
                f"Withdrawal '{withdrawal}' is not in progress.",
                "withdrawal.unexpected.state",
            )
        tx_id = self._send(kind, body)
        id_ = str(body.get("signatureId"))
        if fault.is_left_incomplete or self.pending.find(id_) is None:
            return Answer(200, {"txId": tx_id, "completed": False})
        self.pending.complete(id_, tx_id)
        self.withdrawals.note(withdrawal, withdrawals.DONE, tx_id)
        return Answer(200, {"txId": tx_id, "completed": True})

    def complete_withdrawal(
        self, _request: Request, _fault: Fault, id_: str, tx_id: str
    ) -> Answer:
        """Mark a withdrawal as paid by a transaction."""
        self._require_withdrawal(id_)
        self.withdrawals.note(id_, withdrawals.DONE, tx_id)
        return Answer(204)

    def delete_withdrawal(self, request: Request, _fault: Fault, id_: str) -> Answer:
        """Cancel a withdrawal."""
        self._require_withdrawal(id_)
        self._cancel_withdrawal(id_, request)
        return Answer(204)

    def withdraw(self, request: Request, _fault: Fault) -> Answer:
        """Start a withdrawal; Tatum does so for its own ledger, which is not here."""
        body = _body(request)
        kind = self._kind(str(body.get("chain")))
        reserved = self.pending.reserved()
        pending = withdrawals.build(body, kind, self.ledgers[kind.code], reserved)
        self.withdrawals.note(pending["withdrawalId"], withdrawals.IN_PROGRESS)
        self.pending.add(pending)
        told = {"id": pending["id"], "withdrawalId": pending["withdrawalId"]}
        return Answer(200, told)

    def look_up(
        self, _request: Request, _fault: Fault, path: str, tx_id: str
    ) -> Answer:
        """Describe a transaction."""
        kind = self._kind_at(path)
        return Answer(200, kind.describe(self._known(kind, tx_id)))

    def look_up_coin(
        self, _request: Request, _fault: Fault, path: str, tx_id: str, index: str
    ) -> Answer:
        """Describe an output that nothing spends."""
        kind = self._kind_at(path)
        if self.ledgers[kind.code].unspent(OutPoint(tx_id, int(index))) is None:
            raise APIError(404, f"No such unspent output '{tx_id}' {index}.")
        return Answer(200, bcoin.describe_coin(self._known(kind, tx_id), int(index)))

    def node(self, request: Request, _fault: Fault, path: str) -> Answer:
        """Answer a node's JSON-RPC; ``getrawtransaction`` alone."""
        kind, body = self._kind_of_node.get(path), _body(request)
        if kind is None:
            raise APIError(404, f"The sandbox has no node {path}")
        reply = {"jsonrpc": "2.0", "id": body.get("id"), "result": None, "error": None}
        parameters = body.get("params") or [None]
        if body.get("method") != "getrawtransaction":
            error = {"code": -32601, "message": "Method not found"}
            return Answer(200, {**reply, "error": error})
        ledger = self.ledgers[kind.code]
        transaction = ledger.transactions.get(str(parameters[0]))
        if transaction is None:
            error = {"code": -5, "message": "No such mempool or blockchain transaction"}
            return Answer(200, {**reply, "error": error})
        return Answer(200, {**reply, "result": transaction.encode().hex()})

    def fund(self, request: Request, _fault: Fault) -> Answer:
        """Pay an address out of nothing."""
        body = _body(request)
        kind = self._kind(str(body.get("chain")))
        script = transfers.script_of(body.get("address"), "address", kind)
        amount = transfers.decimal(body.get("amount"), "amount", kind)
        self._name(kind, body["address"])
        now = int(self._clock())
        return Answer(200, {"txId": self.ledgers[kind.code].fund(script, amount, now)})

    def mine(self, request: Request, _fault: Fault) -> Answer:
        """Mine blocks on every chain."""
        count = _body(request).get("count", 1)
        if not isinstance(count, int) or not 0 < count <= MAX_BLOCKS:
            raise transfers.InvalidError("count", f"must be from 1 to {MAX_BLOCKS}")
        for ledger in self.ledgers.values():
            ledger.mine(count, int(self._clock()))
        return Answer(200, {"height": self.ledgers["BTC"].height})

    def _send(self, kind: Kind, body: JSON) -> str:
        """Take signed bytes into the mempool; return their transaction id."""
        transaction = _transaction(body.get("txData"))
        try:
            return self.ledgers[kind.code].broadcast(transaction, int(self._clock()))
        except RejectedError as error:
            raise APIError(
                403,
                f"Unable to broadcast transaction. Error from blockchain: {error}",
                f"{kind.code.lower()}.broadcast.failed",
            ) from error

    def _require_withdrawal(self, id_: str) -> None:
        if id_ not in self.withdrawals.states:
            raise APIError(
                403,
                f"No such withdrawal with id '{id_}'.",
                "broadcast.failed.withdrawalId",
            )

    def _cancel_withdrawal(self, id_: str, request: Request) -> None:
        reverts = request.query.get("revert", "true") != "false"
        state = withdrawals.REVERTED if reverts else withdrawals.CANCELLED
        self.withdrawals.note(id_, state)

    def _kind(self, code: str) -> Kind:
        if code not in self.kinds:
            raise transfers.InvalidError("chain", f"must be one of {list(self.kinds)}")
        return self.kinds[code]

    def _kind_at(self, path: str) -> Kind:
        kind = self._kind_of_path.get(path)
        if kind is None:
            raise APIError(404, f"The sandbox does not play {path}")
        return kind

    def _find(self, id_: str) -> JSON:
        pending = self.pending.find(id_)
        if pending is None:
            raise APIError(
                403, f"No such KMS signature with id '{id_}'.", "kms.missing"
            )
        return pending

    def _known(self, kind: Kind, tx_id: str) -> bcoin.Known:
        ledger = self.ledgers[kind.code]
        if tx_id not in ledger.transactions:
            # Tatum's status for this is not documented; some chains answer 403.
            raise APIError(404, f"Transaction '{tx_id}' not found.", "tx.not.found")
        transaction = ledger.transactions[tx_id]
        return bcoin.Known(transaction, ledger, lambda s: self._address(kind, s))

    def _address(self, kind: Kind, script: bytes) -> str | None:
        """Return the address as it was written here, else testnet's."""
        name = self._names.get((kind.code, script))
        return name or scripts.address(script, kind.chain.bitcoin)

    def _name(self, kind: Kind, address: str) -> None:
        """Remember how an address was written: both networks share the coins."""
        if (kind.code, kind.script(address)) not in self._names:
            event = {"event": "named", "chain": kind.code, "address": address}
            self._record(event)
            self.replay(event)


def _body(request: Request) -> JSON:
    if not isinstance(request.body, dict):
        raise transfers.InvalidError("body", "must be a JSON object")
    return request.body


def _transaction(data: object) -> Transaction:
    if not isinstance(data, str) or not re.fullmatch(r"([0-9a-fA-F]{2})+", data):
        raise transfers.InvalidError("txData", "must be hexadecimal")
    try:
        return decode(bytes.fromhex(data))
    except ContractError as error:
        message = "Unable to broadcast transaction, wrong input data."
        raise APIError(403, message, "blockchain.broadcast.error") from error


_ID = "([0-9a-f]{24})"
_TX_ID = "([0-9a-f]{64})"
_PATH = "/v3/([a-z]+)"

ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("POST", r"/v3/kms/pending/(\w+)", Tatum.pending_by_body),
    ("GET", r"/v3/kms/pending/(\w+)", Tatum.pending_by_query),
    ("GET", f"/v3/kms/{_ID}", Tatum.show),
    ("PUT", rf"/v3/kms/{_ID}/(\w+)", Tatum.complete),
    ("DELETE", f"/v3/kms/{_ID}", Tatum.delete),
    ("POST", "/v3/tatum/kms/batch", Tatum.report),
    ("POST", f"{_PATH}/transaction", Tatum.transfer),
    ("POST", f"{_PATH}/broadcast", Tatum.broadcast),
    ("GET", f"{_PATH}/transaction/{_TX_ID}", Tatum.look_up),
    ("GET", rf"{_PATH}/utxo/{_TX_ID}/(\d+)", Tatum.look_up_coin),
    ("POST", "/v3/blockchain/node/([a-z]+)(?:-mainnet|-testnet)", Tatum.node),
    ("POST", "/v3/offchain/withdrawal/broadcast", Tatum.broadcast_withdrawal),
    ("PUT", rf"/v3/offchain/withdrawal/{_ID}/(\w+)", Tatum.complete_withdrawal),
    ("DELETE", f"/v3/offchain/withdrawal/{_ID}", Tatum.delete_withdrawal),
    ("POST", "/sandbox/withdrawal", Tatum.withdraw),
    ("POST", "/sandbox/fund", Tatum.fund),
    ("POST", "/sandbox/mine", Tatum.mine),
)
"""Method, path and what answers it."""


def _route(request: Request) -> tuple[Callable[..., Answer], tuple[str, ...]]:
    for method, pattern, call in ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            return call, match.groups()
    raise APIError(404, f"Cannot {request.method} {request.path}")
