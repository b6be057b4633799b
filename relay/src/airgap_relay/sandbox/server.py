"""An edge: the look-alike behind a socket of this machine's loopback."""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec

from airgap_relay.sandbox.api import Answer, APIError, Tatum
from airgap_relay.sandbox.faults import Fault, Faults, Request, no_faults
from airgap_relay.sandbox.judge import Judge
from airgap_relay.sandbox.log import Log
from airgap_shared import files
from airgap_shared.errors import UsageError

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A request: 25,000 signature ids of 39 characters are 1 MB."""

ADDRESS = "127.0.0.1"
"""Whatever else the machine has: nothing here may be reached from outside."""

SHUT_BOTH_WAYS = 2
"""``SHUT_RDWR`` of shutdown(2)."""

POLL_SECONDS = 0.02
"""How often the server looks whether it shall stop."""

API_KEY_FILE = "api-key"

API_KEY_BYTES = 16
"""Random bytes of the sandbox's API key."""


def api_key(folder: Path) -> str:
    """Return the key of the sandbox in ``folder``, made at its first start."""
    path = folder / API_KEY_FILE
    if not path.exists():
        files.make_folder(folder)
        key = f"sandbox-{secrets.token_hex(API_KEY_BYTES)}\n"
        files.write_new(path, key.encode(), mode=0o600)
    return files.read(path).decode().strip()


class Sandbox:
    """A running sandbox: its state in ``folder``, its calls at ``url``."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        faults: Faults = no_faults,
        judge: Judge | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take up the state in ``folder`` and listen; port 0 is any free one."""
        self.api_key = api_key(folder)
        self._log = Log(folder)
        try:
            self.tatum = Tatum(self.api_key, judge, self._log.append, clock)
            for event in self._log.read():
                self.tatum.replay(event)
            self._server = _listen(self.tatum, port, faults)
        except BaseException:
            self._log.close()
            raise
        self.url = f"http://{ADDRESS}:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )

    def start(self) -> None:
        """Answer calls, in threads of their own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and let go of port and folder."""
        self._server.shutdown()
        self._server.server_close()
        self._log.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    # Stopping ends every connection and waits for its thread: what is answered
    # after that would be answered from state that nobody keeps.
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, tatum: Tatum, port: int, faults: Faults) -> None:
        self.tatum = tatum
        self.faults = faults
        self.lock = threading.Lock()
        self.connections: set[Any] = set()
        super().__init__((ADDRESS, port), _Handler)

    def server_close(self) -> None:
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(SHUT_BOTH_WAYS)
        super().server_close()


def _listen(tatum: Tatum, port: int, faults: Faults) -> _Server:
    try:
        return _Server(tatum, port, faults)
    except OSError as error:
        raise UsageError(
            "usage.port", f"port {port} of {ADDRESS} cannot be had: {error.strerror}"
        ) from error


_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Decimals as JSON numbers, digit for digit."""


def _failure(status: int) -> Answer:
    return Answer(status, {"statusCode": status, "message": "Internal server error"})


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60
    # Headers and body leave as one packet; Nagle's algorithm would hold the second.
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # clients hang up
            super().handle()

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Say nothing: requests may hold the API key."""

    def _serve(self) -> None:
        try:
            request = self._request()
        except APIError as error:
            self._send(Answer(error.status, error.body))
            return
        fault = self.server.faults(request)
        if fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        answer = self._work(request, fault)
        if fault.drops_connection:
            self.close_connection = True
        else:
            self._send(answer)

    def _work(self, request: Request, fault: Fault) -> Answer:
        if fault.refuse_with is not None:
            return _failure(fault.refuse_with)
        with self.server.lock:
            answer = self.server.tatum.answer(request, fault)
        if fault.answer_with is not None:
            return _failure(fault.answer_with)
        if fault.lie is not None:
            return Answer(answer.status, fault.lie(answer.body))
        return answer

    def _request(self) -> Request:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length[:20]) > MAX_BODY_BYTES:
            self.close_connection = True
            raise APIError(413, "request entity too large")
        raw = self.rfile.read(int(length))
        try:
            body = json.loads(raw, parse_float=Decimal) if raw else None
        except (ValueError, RecursionError) as error:
            raise APIError(400, "Unexpected token in JSON") from error
        url = urlsplit(self.path)
        return Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query)),
            api_key=self.headers.get("x-api-key"),
            body=body,
        )

    def _send(self, answer: Answer) -> None:
        data = b"" if answer.body is None else _ENCODER.encode(answer.body)
        self.send_response(answer.status)
        if answer.status != 204:
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
