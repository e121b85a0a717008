"""The way out: where it may lead, how long it may take, how much may come back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import pytest

from tests.vehicles.webhooks.consumer import TOKEN, Consumer
from vehicles.webhooks import addresses, sending
from vehicles.webhooks.addresses import AddressRefused
from vehicles.webhooks.sending import Answer, NotTaken

Talk = Callable[[socket.socket], None]


@contextmanager
def talking(talk: Talk) -> Iterator[str]:
    """A server that reads a request and then does as it likes, once for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.recv(65536)
                # The other side hangs up, as it should.
                with suppress(OSError):
                    talk(line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def post(url: str) -> Answer:
    with sending.Line(url, TOKEN) as line:
        return line.post(b"{}")


def drip(line: socket.socket) -> None:
    """A byte now and then, for ever: each is in time for a timeout that begins anew with it."""
    for _ in range(1000):
        line.sendall(b"X-Slow: 1\r\n" if _ else b"HTTP/1.1 200 OK\r\n")
        time.sleep(0.02)


def flood(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(10_000):
        line.sendall(b"X-Long: " + b"x" * 1000 + b"\r\n")


BAD: Final[dict[str, tuple[Talk, set[str]]]] = {
    "drips": (drip, {"no_answer_in_time", "answer_is_no_http"}),
    "floods": (flood, {"answer_too_large", "answer_is_no_http"}),
    "hangs up": (lambda line: None, {"no_connection"}),
    "speaks something else": (
        lambda line: line.sendall(b"220 mail.example ESMTP\r\n"),
        {"answer_is_no_http"},
    ),
    "says nothing": (lambda line: time.sleep(0.6), {"no_answer_in_time"}),
}


@pytest.mark.parametrize("how", BAD)
def test_an_answer_that_is_none_ends_within_the_deadline(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.4)
    talk, faults = BAD[how]
    with talking(talk) as url:
        began = time.monotonic()
        with pytest.raises(NotTaken) as failure:
            post(url)
    assert failure.value.fault in faults
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 100000000\r\n\r\nx",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\r\n" + b"x" * 200_000,
    ],
)
def test_what_comes_behind_a_status_does_not_matter(rest: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BODY_SECONDS", 0.2)
    with talking(lambda line: line.sendall(b"HTTP/1.1 200 OK\r\n" + rest)) as url:
        assert post(url).is_taken


def test_a_connection_is_kept_for_the_next_message_and_made_anew_where_it_was_closed(
    consumer: Consumer,
) -> None:
    made: list[Any] = []
    original = sending._connected
    with pytest.MonkeyPatch.context() as patch, sending.Line(consumer.url, TOKEN) as line:
        patch.setattr(sending, "_connected", lambda *given: made.append(1) or original(*given))
        message = sending.written({"eventType": "x"})
        assert [line.post(message).status for _ in range(3)] == [200] * 3
        assert len(made) == 1
        assert line._socket is not None
        line._socket.shutdown(socket.SHUT_RDWR)
        assert line.post(message).status == 200
        assert len(made) == 2


def test_bodies_are_written_as_javascript_would() -> None:
    assert sending.written({"a": [1, "ü"], "b": None}) == '{"a":[1,"ü"],"b":null}'.encode()


PRIVATE: Final = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
    "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "192.0.2.1", "240.0.0.1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_in_whatever_form_is_none_of_the_public_internet(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_one(address: str) -> None:
    assert addresses.is_public(address)


def found(*hosts: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in hosts]


@pytest.mark.parametrize("hosts", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"]])
def test_a_name_that_leads_to_a_private_address_is_refused_and_nothing_connects(
    settings: Any, monkeypatch: pytest.MonkeyPatch, hosts: list[str]
) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **named: found(*hosts))
    monkeypatch.setattr(socket, "socket", lambda *given: pytest.fail("it connects"))
    with pytest.raises(NotTaken, match="address_refused"):
        post("https://receiver.example/")


def test_a_name_that_leads_elsewhere_a_moment_later_changes_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up, and the connection goes to what it found: the second answer is never asked for."""
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    answers = [found("8.8.8.8"), found("127.0.0.1")]
    reached: list[Any] = []

    class Socket:
        def __init__(self, *given: Any) -> None:
            pass

        def connect(self, address: Any) -> None:
            reached.append(address)
            raise ConnectionRefusedError

        def __getattr__(self, name: str) -> Any:
            return lambda *given: None

    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **named: answers.pop(0))
    monkeypatch.setattr(socket, "socket", Socket)
    with pytest.raises(NotTaken, match="no_connection"):
        post("https://receiver.example/")
    assert reached == [("8.8.8.8", 443)]
    assert len(answers) == 1


def test_an_address_in_clear_or_on_this_machine_is_refused_unless_it_is_allowed(settings: Any) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    with pytest.raises(AddressRefused, match="only https"):
        addresses.parse("http://receiver.example/")
    with pytest.raises(AddressRefused, match="public internet"):
        addresses.resolve(addresses.parse("https://127.0.0.1/"))
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    assert addresses.resolve(addresses.parse("http://127.0.0.1:8000/")) == [
        (socket.AF_INET, ("127.0.0.1", 8000))
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "//host/",
        "https://host:99999/",
        "https://[::1/",
        "https://h/\r\nX: y",
        "https://ü/",
        "x" * 600,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        addresses.parse(url)
