"""A loopback server that answers what a test tells it, or hangs up."""

import http.server
import json
import threading
from typing import Any


class QuietServer(http.server.ThreadingHTTPServer):
    """Says nothing of clients that hang up."""

    def handle_error(self, *_arguments):
        pass


class ScriptedServer:
    """Answers each request with the next (status, body) of its script."""

    def __init__(self):
        self.requests: list[Any] = []
        self.script: list[Any] = []
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size)
                outer.requests.append(
                    (self.command, self.path, body, dict(self.headers))
                )
                step = outer.script.pop(0) if outer.script else (200, b"{}")
                if step == "hang up":
                    self.close_connection = True
                    self.connection.close()
                    return
                if step == "silence":
                    outer.release.wait(10)
                    self.close_connection = True
                    return
                status, data = step
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *_arguments):
                pass

        self.release = threading.Event()
        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
