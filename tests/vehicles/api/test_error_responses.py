"""Errors on the wire: which keys are there, which are left out, and which headers come along."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import Http404
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.log import log_response
from rest_framework import exceptions

from portal.web import wire_errors
from tests.factories import AccessTokenFactory, VehicleFactory, VehicleGrantFactory, bearer
from tests.vehicles.api.conftest import Calls
from vehicles import errors, request_id, simulated_errors
from vehicles.api.error_responses import error_response, render_exception
from vehicles.errors import CATALOGUE, CatalogueError, ErrorSpec, invalid
from vehicles.tesla.error_cars import vin_of

ALWAYS = {"type", "code", "description", "docURL", "statusCode", "requestId", "resolution"}


def body_of(error: CatalogueError) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(error_response(error).content)
    return body


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.name)
def test_every_error_has_the_keys_that_clients_index_and_no_null_that_they_trip_over(spec: ErrorSpec) -> None:
    answer = error_response(CatalogueError(spec))
    body = json.loads(answer.content)
    assert set(body) == ALWAYS | ({"suggestedUserMessage"} if spec.user_message else set())
    assert body["type"] and body["description"]
    assert body["docURL"] == settings.PUBLIC_URL + spec.page
    assert body["statusCode"] == answer.status_code == spec.status
    assert body["resolution"] == {"type": spec.resolution}
    assert "error" not in body
    assert answer.headers["Content-Type"] == "application/json"
    assert [key for key, value in body.items() if value is None] in ([], ["code"])


def test_the_url_of_the_cure_and_the_wrong_fields_are_there_when_known() -> None:
    body = body_of(CatalogueError(errors.AUTHENTICATION_FAILED, resolution_url="https://example.com/again"))
    assert body["resolution"] == {"type": "REAUTHENTICATE", "url": "https://example.com/again"}
    assert body_of(invalid("limit", "too much"))["detail"] == [{"field": "limit", "message": "too much"}]


def test_a_command_of_unknown_outcome_names_its_row_and_a_toggle_offers_no_retry() -> None:
    error = CatalogueError(
        errors.UPSTREAM_NO_RESPONSE,
        command_id="7c0f",
        resolution_withheld=True,
        resolution_url="https://example.com/never-shown",
    )
    body = body_of(error)
    assert body["detail"] == [{"field": "commandId", "message": "7c0f"}]
    assert body["resolution"] == {"type": None}


def test_the_body_carries_the_id_of_the_request() -> None:
    current = request_id.begin()
    assert body_of(CatalogueError(errors.INTERNAL))["requestId"] == current
    assert len(current) == 36


def test_retry_after_is_a_whole_number_and_never_on_a_permission_error() -> None:
    limited = error_response(CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=90))
    assert limited.headers["Retry-After"] == "90"
    assert "Retry-After" not in error_response(CatalogueError(errors.RATE_LIMIT_VEHICLE))
    assert "Retry-After" not in error_response(CatalogueError(errors.PERMISSION, retry_after=90))


@pytest.mark.parametrize(
    "failure, name",
    [
        (exceptions.NotAuthenticated(), "AUTHENTICATION"),
        (exceptions.AuthenticationFailed(), "AUTHENTICATION"),
        (exceptions.PermissionDenied(), "PERMISSION"),
        (exceptions.MethodNotAllowed("PUT"), "RESOURCE_NOT_FOUND:PATH"),
        (Http404(), "RESOURCE_NOT_FOUND:PATH"),
        (exceptions.ParseError(), "VALIDATION"),
        (exceptions.UnsupportedMediaType("text/plain"), "VALIDATION"),
        (SuspiciousOperation(), "VALIDATION"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_frameworks_raise_is_answered_from_the_catalogue(failure: Exception, name: str) -> None:
    answer = render_exception(failure, {})
    spec = CATALOGUE[name]
    assert (answer.status_code, json.loads(answer.content)["type"]) == (spec.status, spec.type)


def test_a_surprise_is_answered_as_json_and_logged_with_its_trace_and_request(
    api: Calls, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("vehicles.grants.application_user", lambda *_: {}["a secret thing"])
    with caplog.at_level(logging.ERROR):
        answer = api.get("/v2.0/user")
    body = answer.json()
    assert (answer.status_code, body["type"], body["code"]) == (500, "SERVER", "INTERNAL")
    assert "secret" not in answer.content.decode()
    (record,) = [record for record in caplog.records if record.exc_info]
    assert "KeyError" in caplog.text
    assert body["requestId"] == answer.headers["SC-Request-Id"] == request_id.current()
    assert record.levelno == logging.ERROR


def test_answers_say_that_they_are_no_page(api: Calls) -> None:
    for path in ("/v2.0/user", "/v2.0/vehicles/{id}/odometer", "/v2.0/vehicles/nonsense/vin"):
        policy = api.get(path).headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("spec", [spec for spec in CATALOGUE.values() if spec is not errors.INTERNAL])
def test_an_expected_refusal_is_never_logged_as_an_error(
    spec: ErrorSpec, caplog: pytest.LogCaptureFixture
) -> None:
    response = error_response(CatalogueError(spec))
    log_response("answered", response=response, request=RequestFactory().get("/v2.0/x"))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_surprise_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    render_exception(RuntimeError("surprise"), {})
    assert [record for record in caplog.records if record.levelno >= logging.ERROR]


GOLDEN: Final = json.loads((Path(__file__).parent / "error_bodies.json").read_text())
"""Every error as it is sent: body and the headers that are its own. The address of the portal and the id are fixed."""


def as_sent(spec: ErrorSpec) -> dict[str, Any]:
    """The whole answer of one error, in the form of the file."""
    answer = error_response(simulated_errors.example(spec))
    headers = {name: text for name, text in answer.headers.items() if name not in ("Content-Type", "Vary")}
    text = answer.content.decode().replace(settings.PUBLIC_URL, "https://carport.example")
    body = json.loads(text)
    return {"status": answer.status_code, "headers": headers, "body": body | {"requestId": "…"}}


def test_every_error_is_sent_exactly_as_it_was() -> None:
    now = {name: as_sent(spec) for name, spec in CATALOGUE.items()}
    # The text and not the values: the order of the keys and the kind of each number count too.
    assert json.dumps(now, indent=1) == json.dumps(GOLDEN, indent=1), "take over what was meant to change"


ASLEEP_IN_GERMAN = "Ihr Auto schläft. Es antwortet wieder, nachdem es geöffnet oder gefahren wurde."


@pytest.mark.parametrize(
    ("accepted", "spoken", "sentence"),
    [
        (None, "en", errors.ASLEEP.user_message),
        ("*", "en", errors.ASLEEP.user_message),
        ("fr", "en", errors.ASLEEP.user_message),
        ("en-GB, de;q=0.5", "en", errors.ASLEEP.user_message),
        ("de", "en, de", ASLEEP_IN_GERMAN),
        ("de-AT,de;q=0.9,en;q=0.1", "en, de", ASLEEP_IN_GERMAN),
    ],
)
def test_the_sentence_for_the_person_is_in_the_language_that_was_asked_for(
    db: None, accepted: str | None, spoken: str, sentence: str
) -> None:
    grant = VehicleGrantFactory(
        vehicle=VehicleFactory(vin=vin_of("VEHICLE_STATE:ASLEEP"), mode="simulated"),
        account__mode="simulated",
        mode="simulated",
    )
    token = AccessTokenFactory(application=grant.connection.application, user=grant.account.person)
    headers = bearer(token) | ({"Accept-Language": accepted} if accepted else {})
    answer = Client().get(f"/v2.0/vehicles/{grant.connection.public_id}", headers=headers)
    assert answer.json()["suggestedUserMessage"] == sentence
    assert answer.json()["description"] == errors.ASLEEP.description
    assert answer.headers["Content-Language"] == spoken
    assert "Accept-Language" in answer.headers["Vary"]


def test_what_is_for_developers_stays_english(api: Calls) -> None:
    headers = {"Accept-Language": "de"}
    answer = api.get("/v2.0/vehicles?limit=none", headers=headers)
    assert answer.json()["detail"] == [{"field": "limit", "message": "A valid integer is required."}]
    assert answer.headers["Content-Language"] == "en"


@pytest.mark.parametrize("spec", [spec for spec in CATALOGUE.values() if spec.user_message])
def test_every_sentence_for_a_person_has_a_translation(spec: ErrorSpec) -> None:
    with translation.override("de"):
        body = body_of(CatalogueError(spec))
    assert body["suggestedUserMessage"] != spec.user_message


def test_an_error_of_the_server_itself_speaks_no_language_of_an_earlier_caller() -> None:
    with translation.override("de"):
        body = json.loads(wire_errors.answer(500, "/v2.0/user").body)
    assert body["suggestedUserMessage"] == errors.INTERNAL.user_message
