"""Calls leave in one piece. What refuses a call may repeat what it was sent; no token is told on."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from vehicles.tesla import transport
from vehicles.tesla.transport import without_secrets


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("login_required Login required", "login_required Login required"),
        ("user out of region, use base URL: https://fleet-api.prd.eu.vn.cloud.tesla.com",) * 2,
        ("bad token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl!", "bad token [hidden]!"),
        ("EU_0123456789abcdef0123456789abcdef is no code", "[hidden] is no code"),
        ("secret-of-the-operator does not match", "[hidden] does not match"),
    ],
)
def test_no_token_or_secret_is_told_on(text: str, told: str) -> None:
    assert without_secrets(text, ["", "secret-of-the-operator"]) == told


def test_head_and_body_of_a_call_leave_in_one_piece() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as thread:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/api/1/echo"
        answer = thread.submit(transport.send, "POST", url, token="secret", json_body={"on": True})
        connection, _ = server.accept()
        with connection:
            first = connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert answer.result() == {}
    assert first.startswith(b"POST /api/1/echo HTTP/1.1\r\n")
    assert first.endswith(b'\r\n\r\n{"on": true}')
