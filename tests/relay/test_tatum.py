"""Tatum's API over real HTTP: what is sent, and what each answer means."""

import json
import socket
import time

import pytest

from airgap_relay import tatum
from airgap_relay.tatum import exchange
from airgap_shared.chains import lookup
from airgap_shared.errors import (
    RemoteError,
    RemoteRejectedError,
    RemoteUnavailableError,
    RemoteUncertainError,
)
from tests.simulators.http_server import ScriptedServer

KEY = "t-0123456789-secret"
BTC = lookup("BTC", "testnet")
ID = "5f3a0c0de1b2c3d4e5f60718"
TX_ID = "ab" * 32


@pytest.fixture
def server():
    made = ScriptedServer()
    yield made
    made.close()


@pytest.fixture
def client(server):
    made = tatum.HTTPClient(server.url, KEY, read_seconds=0.5)
    yield made
    made._http._session.close()


def body(server, number=-1):
    return json.loads(server.requests[number][2])


def broadcast(client):
    return client.broadcast(BTC, b"\x02\x00", ID)


def test_ids_are_asked_for_in_parts_of_500(server, client):
    server.script = [(200, [{"id": "a"}]), (200, [{"id": "b"}])]
    found = client.pending(BTC, [str(number) for number in range(501)])
    assert [json.loads(raw)["id"] for raw in found] == ["a", "b"]
    assert [request[:2] for request in server.requests] == [
        ("POST", "/v3/kms/pending/BTC")
    ] * 2
    assert len(body(server, 0)["signatureIds"]) == 500
    assert body(server, 1)["signatureIds"] == ["500"]


def test_each_item_comes_byte_for_byte(server, client):
    server.script = [(200, b'[ {"id" :1.50} ,{"b":2}]')]
    assert client.pending(BTC, ["x"]) == [b'{"id" :1.50}', b'{"b":2}']


def test_a_broadcast_names_the_pending_id(server, client):
    server.script = [(200, {"txId": TX_ID})]
    assert broadcast(client) == tatum.Broadcast(TX_ID, completed=True)
    assert server.requests[0][:2] == ("POST", "/v3/bitcoin/broadcast")
    assert body(server) == {"txData": "0200", "signatureId": ID}
    assert server.requests[0][3]["x-api-key"] == KEY


def test_failed_means_sent_and_not_completed(server, client):
    server.script = [(200, {"txId": TX_ID, "failed": True, "new": 1})]
    assert broadcast(client) == tatum.Broadcast(TX_ID, completed=False)


def test_a_withdrawal_is_sent_by_its_own_call(server, client):
    server.script.append((200, {"txId": TX_ID, "completed": True}))
    sent = client.broadcast(BTC, b"\x01", ID, "b" * 24)
    assert sent == tatum.Broadcast(TX_ID, completed=True)
    method, path, body, _headers = server.requests[0]
    assert (method, path) == ("POST", "/v3/offchain/withdrawal/broadcast")
    assert list(json.loads(body).items()) == [
        ("currency", "BTC"),
        ("signatureId", ID),
        ("withdrawalId", "b" * 24),
        ("txData", "01"),
    ]


@pytest.mark.parametrize("answer", [{"completed": False}, {}])
def test_a_withdrawal_may_be_sent_and_not_completed(server, client, answer):
    server.script.append((200, {"txId": TX_ID} | answer))
    assert not client.broadcast(BTC, b"\x01", ID, "b" * 24).completed


def test_a_withdrawal_is_completed_by_hand(server, client):
    server.script.append((200, b""))
    client.complete_withdrawal("b" * 24, TX_ID)
    method, path, *_ = server.requests[0]
    assert (method, path) == (
        "PUT",
        f"/v3/offchain/withdrawal/{'b' * 24}/{TX_ID}",
    )


@pytest.mark.parametrize(("revert", "word"), [(True, "true"), (False, "false")])
def test_a_pending_transaction_is_deleted_and_says_whether_to_give_back(
    server, client, revert, word
):
    server.script.append((200, b""))
    client.cancel(ID, revert=revert)
    method, path, *_ = server.requests[0]
    assert (method, path) == ("DELETE", f"/v3/kms/{ID}?revert={word}")


def test_completing_has_an_empty_answer(server, client):
    server.script = [(204, b"")]
    client.complete(ID, TX_ID)
    assert server.requests[0][:2] == ("PUT", f"/v3/kms/{ID}/{TX_ID}")


def test_errors_are_reported_in_one_request(server, client):
    client.report_errors([(ID, "code: why")])
    assert body(server) == {"errors": [{"signatureId": ID, "error": "code: why"}]}


@pytest.mark.parametrize("status", [403, 404])
def test_an_unknown_transaction_is_not_found(server, client, status):
    server.script = [(status, {"message": "no"})] * 2
    assert client.transaction(BTC, TX_ID) is None
    assert client.raw_transaction(BTC, TX_ID) is None


@pytest.mark.parametrize("status", [302, 400, 401, 429, 500, 503])
def test_any_other_status_leaves_it_not_known(server, client, status):
    server.script = [(status, {"message": "no"})] * 3
    with pytest.raises((RemoteUnavailableError, RemoteRejectedError)):
        client.transaction(BTC, TX_ID)


def test_a_node_is_asked_by_its_rpc(server, client):
    server.script = [(200, {"result": "0200", "error": None, "id": 1})]
    assert client.raw_transaction(BTC, TX_ID) is not None
    assert server.requests[0][1] == "/v3/blockchain/node/bitcoin-testnet"
    assert body(server)["params"] == [TX_ID, False]


def test_a_node_that_has_none_answers_an_error(server, client):
    server.script = [(200, {"result": None, "error": {"code": -5, "message": "no"}})]
    assert client.raw_transaction(BTC, TX_ID) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RemoteRejectedError),
        (403, RemoteRejectedError),
        (401, RemoteUnavailableError),
        (429, RemoteUnavailableError),
        (302, RemoteUncertainError),
        (408, RemoteUncertainError),
        (500, RemoteUncertainError),
        (503, RemoteUncertainError),
    ],
)
def test_what_a_status_says_of_a_broadcast(server, client, status, error):
    server.script = [(status, {"message": "no"})]
    with pytest.raises(error):
        broadcast(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize("step", ["hang up", "silence", (200, b"{"), (200, b"[]")])
def test_a_broadcast_without_a_readable_answer_is_uncertain(server, client, step):
    server.script = [step]
    with pytest.raises(RemoteUncertainError):
        broadcast(client)
    assert len(server.requests) == 1


@pytest.mark.parametrize("step", ["hang up", (500, b""), (503, b"")])
def test_a_get_is_tried_again(server, client, step):
    server.script = [step, step, (200, {"hash": TX_ID})]
    assert json.loads(client.transaction(BTC, TX_ID)) == {"hash": TX_ID}
    assert len(server.requests) == 3


@pytest.mark.parametrize("step", ["hang up", (500, b"")])
def test_nothing_else_is_tried_again(server, client, step):
    server.script = [step]
    with pytest.raises(RemoteUnavailableError):
        client.complete(ID, TX_ID)
    assert len(server.requests) == 1


def test_a_refused_connection_is_unavailable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = tatum.HTTPClient(f"http://127.0.0.1:{taken.getsockname()[1]}", KEY)
        with pytest.raises(RemoteUnavailableError) as caught:
            broadcast(client)
    assert caught.value.code == "remote.unreachable"
    assert caught.value.status == 7


def test_a_redirect_is_not_followed(server, client):
    server.headers = {"Location": f"{server.url}/elsewhere"}
    server.script = [(302, b"")]
    with pytest.raises(RemoteUncertainError):
        broadcast(client)
    assert len(server.requests) == 1


def test_proxies_of_the_environment_are_not_trusted(server, client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    client.complete(ID, TX_ID)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_the_api_key_is_in_no_message(server, client, status):
    text = f"Unable to find valid subscription for '{KEY}'"
    server.script = [(status, {"errorCode": KEY, "message": text})]
    with pytest.raises(RemoteError) as caught:
        client.complete(ID, TX_ID)
    error = caught.value
    assert KEY not in f"{error!r} {error} {error.hint} {error.__cause__!r}"
    assert "[API key]" in str(error)


def test_an_answer_over_the_limit_is_refused(server, client, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 1_000)
    server.script = [(200, b"[" + b" " * 2_000 + b"]")]
    with pytest.raises(RemoteUnavailableError) as caught:
        client.pending(BTC, ["x"])
    assert caught.value.code == "remote.too_large"


def test_an_answer_that_drips_for_ever_is_cut_off(client, monkeypatch):
    monkeypatch.setattr(exchange, "ANSWER_SECONDS", -1)
    with pytest.raises(RemoteUnavailableError):
        client.pending(BTC, ["x"])


def test_the_rate_is_kept(server):
    client = tatum.HTTPClient(server.url, KEY, requests_per_second=50)
    start = time.monotonic()
    for _ in range(6):
        client.complete(ID, TX_ID)
    assert time.monotonic() - start >= 5 / 50
    client._http._session.close()


def test_amounts_of_a_transfer_are_exact_numbers(server, client):
    server.script = [(200, {"signatureId": ID})]
    asked = tatum.Transfer(
        sources=(("tb1qa", "k", 0), ("tb1qb", "m", None)),
        targets=(("tb1qc", 12_345_678_901_234_567),),
        fee=10,
        change="tb1qa",
    )
    assert client.transfer(BTC, asked) == ID
    assert server.requests[0][1] == "/v3/bitcoin/transaction"
    text = server.requests[0][2].decode()
    assert '"value":123456789.01234567}' in text
    assert body(server) | {"to": None} == {
        "fromAddress": [
            {"address": "tb1qa", "signatureId": "k", "index": 0},
            {"address": "tb1qb", "signatureId": "m"},
        ],
        "to": None,
        "fee": "0.0000001",
        "changeAddress": "tb1qa",
    }


def test_a_transfer_without_an_answer_is_uncertain(server, client):
    server.script = ["hang up"]
    with pytest.raises(RemoteUncertainError):
        client.transfer(BTC, tatum.Transfer((), ()))


def test_the_sandbox_is_asked_for_coins_and_blocks(server, client):
    server.script = [(200, {"txId": TX_ID}), (200, {"height": 2})]
    assert client.sandbox_fund("BTC", "tb1qa", "0.5") == {"txId": TX_ID}
    assert client.sandbox_mine(3) == {"height": 2}
    assert body(server, 0) == {"chain": "BTC", "address": "tb1qa", "amount": "0.5"}
    assert body(server, 1) == {"count": 3}
