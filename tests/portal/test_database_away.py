"""While the database is away everybody is told so soon, in the form they asked in, and the process stays alive."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from django.db import DatabaseError, connection
from django.test import Client

from portal.running import health
from tests.databases import database_url
from tests.faults.locked_database import locked
from tests.faults.small_disk import fill, small_disk
from tests.faults.tcp_proxy import CuttingProxy
from tests.faults.web_server import web_server
from vehicles.db.outage import is_database_away

SURFACES = [
    ("GET", "/v2.0/vehicles", "json"),
    ("GET", "/v2.0/management/connections", "json"),
    ("POST", "/oauth/token", "oauth"),
    ("GET", "/admin/", "page"),
    ("GET", "/fix/some-token", "page"),
]
LOGIN = {
    "Authorization": "Bearer " + "a" * 36,
    "Cookie": "carport_session=" + "b" * 32,
    "Content-Type": "application/x-www-form-urlencoded",
}
MANAGEMENT = "Basic " + base64.b64encode(b"default:" + b"a" * 36).decode()
TOKEN_REQUEST = b"grant_type=refresh_token&refresh_token=x&client_id=c&client_secret=d"
WRITES = "/connect/not-there"
"""A page of owners that notes what it showed, to find it again when somebody asks about it."""
SECONDS = 8
"""The longest that anybody may wait for an answer."""


def serving(tmp_path: Path, url: str, threads: int = 128) -> Any:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url,
        "LOG_LEVEL": "ERROR",
    }
    return web_server(tmp_path / "web.log", environment, threads=threads)


def asked(port: int, method: str, path: str) -> urllib3.BaseHTTPResponse:
    headers = LOGIN | ({"Authorization": MANAGEMENT} if "management" in path else {})
    body = TOKEN_REQUEST if method == "POST" else None
    url = f"http://127.0.0.1:{port}{path}"
    return urllib3.request(method, url, headers=headers, body=body, timeout=30, retries=False, redirect=False)


def assert_says_when_to_come_back(answer: urllib3.BaseHTTPResponse, form: str) -> None:
    assert answer.status == 503, (form, answer.status, answer.data[:300])
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert len(answer.headers["SC-Request-Id"]) == 36
    if form == "json":
        told = answer.json()
        assert (told["type"], told["code"], told["statusCode"]) == ("SERVER", "UNAVAILABLE", 503)
    elif form == "oauth":
        assert answer.json()["error"] == "temporarily_unavailable"
    else:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"try again in a moment" in answer.data


@pytest.fixture
def proxy() -> Iterator[CuttingProxy]:
    """Between the portal and the PostgreSQL of this test."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: set DATABASE_URL")
    of = connection.settings_dict
    with CuttingProxy(of["HOST"] or "127.0.0.1", int(of["PORT"] or 5432)) as between:
        yield between


def through(proxy: CuttingProxy) -> str:
    url = urlsplit(database_url())
    return url._replace(netloc=f"{url.netloc.rpartition('@')[0]}@127.0.0.1:{proxy.port}").geturl()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["refuse", "cut"])
def test_postgresql_refused_is_503_on_every_surface(proxy: CuttingProxy, tmp_path: Path, fault: str) -> None:
    with serving(tmp_path, through(proxy)) as port:
        assert asked(port, "GET", "/v2.0/vehicles").status == 401
        proxy.refuse()
        for method, path, form in SURFACES:
            began = time.monotonic()
            assert_says_when_to_come_back(asked(port, method, path), form)
            assert time.monotonic() - began < SECONDS
        ready = asked(port, "GET", "/readyz")
        assert (ready.status, ready.json()["database"]) == (503, "unreachable")
        proxy.mend()
        until = time.monotonic() + 30
        while asked(port, "GET", "/v2.0/vehicles").status != 401:
            assert time.monotonic() < until


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_forty_seconds_without_postgresql_at_ten_requests_a_second_stop_no_probe(
    proxy: CuttingProxy, tmp_path: Path
) -> None:
    answers: list[tuple[int, float]] = []

    def ask(port: int) -> None:
        began = time.monotonic()
        answers.append((asked(port, "GET", "/v2.0/vehicles").status, time.monotonic() - began))

    with serving(tmp_path, through(proxy)) as port, ThreadPoolExecutor(200) as callers:
        assert asked(port, "GET", "/v2.0/vehicles").status == 401
        proxy.refuse()
        for _ in range(40):
            for _ in range(10):
                callers.submit(ask, port)
                time.sleep(0.1)
            began = time.monotonic()
            assert asked(port, "GET", "/healthz").status == 200
            assert time.monotonic() - began < 1
        proxy.mend()
        ended = time.monotonic()
        while asked(port, "GET", "/v2.0/vehicles").status != 401:
            assert time.monotonic() - ended < 30
    assert {status for status, _ in answers} <= {503, 401}
    assert max(seconds for _, seconds in answers) < SECONDS


@pytest.fixture
def sqlite_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of its own for the web server, with its tables."""
    file = tmp_path / "data" / "web.sqlite3"
    file.parent.mkdir()
    made = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": f"sqlite:///{file}"}
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=made, check=True)
    return file


@pytest.mark.slow
def test_a_locked_sqlite_is_503_for_who_writes_and_nobody_waits_for_long(
    sqlite_file: Path, tmp_path: Path
) -> None:
    with serving(tmp_path, f"sqlite:///{sqlite_file}") as port:
        with locked(sqlite_file), ThreadPoolExecutor(40) as callers:
            began = time.monotonic()
            waiting = [callers.submit(asked, port, "GET", WRITES) for _ in range(40)]
            assert asked(port, "GET", "/healthz").status == 200
            assert time.monotonic() - began < 2
            for each in waiting:
                assert_says_when_to_come_back(each.result(), "page")
            assert time.monotonic() - began < 2 * SECONDS
            ready = asked(port, "GET", "/readyz")
            assert (ready.status, ready.json()["database"]) == (503, "not writable")
        assert asked(port, "GET", "/readyz").status == 200
        assert asked(port, "GET", WRITES).status == 404


@pytest.mark.django_db(transaction=True)
def test_a_missing_table_is_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatabaseError, match="no_such_table") as raised, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")
    assert not is_database_away(raised.value)


def ready(client: Client) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/readyz").json()
    return told


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["disk", "broker"])
def test_a_full_disk_is_told_and_forgotten_once_there_is_room(
    client: Client, settings: Any, tmp_path: Path, part: str
) -> None:
    with small_disk(tmp_path / "small") as folder:
        if part == "disk":
            settings.VAR_DIR = folder
        else:
            settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(folder)}
        assert ready(client)[part] == "ok"
        filling = fill(folder)
        assert ready(client)[part] == "not writable"
        filling.unlink()
        assert ready(client)["status"] == "ok"
        assert list(folder.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_who_asks_while_another_looks_gets_what_was_found_last_and_its_age(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ready(client)["status"] == "ok"
    looking, seen = threading.Event(), threading.Event()

    def slow() -> None:
        seen.set()
        assert looking.wait(10)

    monkeypatch.setitem(health.CHECKS, "cache", slow)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(ready, Client())
        assert seen.wait(10)
        time.sleep(0.3)
        told = ready(client)
        assert told["age_seconds"] >= 0.3
        monkeypatch.setattr(health, "OLDEST_SECONDS", 0.1)
        assert ready(client)["status"] == "unavailable"
        looking.set()
        first.result()
