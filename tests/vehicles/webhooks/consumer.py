"""An application's receiver on loopback, as a developer would write it with the official SDK."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import smartcar

TOKEN = "management-token-of-the-consumer"


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class Consumer:
    """Takes what is signed with its token. `events` are the messages taken, `tries` all that came, in order.

    `answer(message)` says with which status a message is answered, `body` and `head` what else is sent along.
    """

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.events: list[dict[str, Any]] = []
        self.tries: list[dict[str, Any]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.answer = lambda message: self.status
        self.headers: dict[str, str] = {}
        self.release = threading.Event()
        self.hangs = False
        consumer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                consumer.handle(self)

            def log_message(self, *given: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.requests.append((request.path, dict(request.headers), body))
        if self.hangs:
            self.release.wait()
            request.close_connection = True
            return
        message = json.loads(body)
        if message["eventType"] == "VERIFY":
            word = smartcar.hash_challenge(self.token, message["data"]["challenge"])
            self.reply(request, 200, json.dumps({"challenge": word}).encode())
            return
        self.tries.append(message)
        signature = request.headers["SC-Signature"]
        if not smartcar.verify_payload(self.token, signature, body.decode()):
            self.reply(request, 401)
            return
        status = self.answer(message)
        if 200 <= status < 300:
            self.events.append(message)
        self.reply(request, status)

    def reply(self, request: BaseHTTPRequestHandler, status: int, body: bytes = b"") -> None:
        request.send_response(status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
