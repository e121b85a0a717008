"""The error catalogue keeps what the SDKs compare."""

from __future__ import annotations

import pytest

from vehicles import errors
from vehicles.errors import CATALOGUE


@pytest.mark.parametrize(
    ("name", "status", "url"),
    [
        ("AUTHENTICATION", 401, "authentication-errors#null"),
        ("PERMISSION", 403, "permission-errors#null"),
        ("VALIDATION", 400, "validation-errors#null"),
        ("RESOURCE_NOT_FOUND:VERSION", 404, "resource-not-found-errors#version"),
        (
            "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED",
            400,
            "connected-services-account-errors#virtual-key-required",
        ),
        (
            "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING",
            400,
            "connected-services-account-errors#vehicle-missing",
        ),
        ("VEHICLE_STATE:UNKNOWN", 409, "vehicle-state-errors#unknown"),
        ("UPSTREAM:NO_RESPONSE", 502, "upstream-errors#no-response"),
        ("COMPATIBILITY:PLATFORM_NOT_CAPABLE", 501, "compatibility-errors#platform-not-capable"),
    ],
)
def test_status_and_documentation_address_are_those_of_the_original(name: str, status: int, url: str) -> None:
    spec = CATALOGUE[name]
    assert spec.status == status
    assert spec.doc_url == f"https://smartcar.com/docs/errors/api-errors/{url}"


def test_every_error_has_a_sentence_and_every_repairable_one_says_how() -> None:
    for spec in CATALOGUE.values():
        assert spec.description.endswith(".")
        assert spec.resolution in {None, "RETRY_LATER", "REAUTHENTICATE", "ACTION_REQUIRED"}
        if spec.type in {"CONNECTED_SERVICES_ACCOUNT", "VEHICLE_STATE", "UPSTREAM"}:
            assert spec.user_message


def test_an_error_shows_its_name_and_nothing_of_the_request() -> None:
    assert str(errors.invalid("pin", "must be four digits")) == "VALIDATION"
