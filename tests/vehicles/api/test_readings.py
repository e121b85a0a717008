"""Readings over the API: bodies, headers, units, and who is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls
from vehicles.api.v2.readings import wire_time

SECTIONS: dict[str, dict[str, Any]] = {
    "charge_state": {"battery_level": 57, "battery_range": 100.0, "charging_state": "Charging"},
    "vehicle_state": {"odometer": 1000.0, "timestamp": 1769847300123, "locked": True},
    "drive_state": {"latitude": 47.1, "longitude": 8.5},
}
PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_what_the_store_knows_is_answered_without_asking_tesla(api: Calls, tesla: AnsweringTesla) -> None:
    assert api.get("/v2.0/vehicles/{id}/").json() == {
        "id": api.vehicle_id,
        "make": "TESLA",
        "model": "Model S",
        "year": 2017,
    }
    assert api.get("/v2.0/vehicles/{id}/vin").json() == {"vin": api.grant.connection.vehicle.vin}
    assert tesla.calls == []


def test_a_reading_carries_its_time_and_its_units(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(**SECTIONS)
    answer = api.get("/v2.0/vehicles/{id}/odometer")
    assert answer.json() == {"distance": 1609.34}
    assert answer.headers["SC-Data-Age"] == "2026-01-31T08:15:00.123Z"
    assert PATTERN.fullmatch(answer.headers["SC-Fetched-At"])
    assert answer.headers["SC-Unit-System"] == "metric"
    assert len(answer.headers["SC-Request-Id"]) == 36
    answer = api.get("/v2.0/vehicles/{id}/odometer/", headers={"sc-unit-system": "imperial"})
    assert (answer.json(), answer.headers["SC-Unit-System"]) == ({"distance": 1000.0}, "imperial")


def test_headers_without_a_value_are_left_out(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(**SECTIONS)
    answer = api.get("/v2.0/vehicles/{id}/charge")
    assert answer.json() == {"isPluggedIn": True, "state": "CHARGING"}
    assert {"SC-Data-Age", "SC-Unit-System"}.isdisjoint(answer.headers)


def test_the_python_sdk_sends_a_body_with_a_get(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(**SECTIONS)
    answer = api("GET", "/v2.0/vehicles/{id}/battery", data="{}", content_type="application/json")
    assert answer.json() == {"percentRemaining": 0.57, "range": 160.93}
    answer = api("GET", "/v2.0/vehicles/{id}/location", data="no json", content_type="text/plain")
    assert answer.json() == {"latitude": 47.1, "longitude": 8.5}


def test_a_unit_system_that_does_not_exist_is_refused_and_nothing_is_asked(
    api: Calls, tesla: AnsweringTesla
) -> None:
    answer = api.get("/v2.0/vehicles/{id}/odometer", headers={"SC-Unit-System": "nautical"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == [{"field": "SC-Unit-System", "message": "must be metric or imperial"}]
    assert tesla.calls == []


@pytest.mark.parametrize("path", ["", "/vin", "/battery", "/charge", "/odometer", "/location", "/security"])
def test_a_permission_that_was_never_given_is_refused_before_the_header_is_looked_at(
    api: Calls, tesla: AnsweringTesla, path: str
) -> None:
    api.grant.requested = api.grant.approved = []
    api.grant.save()
    answer = api.get(f"/v2.0/vehicles/{{id}}{path}", headers={"SC-Unit-System": "nautical"})
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "PERMISSION", None)
    assert tesla.calls == []


def test_a_consent_that_was_taken_back_stops_stored_values_too(api: Calls) -> None:
    api.account.consent = "revoked"
    api.account.save()
    answer = api.get("/v2.0/vehicles/{id}/vin")
    assert (answer.json()["type"], answer.json()["code"]) == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")
    assert answer.json()["resolution"]["url"].startswith("http://localhost:8000/oauth/authorize?")


def test_values_that_tesla_does_not_have_are_an_error_not_a_number(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(charge_state={"battery_level": "<invalid>", "battery_range": 10})
    answer = api.get("/v2.0/vehicles/{id}/battery")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (
        502,
        "UPSTREAM",
        "INVALID_DATA",
    )


def test_a_sleeping_car_is_not_woken(api: Calls, tesla: AnsweringTesla) -> None:
    vin = api.grant.connection.vehicle.vin
    tesla.answers["/vehicle_data"] = (408, {"error": "vehicle unavailable"})
    tesla.answers[f"/vehicles/{vin}"] = (200, {"response": {"state": "asleep"}})
    answer = api.get("/v2.0/vehicles/{id}/battery")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (
        409,
        "VEHICLE_STATE",
        "ASLEEP",
    )
    assert not [path for path in tesla.paths() if "wake_up" in path]


def test_times_are_written_in_the_one_pattern_that_the_java_sdk_reads() -> None:
    assert wire_time(datetime(2026, 1, 2, 3, 4, 5, 6999, UTC)) == "2026-01-02T03:04:05.006Z"


@pytest.mark.parametrize("value", ["", " ", "imperial,metric", "nautical"])
def test_a_unit_system_that_is_none_is_refused_also_where_it_is_empty(api: Calls, value: str) -> None:
    answer = api.get("/v2.0/vehicles/{id}/odometer", headers={"SC-Unit-System": value})
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")


@pytest.mark.parametrize(
    "address",
    [
        "/v2.0/vehicles?limit=", "/v2.0/vehicles?offset=", "/v2.0/vehicles/{id}/permissions?limit=",
        "/v2.0/vehicles/{id}/tesla/diagnosis?permission=",
    ],
)  # fmt: skip
def test_an_empty_query_value_is_refused_and_named(api: Calls, address: str) -> None:
    answer = api.get(address)
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert answer.json()["detail"][0]["field"] == address.partition("?")[2].strip("=")
