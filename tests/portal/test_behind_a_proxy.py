"""Behind a proxy: the shipped configurations, on the real servers, in front of the real web server."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import path

from portal.configuration.settings_values import networks
from tests.portal.served_urls import arrived
from tests.portal.serving import Answer, free_port, portal_served, request, running
from tests.runner import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

urlpatterns = [path("arrived", arrived)]
HOST = "carport.example"
CLAIMS = (
    "SCRIPT_NAME: /open", "Script-Name: /open", "X-Script-Name: /open", "PATH_INFO: /admin/login/",
    "X-Forwarded-For: 203.0.113.9", "X_Forwarded_For: 203.0.113.9", "X-Forwarded-Proto: https",
    "X-Forwarded-Protocol: ssl", "X-Forwarded-Ssl: on", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 1",
    "X-Forwarded-Prefix: /open", "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9;proto=https;host=evil.example",
    "X-Original-URL: /admin/login/", "X-Rewrite-URL: /admin/login/", "X-HTTP-Method-Override: DELETE",
    "True-Client-IP: 203.0.113.9", "CF-Connecting-IP: 203.0.113.9", "Proxy: http://evil.example", "Remote-User: root",
)  # fmt: skip
"""What a client may claim, by which some server or other moves a path or believes an address."""


@pytest.fixture
def arriving(client: Client, settings: Any) -> Callable[..., dict[str, Any]]:
    """What the portal makes of a request from this peer with these header fields."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["testserver"]

    def arriving(peer: str, trusted: str = "127.0.0.0/8,10.0.0.0/8,::1", **headers: str) -> dict[str, Any]:
        settings.BEHIND_PROXY = bool(trusted)
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if trusted else None
        settings.TRUSTED_PROXIES = networks(trusted)
        told: dict[str, Any] = client.get("/arrived", headers=headers, REMOTE_ADDR=peer).json()
        return told

    return arriving


@pytest.mark.parametrize(
    ("peer", "told", "seen"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.5", "203.0.113.9"),
        ("10.0.0.4", "203.0.113.9:4711", "203.0.113.9"),
        ("::1", "[2001:db8::9]:4711", "2001:db8::9"),
        ("::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.0.0.5, 10.0.0.6", "10.0.0.5"),
        ("127.0.0.1", "203.0.113.9, unknown", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", ",,,", "127.0.0.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy(
    arriving: Any, peer: str, told: str, seen: str
) -> None:
    assert arriving(peer, **{"X-Forwarded-For": told})["client"] == seen


@pytest.mark.parametrize(
    ("peer", "trusted", "proto", "secure"),
    [
        ("127.0.0.1", "127.0.0.1", "https", True),
        ("127.0.0.1", "127.0.0.1", "http, HTTPS", True),
        ("127.0.0.1", "127.0.0.1", "https, http", False),
        ("127.0.0.1", "127.0.0.1", "http", False),
        ("192.0.2.1", "127.0.0.1", "https", False),
        ("127.0.0.1", "", "https", False),
    ],
)
def test_the_scheme_is_believed_of_a_trusted_proxy_only(
    arriving: Any, peer: str, trusted: str, proto: str, secure: bool
) -> None:
    assert arriving(peer, trusted, **{"X-Forwarded-Proto": proto})["secure"] is secure


def harmless(told: dict[str, Any], path: str = "/arrived") -> None:
    """Nothing that a client claimed was believed, or came through."""
    assert (told["path"], told["script_name"], told["client"]) == (path, "", "127.0.0.1")
    assert "evil" not in told["host"]
    claims = re.compile(
        "FORWARDED(?!_PROTO)|REAL|ORIGINAL|REWRITE|SCRIPT|PATH|OVERRIDE|CLIENT|CONNECTING|PROXY|USER$"
    )
    assert [name for name in told["fields"] if claims.search(name)] == []


@pytest.fixture(scope="module")
def unproxied(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[int]:
    with django_db_blocker.unblock(), portal_served(tmp_path_factory.mktemp("unproxied")) as port:
        yield port


def test_without_a_proxy_no_claim_is_believed(unproxied: int) -> None:
    told = request(unproxied, "/arrived", *CLAIMS).json
    harmless(told)
    assert told["secure"] is False


def test_no_path_is_moved_out_of_the_rules_of_a_proxy(unproxied: int) -> None:
    for name in ("SCRIPT_NAME", "Script-Name", "script_name", "X-Script-Name", "X-Forwarded-Prefix"):
        answer = request(unproxied, "/open/admin/login/", f"{name}: /open")
        assert answer.status == 404, name


SERVERS = ("nginx", "caddy")


class Proxy:
    """One of the servers with its shipped configuration, in front of a portal."""

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port

    def send(self, target: str, *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
        """A request over TLS from loopback, with these header fields."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Connection: close", *fields]
        return self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    def raw(self, data: bytes) -> Answer:
        context = ssl._create_unverified_context()  # noqa: S323 - a certificate of this test's own
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        with plain, context.wrap_socket(plain, server_hostname=HOST) as connection:
            connection.sendall(data)
            return Answer.read_from(connection)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the host of the shipped configurations, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "fullchain.pem", folder / "privkey.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The shipped configuration with the operator's own values; each of them must stand there."""
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text


def nginx(folder: Path, at: int, portal: int, files: tuple[Path, Path], admin: str) -> list[str]:
    shipped = replaced(
        (ROOT / "deploy" / "nginx.conf").read_text(),
        ("127.0.0.1:8000", f"127.0.0.1:{portal}"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl", f"listen 127.0.0.1:{at} ssl"),
        ("/etc/ssl/carport/fullchain.pem", str(files[0])),
        ("/etc/ssl/carport/privkey.pem", str(files[1])),
        ("127.0.0.0/8 1;", f"{admin} 1;"),
    )
    file = folder / "nginx.conf"
    places = "".join(
        f"{kind}_temp_path {folder / kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"{'user root; ' if os.geteuid() == 0 else ''}daemon off; pid {folder / 'pid'}; error_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{places}{shipped}\n}}\n"
    )
    subprocess.run(["nginx", "-t", "-c", str(file)], check=True, capture_output=True)
    return ["nginx", "-c", str(file)]


def caddy(folder: Path, at: int, portal: int, files: tuple[Path, Path], admin: str) -> list[str]:
    file = folder / "Caddyfile"
    file.write_text(
        replaced(
            (ROOT / "deploy" / "Caddyfile").read_text(),
            ("127.0.0.1:8000", f"127.0.0.1:{portal}"),
            (
                "\n{\n\tservers",
                f"\n{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {folder}\n\tservers",
            ),
            (
                "\ncarport.example {\n",
                f"\nhttps://{HOST}:{at} {{\n\tbind 127.0.0.1\n\ttls {files[0]} {files[1]}\n",
            ),
            ("127.0.0.0/8 ::1", admin),
        )
    )
    options = ["--config", str(file), "--adapter", "caddyfile"]
    subprocess.run(["caddy", "validate", *options], check=True, capture_output=True)
    return ["caddy", "run", *options]


COMMANDS = {"nginx": nginx, "caddy": caddy}


@pytest.fixture(scope="module")
def behind(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[int]:
    environment = {"SERVED_AT": f"https://{HOST}", "SERVED_BEHIND_PROXY": "on"}
    with django_db_blocker.unblock(), portal_served(tmp_path_factory.mktemp("behind"), **environment) as port:
        yield port


def started(name: str, folder: Path, portal: int, files: tuple[Path, Path], admin: str) -> Any:
    """The server while the block runs. The test is skipped where it is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    at = free_port()
    command = COMMANDS[name](folder, at, portal, files, admin)
    return at, running(command, f"tls://127.0.0.1:{at}", folder / "log", HOME=str(folder))


@pytest.fixture(scope="module", params=SERVERS)
def proxy(request: Any, behind: int, certificate: Any, tmp_path_factory: Any) -> Iterator[Proxy]:
    at, server = started(
        request.param, tmp_path_factory.mktemp(request.param), behind, certificate, "127.0.0.0/8"
    )
    with server:
        yield Proxy(request.param, at)


def test_a_request_arrives_with_the_scheme_and_the_address_of_the_client(proxy: Proxy) -> None:
    told = proxy.send("/arrived").json
    harmless(told)
    assert (told["secure"], told["host"]) == (True, HOST)


def test_no_claim_of_a_client_comes_through(proxy: Proxy) -> None:
    told = proxy.send("/arrived", *CLAIMS).json
    harmless(told)
    assert told["secure"] is True


def test_bodies_lines_and_cookies_pass_as_long_as_the_portal_takes_them(proxy: Proxy) -> None:
    parts = [b"x" * 60_000] * 3
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
    told = proxy.send("/arrived", "Transfer-Encoding: chunked", method="POST", body=body).json
    assert len(told["body"]) == 180_000
    assert proxy.send("/arrived?state=" + "x" * 30_000).status == 200
    assert (
        proxy.send("/arrived", "Cookie: " + "; ".join(f"c{n}={'x' * 1500}" for n in range(10))).status == 200
    )


def test_a_body_that_is_too_long_is_refused_at_the_proxy_in_the_form_of_the_api(proxy: Proxy) -> None:
    answer = proxy.send("/v2.0/arrived", "Content-Length: 4000000", method="POST", body=b"the first of it")
    assert answer.status == 413
    assert (answer.json["type"], answer.json["statusCode"]) == ("VALIDATION", 413)
    assert answer.json["requestId"] == answer.headers["sc-request-id"]


WALKS = ("/admin/", "/admin/login/", "//admin/login/", "/./admin/login/", "/x/../admin/login/", "/%61dmin/login/",
         "/admin%2flogin/", "/admin", "/admin/login/?x=/open", "/admin;/login/")  # fmt: skip


def test_nobody_walks_round_the_rule_on_the_staff_area(
    proxy: Proxy, behind: int, certificate: Any, tmp_path: Path
) -> None:
    assert proxy.send("/admin/login/").status == 200
    at, server = started(proxy.name, tmp_path, behind, certificate, "192.0.2.0/24")
    with server:
        strict = Proxy(proxy.name, at)
        assert strict.send("/arrived").status == 200
        for target in WALKS:
            answer = strict.send(target)
            assert answer.status in (400, 403, 404) or answer.headers["location"].endswith("/admin/"), target
        for claim in CLAIMS:
            assert strict.send("/open/admin/login/", claim).status in (400, 403, 404), claim
            assert strict.send("/admin/login/", claim).status == 403, claim


def test_a_portal_that_is_away_is_said_in_the_form_of_the_surface(
    certificate: Any, proxy: Proxy, tmp_path: Path
) -> None:
    at, server = started(proxy.name, tmp_path, free_port(), certificate, "127.0.0.0/8")
    with server:
        alone = Proxy(proxy.name, at)
        answer = alone.send("/v2.0/user")
        assert (answer.status, answer.json["statusCode"], answer.json["type"]) == (503, 503, "SERVER")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["retry-after"] == "5"
        assert len(answer.json["requestId"]) == 36
        page = alone.send("/connect/account")
        assert (page.status, page.headers["retry-after"]) == (503, "5")
        assert page.headers["content-type"].startswith("text/html") and b"Back in a moment" in page.body


def test_a_slow_client_takes_no_place_at_the_portal(proxy: Proxy) -> None:
    """More clients than the portal has threads, each with half a body: the proxy keeps them to itself."""
    context = ssl._create_unverified_context()  # noqa: S323 - a certificate of this test's own
    slow = []
    try:
        for _ in range(24):
            plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
            slow.append(context.wrap_socket(plain, server_hostname=HOST))
            slow[-1].sendall(
                f"POST /arrived HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n\r\nhalf".encode()
            )
        assert proxy.send("/arrived").status == 200
    finally:
        for connection in slow:
            connection.close()
