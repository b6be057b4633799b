"""Tatum's API: each call as a request, and its answer as a value."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from airgap_relay.tatum.calls import Broadcast, Transfer
from airgap_relay.tatum.exchange import READ_SECONDS, Exchange, decode
from airgap_shared import amounts
from airgap_shared.chains import Chain
from airgap_shared.documents import TatumId
from airgap_shared.errors import RemoteUncertainError

IDS_PER_POLL = 500
"""Signature ids in one request: Tatum counts one credit for each 500."""

NODE_NAMES = {"DOGE": "doge", "BCH": "bch"}
"""What the node gateway calls a chain where it is not called as elsewhere."""


class _Sent(msgspec.Struct, frozen=True):
    tx_id: Annotated[str, Meta(min_length=1, max_length=128)] = msgspec.field(
        name="txId"
    )
    failed: bool = False


class _Withdrawn(msgspec.Struct, frozen=True):
    tx_id: Annotated[str, Meta(min_length=1, max_length=128)] = msgspec.field(
        name="txId"
    )
    completed: bool = False


class _Created(msgspec.Struct, frozen=True):
    signature_id: TatumId = msgspec.field(name="signatureId")


class _RPCError(msgspec.Struct, frozen=True):
    code: int = 0


class _RPCAnswer(msgspec.Struct, frozen=True):
    result: str | None = None
    error: _RPCError | None = None


class HTTPClient:
    """Tatum behind its address and an API key."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        read_seconds: float = READ_SECONDS,
        requests_per_second: float = 0,
    ) -> None:
        """Prepare for ``url``; nothing is sent yet."""
        self._http = Exchange(
            url,
            api_key,
            read_seconds=read_seconds,
            requests_per_second=requests_per_second,
        )

    def pending(self, chain: Chain, signature_ids: Sequence[str]) -> list[bytes]:
        """Return the pending transactions of some keys, each as its JSON."""
        listed: list[bytes] = []
        for start in range(0, len(signature_ids), IDS_PER_POLL):
            part = list(signature_ids[start : start + IDS_PER_POLL])
            path = f"/v3/kms/pending/{chain.code}"
            answer = self._http.read("POST", path, {"signatureIds": part})
            listed += [bytes(raw) for raw in decode(answer, list[msgspec.Raw])]
        return listed

    def get(self, pending_id: str) -> bytes:
        """Return one pending transaction as its JSON."""
        return self._http.read("GET", f"/v3/kms/{pending_id}")

    def complete(self, pending_id: str, tx_id: str) -> None:
        """Mark a pending transaction as done; may be repeated."""
        self._http.read("PUT", f"/v3/kms/{pending_id}/{tx_id}")

    def complete_withdrawal(self, withdrawal_id: str, tx_id: str) -> None:
        """Mark a virtual account's withdrawal as done; may be repeated."""
        self._http.read("PUT", f"/v3/offchain/withdrawal/{withdrawal_id}/{tx_id}")

    def cancel(self, pending_id: str, *, revert: bool) -> None:
        """Give a pending transaction up; ``revert`` gives a withdrawal back."""
        flag = "true" if revert else "false"
        self._http.read("DELETE", f"/v3/kms/{pending_id}?revert={flag}")

    def report_errors(self, failed: Sequence[tuple[str, str]]) -> None:
        """Tell Tatum why pending transactions were not signed or sent."""
        errors = [{"signatureId": id_, "error": text} for id_, text in failed]
        self._http.read("POST", "/v3/tatum/kms/batch", {"errors": errors})

    def broadcast(
        self, chain: Chain, tx_data: bytes, pending_id: str, withdrawal_id: str = ""
    ) -> Broadcast:
        """Send signed bytes to the chain's network."""
        data = tx_data.hex()
        if withdrawal_id:
            return self._withdraw(chain, data, pending_id, withdrawal_id)
        body = {"txData": data, "signatureId": pending_id}
        answer = self._http.act(f"/v3/{chain.tatum_path}/broadcast", body)
        told = decode(answer, _Sent, RemoteUncertainError)
        return Broadcast(told.tx_id, completed=not told.failed)

    def _withdraw(
        self, chain: Chain, data: str, pending_id: str, withdrawal_id: str
    ) -> Broadcast:
        body = {
            "currency": chain.code,
            "signatureId": pending_id,
            "withdrawalId": withdrawal_id,
            "txData": data,
        }
        answer = self._http.act("/v3/offchain/withdrawal/broadcast", body)
        told = decode(answer, _Withdrawn, RemoteUncertainError)
        return Broadcast(told.tx_id, completed=told.completed)

    def transaction(self, chain: Chain, tx_id: str) -> bytes | None:
        """Return what Tatum says of a transaction; ``None`` when it has none."""
        path = f"/v3/{chain.tatum_path}/transaction/{tx_id}"
        return self._http.find("GET", path)

    def raw_transaction(self, chain: Chain, tx_id: str) -> bytes | None:
        """Return what a node says of a transaction; ``None`` when it has none."""
        name = NODE_NAMES.get(chain.code, chain.tatum_path)
        path = f"/v3/blockchain/node/{name}-{chain.network}"
        call = {"jsonrpc": "2.0", "id": 1, "method": "getrawtransaction"}
        body = call | {"params": [tx_id, False]}
        answer = self._http.find("POST", path, body)
        if answer is None or not decode(answer, _RPCAnswer).result:
            return None
        return answer

    def transfer(self, chain: Chain, transfer: Transfer) -> str:
        """Ask for a payment; return the id of the pending transaction."""
        path = f"/v3/{chain.tatum_path}/transaction"
        answer = self._http.act(path, _transfer_body(chain, transfer))
        return decode(answer, _Created, RemoteUncertainError).signature_id

    def sandbox_fund(self, chain: str, address: str, amount: str) -> dict[str, Any]:
        """Ask the sandbox, never Tatum, for coins."""
        body = {"chain": chain, "address": address, "amount": amount}
        return decode(self._http.act("/sandbox/fund", body), dict[str, Any])

    def sandbox_mine(self, count: int) -> dict[str, Any]:
        """Ask the sandbox, never Tatum, for blocks."""
        return decode(self._http.act("/sandbox/mine", {"count": count}), dict[str, Any])


def _transfer_body(chain: Chain, transfer: Transfer) -> dict[str, Any]:
    """Return the request of Tatum's API: values as numbers, the fee as text."""
    sources: list[dict[str, Any]] = []
    for address, signature_id, index in transfer.sources:
        source: dict[str, Any] = {"address": address, "signatureId": signature_id}
        sources.append(source if index is None else source | {"index": index})
    targets = [
        {"address": address, "value": Decimal(amounts.text(amount, chain.decimals))}
        for address, amount in transfer.targets
    ]
    body: dict[str, Any] = {"fromAddress": sources, "to": targets}
    if transfer.fee is not None:
        body["fee"] = amounts.text(transfer.fee, chain.decimals)
    if transfer.change:
        body["changeAddress"] = transfer.change
    return body
