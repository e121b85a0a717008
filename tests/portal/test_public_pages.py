"""What anyone can open: the front page, health, the key file, and the pages for what is not there or broke."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from kombu.exceptions import OperationalError as BrokerError

from portal import health
from portal.urls import handler404, handler500, urlpatterns

KEY_FILE = "/.well-known/appspecific/com.tesla.3p.public-key.pem"


def test_the_front_page_has_three_doors(client: Client, portal_url: str) -> None:
    page = client.get("/")
    shown = page.content.decode()
    assert page.status_code == 200
    for door in ('id="owners"', 'id="developers"', 'id="staff"', 'href="/admin/"', 'href="/api/docs/"'):
        assert door in shown
    assert f"SMARTCAR_AUTH_ORIGIN={portal_url}/oauth/token" in shown
    assert client.post("/").status_code == 405


def test_the_public_key_is_the_half_of_the_key_that_signs(
    client: Client, settings: Any, virtual_key_file: Path
) -> None:
    settings.TESLA_KEY_FILE = str(virtual_key_file)
    answer = client.get(KEY_FILE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-pem-file"
    private = load_pem_private_key(virtual_key_file.read_bytes(), password=None)
    assert load_pem_public_key(answer.content) == private.public_key()
    assert b"PRIVATE" not in answer.content


def test_without_a_key_there_is_no_key_file(client: Client, settings: Any) -> None:
    settings.TESLA_KEY_FILE = ""
    assert client.get(KEY_FILE).status_code == 404


def test_alive_asks_no_database(client: Client) -> None:
    # Without the database fixture any query would fail this test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_when_database_and_broker_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "broker": "ok"})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("part", "failure"),
    [("database", OperationalError("secret-host refused")), ("broker", BrokerError("secret-host refused"))],
)
def test_not_ready_names_what_is_missing_and_not_why(
    client: Client, monkeypatch: pytest.MonkeyPatch, part: str, failure: Exception
) -> None:
    def refuse() -> None:
        raise failure

    monkeypatch.setitem(health.CHECKS, part, refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "broker": "ok", part: "unreachable"}


@pytest.mark.django_db
def test_not_ready_when_the_folder_of_the_broker_is_gone(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_out": str(tmp_path / "gone")}
    assert client.get("/readyz").json()["broker"] == "unreachable"


def test_what_is_not_there_has_a_page_and_below_a_version_the_error_of_the_api(client: Client) -> None:
    page = client.get("/nothing")
    assert page.status_code == 404
    assert "There is nothing here" in page.content.decode()
    answer = client.get("/v2.0/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "RESOURCE_NOT_FOUND")


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the-secret-reason")


class Broken:
    """The address map with two views that fail."""

    urlpatterns = [path("broken", breaks), path("v2.0/broken", breaks), *urlpatterns]
    handler404, handler500 = handler404, handler500


@pytest.fixture
def broken(settings: Any) -> Iterator[Client]:
    settings.ROOT_URLCONF = Broken
    logging.disable(logging.CRITICAL)
    yield Client(raise_request_exception=False)
    logging.disable(logging.NOTSET)


def test_what_broke_has_a_page_with_the_request_id_and_no_reason(broken: Client) -> None:
    page = broken.get("/broken")
    shown = page.content.decode()
    assert page.status_code == 500
    assert page.headers["SC-Request-Id"] in shown
    assert "the-secret-reason" not in shown


def test_what_broke_below_a_version_is_json(broken: Client) -> None:
    answer = broken.get("/v2.0/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert answer.json()["requestId"] == answer.headers["SC-Request-Id"]


def test_only_staff_screens_may_evaluate_and_style_inline(client: Client) -> None:
    for address in ("/", "/nothing", "/healthz", "/v2.0/nothing"):
        policy = client.get(address).headers["Content-Security-Policy"]
        assert "unsafe" not in policy, address
        assert "frame-ancestors 'none'" in policy
    policy = client.get("/admin/login/").headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_foreign_host_name_is_refused_as_json_below_a_version_and_as_a_page_elsewhere(
    client: Client, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["carport.example"]
    answer = client.get("/v2.0/user", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    page = client.get("/", headers={"Host": "evil.example"})
    assert page.status_code == 400
    assert "This request cannot be answered" in page.content.decode()


@pytest.mark.django_db
def test_the_admins_shortcut_to_nowhere_is_not_found(admin_client: Client) -> None:
    assert admin_client.get("/admin/r/1/x/").status_code == 404
