"""A Tesla on loopback that answers exactly what a test put there: for answers that no well-behaved Tesla gives."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class AnsweringTesla(AbstractContextManager["AnsweringTesla"]):
    """`answers` maps the end of a path to status and body; `calls` are method, path, query and body of each request."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.calls: list[tuple[str, str, dict[str, list[str]], bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def data(self, **sections: dict[str, Any]) -> None:
        """Answer vehicle data with these sections."""
        self.answers["/vehicle_data"] = (200, {"response": sections})

    def paths(self) -> list[str]:
        """What was asked for, without the query."""
        return [path for _, path, _, _ in self.calls]

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(tesla: AnsweringTesla) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            tesla.calls.append((self.command, address.path, parse_qs(address.query), body))
            answers = tesla.answers.items()
            status, answer = next(
                (found for end, found in answers if address.path.endswith(end)), (404, {"error": "not_found"})
            )
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815  (the library's names)

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    return Handler
