"""Batches: every part is what its own call answers, and one car is asked once for all of them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.faults import babbling_server as babbling
from tests.faults.babbling_server import BabblingServer
from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls
from tests.vehicles.api.test_gauges import READS
from tests.vehicles.commanding import calls, car_of
from vehicles.api.v2.batch import MOST_PARTS
from vehicles.models import RateBudget, RefusedRequest
from vehicles.tesla import scopes
from vehicles.upstream import account_call

A_MOMENT = 1.5
CAR = "/v2.0/vehicles/{id}"
OF_PARTS = ("content-type", "retry-after", "sc-data-age", "sc-unit-system")
OWN_TIME = ("sc-fetched-at", "requestId", "time")
EVERYTHING = [
    "/", "/vin", "/permissions", "/permissions?limit=2&offset=1", "/permissions?limit=", "/odometer", "/location",
    "/battery", "/charge", "/security", "/tesla/virtual_key", "/tesla/migration", "/tesla/user/access",
    "/tesla/diagnosis", "/tesla/diagnosis?permission=nothing", *(f"/{path}" for path in READS),
]  # fmt: skip


def batch(api: Calls, *paths: str, **more: Any) -> Any:
    return api.post(f"{CAR}/batch", json.dumps({"requests": [{"path": path} for path in paths]}), **more)


def by_path(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    return {each["path"]: each for each in answer.json()["responses"]}


def alone(api: Calls, path: str, **more: Any) -> dict[str, Any]:
    """A part as its own call answers it."""
    answer = api.get(f"{CAR}{path}", **more)
    headers = {name: answer.headers[name] for name in OF_PARTS if name in answer.headers}
    return {"path": path, "code": answer.status_code, "headers": headers, "body": answer.json()}


def comparable(part: dict[str, Any]) -> dict[str, Any]:
    """A part without what tells the request or the moment."""
    return {
        **part,
        "headers": {name: value for name, value in part["headers"].items() if name not in OWN_TIME},
        "body": {name: value for name, value in part["body"].items() if name not in OWN_TIME},
    }


def vehicle_data(tesla: AnsweringTesla) -> list[str]:
    """The sections of each question for live data."""
    return [query["endpoints"][0] for _, path, query, _ in tesla.calls if path.endswith("/vehicle_data")]


@pytest.mark.parametrize("headers", [{}, {"SC-Unit-System": "imperial"}, {"SC-Unit-System": "nautical"}])
@pytest.mark.parametrize("approved", ["everything", "battery only"])
def test_every_part_is_what_its_own_call_answers(
    signed: Calls, simulator: Any, time_machine: Any, now: Any, headers: dict[str, str], approved: str
) -> None:
    if approved == "battery only":
        signed.grant.approved = ["read_battery"]
        signed.grant.save()
    time_machine.move_to(now, tick=False)
    answer = batch(signed, *EVERYTHING, headers=headers)
    parts = by_path(answer)
    assert list(parts) == EVERYTHING
    for path in EVERYTHING:
        wanted = alone(signed, path, headers=headers)
        assert comparable(parts[path]) == comparable(wanted), path
        assert parts[path]["headers"]["content-type"] == "application/json"
        if parts[path]["code"] != 200:
            assert parts[path]["body"]["requestId"] == answer.headers["SC-Request-Id"]


def test_all_live_values_of_a_car_are_asked_for_once(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(
        charge_state={"battery_level": 57, "battery_range": 100.0, "charging_state": "Complete"},
        vehicle_state={"odometer": 1000.0, "timestamp": 1769847300123},
        drive_state={"latitude": 47.1, "longitude": 8.5},
    )
    parts = by_path(batch(api, "/odometer", "/battery", "/charge", "/location", "/vin", "odometer"))
    assert {part["code"] for part in parts.values()} == {200}
    assert parts["/odometer"]["body"] == parts["odometer"]["body"] == {"distance": 1609.34}
    assert parts["/odometer"]["headers"]["sc-data-age"] == "2026-01-31T08:15:00.123Z"
    assert parts["/odometer"]["headers"]["sc-unit-system"] == "metric"
    assert parts["/location"]["body"] == {"latitude": 47.1, "longitude": 8.5}
    assert vehicle_data(tesla) == ["vehicle_state;charge_state;drive_state;location_data"]
    assert set(RateBudget.objects.values_list("used", flat=True)) == {1}


def test_everything_that_can_be_read_asks_once_for_live_data(signed: Calls, simulator: Any) -> None:
    car = car_of(simulator, signed.grant)
    batch(signed, "/odometer")
    before = calls(simulator)
    by_path(batch(signed, *EVERYTHING))
    # Live data, the list entry for the status, alerts, profile, and past charging twice.
    assert (car is not None, calls(simulator) - before) == (True, 6)


def test_a_batch_costs_the_database_what_one_read_costs(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(vehicle_state={"odometer": 1.0}, charge_state={"battery_level": 1, "battery_range": 1.0})
    api.get(f"{CAR}/odometer")
    with CaptureQueriesContext(connection) as single:
        assert api.get(f"{CAR}/odometer").status_code == 200
    with CaptureQueriesContext(connection) as several:
        parts = by_path(batch(api, "/odometer", "/battery", "/vin", "/", "/permissions"))
    assert {part["code"] for part in parts.values()} == {200}
    assert len(several) == len(single) == 4, [each["sql"] for each in several]


def test_what_was_not_given_is_refused_alone_and_never_asked_for(api: Calls, tesla: AnsweringTesla) -> None:
    api.grant.approved = ["read_odometer", "read_vin"]
    api.grant.save()
    tesla.data(vehicle_state={"odometer": 1000.0}, drive_state={"latitude": 47.1, "longitude": 8.5})
    answer = batch(api, "/location", "/odometer", "/fuel")
    parts = by_path(answer)
    assert [part["code"] for part in parts.values()] == [403, 200, 403]
    assert parts["/location"]["body"]["type"] == "PERMISSION"
    assert vehicle_data(tesla) == ["vehicle_state"]
    kept = RefusedRequest.objects.filter(request_id=answer.headers["SC-Request-Id"])
    assert {row.route for row in kept} == {
        "/v2.0/vehicles/{vehicle_id}/location", "/v2.0/vehicles/{vehicle_id}/fuel",
    }  # fmt: skip


def test_the_position_is_not_asked_for_where_tesla_does_not_show_it(
    api: Calls, tesla: AnsweringTesla
) -> None:
    account = api.account
    account.granted_scopes = [each for each in account.granted_scopes if each != scopes.VEHICLE_LOCATION]
    account.save()
    api.grant.approved = [*api.grant.approved, "read_compass"]
    api.grant.save()
    tesla.data(vehicle_state={"odometer": 1000.0})
    parts = by_path(batch(api, "/odometer", "/location", "/tesla/compass"))
    assert [part["code"] for part in parts.values()] == [200, 400, 403]
    assert "location_data" not in vehicle_data(tesla)[0]


def test_a_sleeping_car_is_asked_once_and_what_is_stored_is_told(api: Calls, tesla: AnsweringTesla) -> None:
    vin = api.grant.connection.vehicle.vin
    tesla.answers["/vehicle_data"] = (408, {"error": "vehicle unavailable"})
    tesla.answers[f"/vehicles/{vin}"] = (200, {"response": {"state": "asleep"}})
    parts = by_path(batch(api, "/odometer", "/vin", "/battery", "/location"))
    assert [part["code"] for part in parts.values()] == [409, 200, 409, 409]
    assert {parts[path]["body"]["code"] for path in ("/odometer", "/battery")} == {"ASLEEP"}
    assert len(vehicle_data(tesla)) == 1
    assert not [path for path in tesla.paths() if "wake_up" in path]


def test_a_used_up_budget_is_told_with_the_seconds_to_wait(
    api: Calls, tesla: AnsweringTesla, settings: Any
) -> None:
    settings.TESLA_RATE_LIMITS = {**settings.TESLA_RATE_LIMITS, "data": 1}
    tesla.data(vehicle_state={"odometer": 1000.0})
    assert batch(api, "/odometer", "/battery").status_code == 200
    parts = by_path(batch(api, "/odometer", "/vin"))
    assert [part["code"] for part in parts.values()] == [429, 200]
    assert parts["/odometer"]["headers"]["retry-after"].isdigit()
    assert len(vehicle_data(tesla)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/batch", "batch/", "/nothing", "/application", "/navigation/destination",
        "/tesla/security/trunk", "/tesla/pin",
        "//odometer", "/../odometer", "/../../user", "/odometer/../vin", "/odometer#x", "http://localhost/odometer",
        "/odometer\n", "/odometer\x00", "/%6fdometer", "/Odometer", "/TESLA/speedometer",
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_read_refuses_the_whole_request(
    api: Calls, tesla: AnsweringTesla, path: str
) -> None:
    answer = batch(api, "/vin", path)
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert [each["field"] for each in answer.json()["detail"]] == ["requests[1].path"]
    assert tesla.calls == []


@pytest.mark.parametrize(
    "body",
    [
        "", "{}", "[]", "no json", '{"requests": []}', '{"requests": {}}', '{"requests": ["/vin"]}',
        '{"requests": [{}]}', '{"requests": [{"path": ""}]}', '{"requests": [{"path": null}]}',
        '{"requests": [{"path": ["/vin"]}]}', '{"requests": [{"path": {"path": "/vin"}}]}',
        json.dumps({"requests": [{"path": "/vin"}] * (MOST_PARTS + 1)}),
    ],
)  # fmt: skip
def test_a_body_that_is_none_and_too_many_parts_are_refused(api: Calls, body: str) -> None:
    answer = api.post(f"{CAR}/batch", body)
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert answer.json()["detail"][0]["message"]


def test_as_many_parts_as_allowed_are_answered_in_their_order(api: Calls) -> None:
    paths = ["/vin", "/"] * (MOST_PARTS // 2)
    answer = batch(api, *paths)
    assert [each["path"] for each in answer.json()["responses"]] == paths


def test_a_batch_wants_a_token_an_id_and_a_grant_before_its_body_is_looked_at(api: Calls) -> None:
    assert batch(api, "/nothing", token="garbage").status_code == 401
    assert api.post("/v2.0/vehicles/no-id/batch", "no json").json()["type"] == "VALIDATION"
    other = "/v2.0/vehicles/36ab27d0-fd9d-4455-823a-ce30af709ffc/batch"
    assert (api.post(other, "no json").status_code, api.get(f"{CAR}/batch").status_code) == (403, 404)


@pytest.mark.parametrize("paths", [("/odometer", "/location"), ("/location", "/odometer")])
def test_what_is_withdrawn_at_tesla_stops_only_what_rests_on_it(
    signed: Calls, simulator: Any, tesla_client: Any, paths: tuple[str, str]
) -> None:
    account = simulator.world.account(signed.account.email)
    left = account.consents[tesla_client.client_id].scopes - {scopes.VEHICLE_DEVICE_DATA}
    simulator.world.grant(account, tesla_client, left)
    parts = by_path(batch(signed, *paths))
    told = {path: (part["code"], part["body"]["code"]) for path, part in parts.items()}
    assert told == {
        path: (each["code"], each["body"]["code"]) for path in paths for each in [alone(signed, path)]
    }


@pytest.mark.django_db(transaction=True)
def test_a_tesla_that_hangs_holds_a_batch_for_no_longer_than_one_call(
    unsigned: Calls, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_call, "CALL_SECONDS", A_MOMENT)
    bills = [f"/tesla/charge/records/billing?page={page}" for page in range(1, 5)]
    with BabblingServer(babbling.slow_body) as server:
        settings.TESLA_API_URL = server.url
        began = time.monotonic()
        parts = by_path(batch(unsigned, "/vin", "/odometer", "/tesla/alerts", *bills, "/tesla/migration"))
        assert time.monotonic() - began < 3 * A_MOMENT
    assert [part["code"] for part in parts.values()] == [200, *[502] * 6, 200]
    assert {part["body"]["code"] for part in parts.values() if part["code"] == 502} == {"NO_RESPONSE"}
