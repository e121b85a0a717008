"""The real web server: chunked bodies, long request lines, and its own refusals in the form of the surface asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.portal.serving import Answer, chunked, portal_served, request, send

pytestmark = pytest.mark.django_db(transaction=True)

CHUNKED = "Transfer-Encoding: chunked"
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def port(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    with django_db_blocker.unblock(), portal_served(tmp_path_factory.mktemp("web")) as port:
        yield port


def test_a_chunked_body_arrives_whole(port: int) -> None:
    parts = [b"grant_type=", "ü".encode() * 1000, b"", b"x" * 100_000]
    body = chunked(*(part for part in parts if part))
    answer = request(port, "/arrived", CHUNKED, FORM, method="POST", body=body)
    assert answer.json["body"].encode() == b"".join(parts)


@pytest.mark.parametrize("target", ["/oauth/token", "/oauth/token/oauth/token"])
def test_the_token_endpoint_reads_a_chunked_form(port: int, target: str) -> None:
    body = chunked(b"grant_type=", b"password&x=y")
    answer = request(port, target, CHUNKED, FORM, method="POST", body=body)
    assert (answer.status, answer.json["error"]) == (400, "unsupported_grant_type")
    twice = chunked(b"grant_type=a&grant_type=b")
    assert request(port, target, CHUNKED, FORM, method="POST", body=twice).json["error"] == "invalid_request"


def test_an_empty_chunked_body_is_empty(port: int) -> None:
    assert request(port, "/arrived", CHUNKED, method="POST", body=chunked()).json["body"] == ""


@pytest.mark.parametrize(
    "target", ["/v2.0/arrived", "/oauth/token", "/connect/account/sign-in", "/admin/login/"]
)
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_that_is_too_long_is_refused_without_being_kept(
    port: int, target: str, is_chunked: bool
) -> None:
    part = b"a=" + b"x" * 1_000_000
    body = chunked(*[part] * 3) if is_chunked else part * 3
    length = CHUNKED if is_chunked else f"Content-Length: {len(body)}"
    answer = request(port, target, length, FORM, method="POST", body=body)
    # Of a page without its cookie nothing is read at all.
    is_api = target.startswith(("/v2.0", "/oauth"))
    assert answer.status in ((400, 413) if is_api else (400, 403, 413)), answer.body[:200]


@pytest.mark.parametrize(
    "body",
    [b"zz\r\nx\r\n0\r\n\r\n", b"-1\r\nx\r\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n"],
    ids=["size", "sign", "end"],
)
@pytest.mark.parametrize("target", ["/v2.0/arrived", "/oauth/token", "/arrived"])
def test_a_body_whose_chunks_are_none_is_refused_in_the_form_of_the_surface(
    port: int, target: str, body: bytes
) -> None:
    refused_as(request(port, target, CHUNKED, method="POST", body=body), 400, target)


def refused_as(answer: Answer, status: int, target: str) -> None:
    """The answer has this status, an id, and the form of the surface."""
    assert answer.status == status
    assert len(answer.headers["sc-request-id"]) == 36
    assert "no-store" in answer.headers["cache-control"]
    if target.startswith("/v2.0"):
        assert answer.headers["content-type"] == "application/json"
        assert (answer.json["statusCode"], answer.json["requestId"]) == (
            status,
            answer.headers["sc-request-id"],
        )
        assert answer.json["type"] == "VALIDATION" and answer.json["description"]
    elif target.startswith("/oauth/token"):
        assert answer.json["error"] == "invalid_request" and answer.json["error_description"]
    else:
        assert answer.headers["content-type"].startswith("text/html")
        assert "This request cannot be answered" in answer.body.decode()
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


REFUSED = {
    "a line that is too long": (b"GET {target}?q=" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "a field that is too long": (b"GET {target} HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    "too many fields": (b"GET {target} HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    "a control character in a field": (b"GET {target} HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
    "a control character in the line": (b"GET {target}?\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an umlaut in the line": (b"GET {target}?\xfc HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no version": (b"GET {target}\r\n\r\n", 400),
    "a version that is none": (b"GET {target} HTTP/9\r\n\r\n", 400),
    "a method that is none": (b"g#t {target} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "a field without a colon": (b"GET {target} HTTP/1.1\r\nHost\r\n\r\n", 400),
    "a folded field": (b"GET {target} HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "two hosts": (b"GET {target} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "two lengths": (b"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", 400),
    "length and chunks": (
        b"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
    ),
    "a coding nobody knows": (b"POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501),
    "an expectation": (b"POST {target} HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 0\r\n\r\n", 417),
    "a line that ends early": (b"GET {target} HTTP/1.1\nHost: a\n\n", 400),
}  # fmt: skip


@pytest.mark.parametrize("target", ["/v2.0/user", "/oauth/token", "/oauth/authorize", "/admin/", "/"])
@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_what_the_server_itself_refuses_has_the_form_of_the_surface(
    port: int, target: str, data: bytes, status: int
) -> None:
    refused_as(send(port, data.replace(b"{target}", target.encode())), status, target)


def test_what_is_no_http_at_all_is_answered_with_a_page(port: int) -> None:
    refused_as(send(port, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), 400, "/")


@pytest.mark.parametrize("length", [3_600, 12_000, 30_000])
def test_a_state_as_long_as_browsers_send_is_read(port: int, length: int) -> None:
    state = quote("ä" * (length // 6))
    answer = request(port, f"/oauth/authorize?state={state}&client_id=none")
    assert answer.status == 400
    assert "<code>client_id</code>" in answer.body.decode()
    assert request(port, f"/v2.0/user?x={state}").status == 401


def test_many_cookies_are_read(port: int) -> None:
    cookies = "; ".join(f"c{n}={'x' * 1500}" for n in range(10))
    assert request(port, "/arrived", f"Cookie: {cookies}").status == 200
