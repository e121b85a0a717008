"""Errors on the wire: which keys are there, which are left out, and which headers come along."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import Http404
from django.test import RequestFactory
from django.utils.log import log_response
from rest_framework import exceptions

from tests.vehicles.api.conftest import Calls
from vehicles import errors, request_id
from vehicles.api.error_responses import error_response, render_exception
from vehicles.errors import CATALOGUE, CatalogueError, ErrorSpec, invalid

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
    assert body["docURL"].startswith("https://smartcar.com/docs/errors/api-errors/")
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
