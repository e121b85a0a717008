"""Clients that say half of what they want to say, or take no answer, keep nobody else waiting."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
import urllib3

from tests.faults import slow_socket
from tests.faults.slow_socket import slow_clients, trickle
from tests.faults.web_server import web_server

SLOW = 150
"""More than the server has threads."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A web server; what is asked of it here needs no row of the database."""
    folder = tmp_path_factory.mktemp("web")
    # The tests' own settings refuse to be guessed at by a child that nobody meant to start.
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{folder / 'web.sqlite3'}",
        "LOG_LEVEL": "WARNING",
    }
    with web_server(folder / "web.log", {**os.environ, **environment}) as serving:
        yield serving


def asked(port: int, path: str = "/v2.0/vehicles") -> tuple[int, float]:
    """The status of the answer, and how many seconds it took."""
    began = time.monotonic()
    answer = urllib3.request("GET", f"http://127.0.0.1:{port}{path}", timeout=10, retries=False)
    return answer.status, time.monotonic() - began


@pytest.mark.parametrize("says", ["HALF_A_HEAD", "HALF_A_BODY", "HALF_A_CHUNK", "NOTHING", "STAYS"])
def test_the_api_answers_beside_clients_that_are_slow(port: int, says: str) -> None:
    with slow_clients(port, SLOW, getattr(slow_socket, says)) as clients:
        for _ in range(3):
            for path, status in (("/v2.0/vehicles", 401), ("/healthz", 200)):
                told, seconds = asked(port, path)
                assert (told, seconds < 2) == (status, True)
            if says.startswith("HALF"):
                assert all(trickle(client) for client in clients)


@pytest.mark.slow
def test_the_api_answers_beside_clients_that_take_no_answer(port: int) -> None:
    with slow_clients(port, SLOW, slow_socket.NEVER_READS):
        until = time.monotonic() + 15
        waits = []
        while time.monotonic() < until:
            told, seconds = asked(port)
            assert told == 401
            waits.append(seconds)
            time.sleep(0.1)
        assert max(waits) < 2


@pytest.mark.slow
@pytest.mark.parametrize(("says", "seconds"), [("HALF_A_HEAD", 10), ("HALF_A_BODY", 30)])
def test_who_is_too_slow_is_told_so_and_hung_up_on(port: int, says: str, seconds: float) -> None:
    began = time.monotonic()
    with slow_clients(port, 1, getattr(slow_socket, says)) as (client,):
        while trickle(client):
            assert time.monotonic() - began < seconds + 5
            time.sleep(0.5)
        assert slow_socket.rest(client).startswith(b"HTTP/1.1 408 ")


def said(port: int, *pieces: bytes) -> bytes:
    """All that the server answers to these pieces, sent one after the other, until it closes."""
    with slow_clients(port, 1, b"") as (client,):
        for piece in pieces:
            client.sendall(piece)
            time.sleep(0.02)
        return slow_socket.rest(client)


TOKEN = b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_request_in_pieces_is_the_request(port: int, size: int) -> None:
    whole = TOKEN + FORM + b"Content-Length: 15\r\n\r\ngrant_type=othe"
    answer = said(port, *(whole[at : at + size] for at in range(0, len(whole), size)))
    assert b"unsupported_grant_type" in answer or b"invalid_client" in answer or b"invalid_request" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_body_in_chunks_is_a_body(port: int) -> None:
    by_length = said(port, TOKEN + FORM + b"Content-Length: 14\r\n\r\ngrant_type=abc")
    in_chunks = said(
        port,
        TOKEN + FORM + b"Transfer-Encoding: chunked\r\n\r\n4;name=value\r\ngran",
        b"\r\na\r\n",
        b"t_type=abc\r\n0\r\n\r\n",
    )
    assert by_length.partition(b"\r\n\r\n")[2] == in_chunks.partition(b"\r\n\r\n")[2] != b""


def test_requests_one_behind_the_other_are_answered_one_after_the_other(port: int) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert said(port, one + one[:20], one[20:] + last).count(b"HTTP/1.1 200 OK") == 3


def test_who_asks_whether_to_go_on_is_told_once(port: int) -> None:
    answer = said(
        port, TOKEN + FORM + b"Expect: 100-continue\r\nContent-Length: 14\r\n\r\n", b"grant_type=abc"
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ")
    assert answer.count(b"100 Continue") == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (TOKEN + FORM + b"Content-Length: 99999999999\r\n\r\n", 413),
        (TOKEN + FORM + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        (TOKEN + b"X-Long: " + b"x" * 300_000, 431),
        (TOKEN + FORM + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n", 400),
    ],
    ids=["a long body", "a long chunk", "a long head", "a chunk without a size"],
)
def test_what_is_larger_than_anything_that_is_taken_is_refused_at_once(
    port: int, request_: bytes, status: int
) -> None:
    assert said(port, request_).startswith(f"HTTP/1.1 {status} ".encode())
