"""One request and its answer: the only module that speaks HTTP.

Every exchange ends in bytes or in one of three errors that say what to do next:
unavailable (nothing happened, try again), rejected (understood and refused),
uncertain (it may have happened). The API key travels in a header and is cut out of
every message, because Tatum's own error texts quote it.
"""

import threading
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.util import Retry

from airgap_shared.errors import (
    RemoteError,
    RemoteRejectedError,
    RemoteUnavailableError,
    RemoteUncertainError,
)

CONNECT_SECONDS = 10
"""How long a connection may take to be made."""

READ_SECONDS = 30
"""How long an answer may be silent; Tatum itself waits about 10 s for a chain."""

ANSWER_SECONDS = 300
"""How long an answer may take as a whole, however slowly it drips."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer. 1,000 pending transactions of a few kB each are some MB."""

MAX_ERROR_TEXT = 300
"""Characters of the server's own words in a message."""

GET_RETRIES = 2
"""More tries of a GET that failed; nothing else is ever repeated by itself."""

CONNECTIONS = 16
"""Connections kept open to the server."""

_NOT_SENT = (NewConnectionError, ConnectTimeoutError)
"""Failures before a request leaves this machine. TLS errors also come after it."""

T = TypeVar("T")


class _Failure(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str | None = None
    message: str | None = None


class Exchange:
    """An address and an API key, and how requests to it end."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        read_seconds: float = READ_SECONDS,
        requests_per_second: float = 0,
    ) -> None:
        """Prepare for ``url``; nothing is sent yet."""
        self._url = url
        self._key = api_key
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._pause = 1 / requests_per_second if requests_per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()
        self._session = _session(api_key)

    def read(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> bytes:
        """Make a request that may be repeated without harm."""
        status, answer = self._exchange(method, path, body, RemoteUnavailableError)
        return self._require_success(status, answer, RemoteUnavailableError)

    def act(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Make a request whose loss leaves its outcome unknown."""
        status, answer = self._exchange("POST", path, body, RemoteUncertainError)
        return self._require_success(status, answer, RemoteUncertainError)

    def find(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> bytes | None:
        """Ask for something that may not exist; ``None`` when it does not.

        Tatum answers 403 or 404 to that, depending on the chain.
        """
        status, answer = self._exchange(method, path, body, RemoteUnavailableError)
        if status in (403, 404):
            return None
        return self._require_success(status, answer, RemoteUnavailableError)

    def _exchange(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        lost: type[RemoteError],
    ) -> tuple[int, bytes]:
        """Return status and body of the answer; ``lost`` when there may be none."""
        self._wait()
        try:
            with self._session.request(
                method,
                self._url + path,
                data=None if body is None else _ENCODER.encode(body),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, _body(response, lost)
        except requests.RequestException as error:
            raise self._failure(error, lost) from None

    def _failure(
        self, error: requests.RequestException, lost: type[RemoteError]
    ) -> RemoteError:
        """Name a failed exchange. The cause is dropped: it quotes the headers."""
        cause: object = error.args[0] if error.args else None
        if isinstance(cause, MaxRetryError):
            cause = cause.reason
        if isinstance(cause, _NOT_SENT):
            return RemoteUnavailableError(
                "remote.unreachable",
                f"Tatum at {self._url} was not reached ({type(cause).__name__})",
                "check the address and the network, then run the same command again",
            )
        name = type(cause if isinstance(cause, Exception) else error).__name__
        return lost("remote.no_answer", f"Tatum at {self._url} gave no answer ({name})")

    def _require_success(
        self, status: int, answer: bytes, lost: type[RemoteError]
    ) -> bytes:
        if 200 <= status < 300:
            return answer
        text = self._words(status, answer)
        if status == 429:
            raise RemoteUnavailableError(
                "remote.busy", f"Tatum asks to wait: {text}", "try again later"
            )
        if status == 401:
            raise RemoteUnavailableError(
                "remote.unauthorized",
                f"Tatum does not accept the API key: {text}",
                "check TATUM_API_KEY and that it is for this network",
            )
        if 400 <= status < 500 and status != 408:
            raise RemoteRejectedError("remote.rejected", f"Tatum refuses: {text}")
        raise lost("remote.failed", f"Tatum failed: {text}")

    def _words(self, status: int, answer: bytes) -> str:
        """Return the server's own words, without the API key that it may quote."""
        try:
            told = msgspec.json.decode(answer, type=_Failure)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            told = _Failure()
        words = [f"HTTP {status}", told.error_code or "", told.message or ""]
        text = " ".join(word for word in words if word)
        return text.replace(self._key, "[API key]")[:MAX_ERROR_TEXT]

    def _wait(self) -> None:
        """Keep to the rate that was asked for, over all threads."""
        if not self._pause:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._pause
        time.sleep(start - now)


_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Decimals as JSON numbers, digit for digit; no float comes near an amount."""


def _session(api_key: str) -> requests.Session:
    session = requests.Session()
    # Proxies and .netrc of the environment could divert the API key.
    session.trust_env = False
    session.headers.update(
        {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "airgap-relay",
            "x-api-key": api_key,
        }
    )
    retry = Retry(
        total=GET_RETRIES,
        connect=0,
        redirect=0,
        allowed_methods={"GET"},
        status_forcelist={500, 502, 503, 504},
        backoff_factor=0.2,
        raise_on_status=False,
        # The server must not decide how long we sleep.
        respect_retry_after_header=False,
    )
    adapter = HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=retry)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _body(response: requests.Response, lost: type[RemoteError]) -> bytes:
    """Read the answer, at most so much of it and for so long."""
    deadline = time.monotonic() + ANSWER_SECONDS
    parts, size = [], 0
    for part in response.iter_content(64 * 1024):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            raise lost(
                "remote.too_large",
                f"Tatum's answer is over {MAX_ANSWER_BYTES} bytes or "
                f"{ANSWER_SECONDS} seconds",
            )
    return b"".join(parts)


def decode(
    answer: bytes,
    type_: type[T],
    error_type: type[RemoteError] = RemoteUnavailableError,
) -> T:
    """Return an answer as a value; raises ``error_type`` when it is not understood."""
    try:
        return msgspec.json.decode(answer, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise error_type(
            "remote.malformed", f"Tatum's answer is not understood: {error}"
        ) from error
