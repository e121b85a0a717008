"""Whatever answers in Tesla's name, and however: a call ends in its time, takes little memory, and fails cleanly."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import babbling_server as babbling
from tests.faults.babbling_server import BabblingServer
from vehicles.tesla import auth, connections, errors, transport

MEGABYTE = 1024 * 1024
A_MOMENT = 1.5
"""Seconds that a call is given here; a peer that sends a byte a second is never silent for as long."""


@pytest.fixture
def tesla() -> Iterator[BabblingServer]:
    """Answers as each test has it."""
    with BabblingServer(babbling.whole(b"{}")) as server:
        yield server


def send(tesla: BabblingServer, seconds: float = 10) -> dict[str, Any]:
    return transport.send("GET", f"{tesla.url}/api/1/anything", token="token", read_seconds=seconds)


@pytest.mark.parametrize("answer", [babbling.slow_head, babbling.slow_body, babbling.continuing])
def test_an_answer_without_end_is_over_when_its_time_is(tesla: BabblingServer, answer: Any) -> None:
    tesla.answer = answer
    began = time.monotonic()
    with pytest.raises(errors.NoAnswer):
        send(tesla, A_MOMENT)
    assert time.monotonic() - began < 2 * A_MOMENT


def test_a_kept_connection_gives_every_answer_its_own_time(tesla: BabblingServer) -> None:
    for _ in range(3):
        assert send(tesla) == {}
    tesla.answer = babbling.slow_body
    with pytest.raises(errors.NoAnswer):
        send(tesla, A_MOMENT)
    tesla.answer = babbling.whole(b'{"a": 1}')
    assert send(tesla) == {"a": 1}


@pytest.mark.parametrize(
    "answer",
    [
        babbling.large(200 * MEGABYTE, announced=True),
        babbling.large(200 * MEGABYTE, announced=False),
        babbling.chunked(200 * MEGABYTE),
        babbling.bomb(200 * MEGABYTE),
        babbling.bomb(50 * MEGABYTE, layers=3),
    ],
    ids=["announced", "unannounced", "in chunks", "packed", "packed three times"],
)
def test_a_body_larger_than_any_of_teslas_takes_no_memory(tesla: BabblingServer, answer: Any) -> None:
    tesla.answer = answer
    tracemalloc.start()
    try:
        with pytest.raises((errors.Unintelligible, errors.NoAnswer)):
            send(tesla)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40 * MEGABYTE


def test_what_is_left_of_a_body_is_not_taken_for_the_next_answer(tesla: BabblingServer) -> None:
    tesla.answer = babbling.large(20 * MEGABYTE, announced=True)
    with pytest.raises(errors.Unintelligible):
        send(tesla)
    tesla.answer = babbling.whole(b'{"next": true}')
    assert send(tesla) == {"next": True}


@pytest.mark.parametrize("packed", [False, True])
def test_a_list_as_long_as_an_account_may_have_comes_through(tesla: BabblingServer, packed: bool) -> None:
    body = b'{"response": [' + b",".join([b'{"vin": "5YJ3E1EA7KF000001"}'] * 20_000) + b"]}"
    tesla.answer = babbling.packed(body) if packed else babbling.whole(body)
    assert len(send(tesla)["response"]) == 20_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"response": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"response": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"response": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{",
        b"",
    ],
    ids=["nested lists", "nested objects", "a number of 5,000 digits", "not UTF-8", "nothing"],
)
def test_a_body_that_nobody_can_read_is_unintelligible(tesla: BabblingServer, body: bytes) -> None:
    tesla.answer = babbling.whole(body)
    with pytest.raises(errors.Unintelligible):
        send(tesla)


def test_a_body_that_is_not_packed_as_it_says_is_unintelligible(tesla: BabblingServer) -> None:
    tesla.answer = babbling.whole(b"{}", "Content-Encoding: gzip")
    with pytest.raises(errors.Unintelligible):
        send(tesla)


@pytest.mark.parametrize("lifetime", ["1e400", "-1", "99999999999999999999", "null", '"soon"', "[]"])
def test_a_lifetime_that_no_token_has_breaks_nothing(tesla: BabblingServer, lifetime: str) -> None:
    body = f'{{"access_token": "a", "refresh_token": "b", "expires_in": {lifetime}}}'
    tesla.answer = babbling.whole(body.encode())
    try:
        tokens = auth.refresh(tesla.url, client_id="c", refresh_token="d")
    except errors.Unintelligible:
        return
    assert 0 <= tokens.expires_in <= 366 * 24 * 3600


@pytest.mark.parametrize(
    "tokens", ['"access_token": {}, "refresh_token": "b"', '"access_token": "a", "refresh_token": null']
)
def test_what_is_no_token_is_never_kept_as_one(tesla: BabblingServer, tokens: str) -> None:
    tesla.answer = babbling.whole(f'{{{tokens}, "expires_in": 60}}'.encode())
    with pytest.raises(errors.Unintelligible):
        auth.refresh(tesla.url, client_id="c", refresh_token="d")


def test_several_calls_share_the_time_that_they_have_together(tesla: BabblingServer) -> None:
    tesla.answer = babbling.slow_body
    began = time.monotonic()
    with transport.within(A_MOMENT):
        for failure in (errors.NoAnswer, errors.NotSent, errors.NotSent):
            with pytest.raises(failure):
                send(tesla)
    assert time.monotonic() - began < 2 * A_MOMENT
    tesla.answer = babbling.whole(b"{}")
    assert send(tesla) == {}


def test_all_addresses_of_a_host_together_have_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # A listener whose queue is full answers no attempt to connect, as a host behind a broken route does.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        address = silent.getsockname()
        filling = [socket.socket() for _ in range(4)]
        for each in filling:
            each.setblocking(False)
            each.connect_ex(address)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address)] * 8
        monkeypatch.setattr(connections.socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(transport, "CONNECT_SECONDS", 1.0)
        began = time.monotonic()
        with pytest.raises(errors.NotSent):
            transport.send("GET", f"http://localhost:{address[1]}/")
        assert time.monotonic() - began < 3
        for each in filling:
            each.close()
