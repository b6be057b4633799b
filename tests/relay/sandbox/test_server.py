"""The sandbox as a process with a socket and a file: faults, crashes, strangers."""

import stat
import sys
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from urllib.parse import urlsplit

import pytest

from airgap_relay.sandbox.faults import Fault
from airgap_relay.sandbox.log import FILE
from airgap_relay.sandbox.server import MAX_BODY_BYTES, Sandbox
from airgap_shared.errors import FileError, UsageError
from tests.relay.sandbox.purse import P2WPKH, Caller, sign_pending

LIST = "/v3/kms/pending/BTC"


class Script:
    """Gives each request the next fault for its path, then none."""

    def __init__(self, **faults):
        self._faults = {path: list(row) for path, row in faults.items()}

    def __call__(self, request):
        row = self._faults.get(request.path.rpartition("/")[2], [])
        return row.pop(0) if row else Fault()


def running(folder, **faults):
    return Sandbox(folder, faults=Script(**faults))


def test_it_listens_on_loopback_alone(sandbox):
    assert urlsplit(sandbox.url).hostname == "127.0.0.1"


def test_its_files_are_for_its_owner_alone(tmp_path, caller):
    caller.fund(P2WPKH)
    for name in (FILE, "api-key"):
        mode = (tmp_path / "sandbox" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_a_folder_has_one_sandbox_at_a_time(tmp_path, sandbox):
    with pytest.raises(UsageError, match="another sandbox") as caught:
        Sandbox(tmp_path / "sandbox")
    assert caught.value.code == "usage.sandbox_running"
    assert sandbox.url


def test_a_line_cut_short_is_forgotten_and_the_rest_is_kept(tmp_path):
    with running(tmp_path) as sandbox:
        point = Caller(sandbox.url, sandbox.api_key).fund(P2WPKH)
    state = tmp_path / FILE
    whole = state.read_bytes()
    state.write_bytes(whole + b'{"event":"block","cha')
    with running(tmp_path) as sandbox:
        caller = Caller(sandbox.url, sandbox.api_key)
        assert caller.find(point.tx_id).outputs
        assert state.read_bytes() == whole
        caller.fund(P2WPKH)
    with running(tmp_path) as sandbox:
        assert sandbox.tatum.ledgers["BTC"].height == 2


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / FILE).write_bytes(b"x\n")
    with pytest.raises(FileError, match="damaged"):
        Sandbox(tmp_path)


def test_a_dropped_answer_was_work_done(tmp_path):
    with running(tmp_path, broadcast=[Fault(drops_connection=True)]) as sandbox:
        caller = Caller(sandbox.url, sandbox.api_key)
        caller.fund(P2WPKH)
        id_ = caller.transfer(P2WPKH).body["signatureId"]
        signed = sign_pending(caller.get(f"/v3/kms/{id_}").body)
        with pytest.raises(RemoteDisconnected):
            caller.broadcast(signed, signatureId=id_)
        assert caller.get(f"/v3/kms/{id_}").body["txId"] == signed.tx_id()


def test_an_error_may_come_before_or_after_the_work(tmp_path):
    rows = [Fault(refuse_with=500), Fault(answer_with=503), Fault()]
    with running(tmp_path, mine=rows) as sandbox:
        caller = Caller(sandbox.url, sandbox.api_key)
        replies = [caller.post("/sandbox/mine", count=1) for _ in rows]
        assert [reply.status for reply in replies] == [500, 503, 200]
        assert replies[-1].body == {"height": 2}


def test_an_answer_may_be_a_lie(tmp_path):
    with running(tmp_path, BTC=[Fault(lie=lambda _: ["x"])]) as sandbox:
        caller = Caller(sandbox.url, sandbox.api_key)
        assert caller.post(LIST, signatureIds=[]).body == ["x"]
        assert caller.post(LIST, signatureIds=[]).body == []


def test_a_broadcast_may_be_left_incomplete(tmp_path):
    with running(tmp_path, broadcast=[Fault(is_left_incomplete=True)]) as sandbox:
        caller = Caller(sandbox.url, sandbox.api_key)
        caller.fund(P2WPKH)
        id_ = caller.transfer(P2WPKH).body["signatureId"]
        signed = sign_pending(caller.get(f"/v3/kms/{id_}").body)
        reply = caller.broadcast(signed, signatureId=id_)
        assert reply.body == {"txId": signed.tx_id(), "failed": True}
        assert "txId" not in caller.get(f"/v3/kms/{id_}").body


def test_a_connection_serves_many_calls_and_ends_with_the_sandbox(tmp_path):
    with running(tmp_path) as sandbox:
        connection = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
        headers = {"x-api-key": sandbox.api_key}
        for _ in range(2):
            connection.request("GET", LIST, headers=headers)
            assert connection.getresponse().read() == b"[]"
    # The old connection must not be answered from state that nobody keeps.
    connection.auto_open = False
    with pytest.raises((OSError, HTTPException)):  # noqa: PT012 - either may fail
        connection.request("GET", LIST, headers=headers)
        connection.getresponse()
    connection.close()


def test_a_port_that_is_taken_is_named(tmp_path, sandbox):
    port = urlsplit(sandbox.url).port
    with pytest.raises(UsageError, match=str(port)):
        Sandbox(tmp_path / "other", port)


def test_a_missing_script_engine_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pbk", None)
    with pytest.raises(UsageError, match="script engine") as caught:
        Sandbox(tmp_path)
    assert "airgap-relay[sandbox]" in caught.value.hint
    assert caught.value.code == "usage.sandbox_extra"


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(sandbox, data):
    connection = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    connection.request("POST", LIST, data, {"x-api-key": sandbox.api_key})
    assert connection.getresponse().status == 400
    connection.close()


def test_a_body_that_is_too_large_is_not_read(sandbox):
    connection = HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    connection.putrequest("POST", LIST)
    connection.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
