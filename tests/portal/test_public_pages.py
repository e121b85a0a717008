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

from portal.running import health
from portal.urls import handler404, handler500, urlpatterns
from vehicles import errors
from vehicles.api.error_responses import error_response
from vehicles.errors import CatalogueError

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


PARTS = {"database": "ok", "broker": "ok", "disk": "ok", "cache": "ok"}


@pytest.mark.django_db
def test_ready_when_all_that_is_needed_answers_and_can_be_written(client: Client) -> None:
    answer = client.get("/readyz")
    body = answer.json()
    assert 0 <= body.pop("age_seconds") < 5
    assert (answer.status_code, body) == (200, {"status": "ok", **PARTS})
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
    body = answer.json()
    assert body.pop("age_seconds") >= 0
    assert body == {"status": "unavailable", **PARTS, part: "unreachable"}


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


EXPECTED = {501: errors.SMARTCAR_NOT_CAPABLE, 502: errors.UPSTREAM_NO_RESPONSE, 503: errors.OVERLOADED}


def refuses(request: HttpRequest, status: int) -> HttpResponse:
    return error_response(CatalogueError(EXPECTED[status]))


def page_says(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse("Tesla is not answering", status=status)


class Refusing:
    """The address map with views that answer an error on purpose, and one that fails."""

    urlpatterns = [
        path("v2.0/refuses/<int:status>", refuses),
        path("says/<int:status>", page_says),
        path("broken", breaks),
        *urlpatterns,
    ]
    handler404, handler500 = handler404, handler500


@pytest.mark.parametrize(
    "address", ["/v2.0/refuses/501", "/v2.0/refuses/502", "/v2.0/refuses/503", "/says/502"]
)
def test_a_refusal_that_was_meant_is_no_error_in_the_log(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    settings.ROOT_URLCONF = Refusing
    caplog.set_level(logging.INFO)
    assert client.get(address).status_code == int(address[-3:])
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert any(address in record.getMessage() for record in caplog.records)


def test_what_broke_is_an_error_in_the_log_with_its_trace(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = Refusing
    Client(raise_request_exception=False).get("/broken")
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info and "the-secret-reason" in str(record.exc_info[1])


@pytest.mark.django_db
def test_not_being_ready_is_a_warning(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OperationalError

    monkeypatch.setitem(health.CHECKS, "database", refuse)
    assert client.get("/readyz").status_code == 503
    assert "WARNING" in {record.levelname for record in caplog.records}
    assert "ERROR" not in {record.levelname for record in caplog.records}


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
@pytest.mark.parametrize(
    "host", ["10.0.0.7", "10.0.0.7:8000", "[fd00::7]:8000", "anything.example", "not a host!"]
)
def test_probes_come_by_address_and_without_tls(
    client: Client, settings: Any, address: str, host: str
) -> None:
    settings.ALLOWED_HOSTS = ["carport.example"]
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get(address, headers={"Host": host})
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert client.head(address, headers={"Host": host}).status_code == 200
    assert client.get("/", headers={"Host": host}).status_code in (301, 400)
