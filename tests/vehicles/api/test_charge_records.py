"""Past charging over the API: energy a day and sessions with their cost, and nothing that Tesla does not tell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of
from vehicles.models import Integration
from vehicles.reads import charge_records
from vehicles.tesla.simulator.car.charging_history import fee, session
from vehicles.tesla.simulator.server import SimulatorServer

RECORDS = "/v2.0/vehicles/{id}/tesla/charge/records"
BILLING = f"{RECORDS}/billing"
HISTORY = "/charging/history"


def connected_long_ago(api: Calls) -> None:
    api.grant.connection.created_at = timezone.now() - timedelta(days=500)
    api.grant.connection.save()


def charged(vin: str, began: str, *fees: dict[str, Any], number: int = 7) -> dict[str, Any]:
    """A session as Tesla tells it, with these fees and an end half an hour later."""
    moment = datetime.fromisoformat(began)
    ended = (moment + timedelta(minutes=30)).isoformat()
    made = session(vin, moment, number)
    return made | {"fees": [each | {"currencyCode": "CHF"} for each in fees], "chargeStopDateTime": ended}


def energy(kwh: float, rate: float = 0.5) -> dict[str, Any]:
    return fee(1, "CHARGING", rate=rate, usage=kwh, uom="kwh")


def has(simulator: SimulatorServer, api: Calls, *sessions: dict[str, Any]) -> None:
    car_of(simulator, api.grant).charging_sessions = list(sessions)


def test_energy_is_told_by_day_and_what_tesla_does_not_tell_is_null(
    simulator: SimulatorServer, signed: Calls
) -> None:
    vin = signed.grant.connection.vehicle.vin
    has(
        simulator,
        signed,
        charged(vin, "2026-03-01T09:00:00+01:00", energy(20.5)),
        charged(vin, "2026-03-01T18:00:00+01:00", energy(10), fee(2, "PARKING", rate=1, usage=9, uom="min")),
        charged(vin, "2026-03-04T10:00:00+01:00", energy(7)),
    )
    answer = signed.get(f"{RECORDS}?startDate=2026-03-01&endDate=2026-03-04")
    nothing = {"home": None, "other": None, "total": None}
    assert answer.json() == {
        "records": [
            {"date": "2026-03-04", "superCharger": 7, **nothing},
            {"date": "2026-03-01", "superCharger": 30.5, **nothing},
        ]
    }
    assert "SC-Fetched-At" in answer.headers and "SC-Unit-System" not in answer.headers


def test_a_bill_names_times_energy_cost_place_and_teslas_number(
    simulator: SimulatorServer, signed: Calls
) -> None:
    vin = signed.grant.connection.vehicle.vin
    parking = fee(2, "PARKING", rate=0.25, usage=8, uom="min")
    has(simulator, signed, charged(vin, "2026-03-01T09:00:00+01:00", energy(20.5), parking, number=41))
    assert signed.get(f"{BILLING}?startDate=2026-03-01&endDate=2026-03-01").json() == {
        "records": [
            {
                "chargeStart": "2026-03-01T08:00:00.000Z",
                "chargeEnd": "2026-03-01T08:30:00.000Z",
                "energyConsumed": 20.5,
                "cost": {"currency": "CHF", "energy": 10.25, "other": 2.0},
                "location": "Oslo, Norway",
                "recordId": "41",
            }
        ],
        "hasMoreData": False,
    }


def test_a_session_sold_by_the_minute_has_a_cost_and_no_energy(
    simulator: SimulatorServer, signed: Calls
) -> None:
    vin = signed.grant.connection.vehicle.vin
    by_the_minute = fee(1, "CHARGING", rate=0.4, usage=30, uom="min")
    has(
        simulator,
        signed,
        charged(vin, "2026-03-01T09:00:00+01:00", by_the_minute),
        charged(vin, "2026-03-01T19:00:00+01:00", energy(9)),
    )
    asked = "?startDate=2026-03-01&endDate=2026-03-01"
    by_energy, by_time = signed.get(f"{BILLING}{asked}").json()["records"]
    assert (by_energy["energyConsumed"], by_time["energyConsumed"]) == (9, None)
    assert by_time["cost"] == {"currency": "CHF", "energy": 12.0, "other": None}
    (day,) = signed.get(f"{RECORDS}{asked}").json()["records"]
    assert day["superCharger"] is None


@pytest.mark.parametrize(
    ("began", "day"),
    [("2026-03-01T23:30:00-11:00", "2026-03-01"), ("2026-03-02T00:30:00+14:00", "2026-03-02")],
)
def test_a_day_is_the_day_where_the_car_was_charged(
    simulator: SimulatorServer, signed: Calls, began: str, day: str
) -> None:
    has(simulator, signed, charged(signed.grant.connection.vehicle.vin, began, energy(5)))
    found = signed.get(f"{RECORDS}?startDate={day}&endDate={day}").json()["records"]
    assert [each["date"] for each in found] == [day]
    other = {"2026-03-01": "2026-03-02", "2026-03-02": "2026-03-01"}[day]
    assert signed.get(f"{RECORDS}?startDate={other}&endDate={other}").json() == {"records": []}


def test_pages_follow_each_other_newest_first_and_days_need_them_all(
    simulator: SimulatorServer, signed: Calls
) -> None:
    vin = signed.grant.connection.vehicle.vin
    days = [f"2026-03-{day:02d}T12:00:00+00:00" for day in range(1, 24)]
    has(
        simulator,
        signed,
        *(charged(vin, day, energy(1), number=number) for number, day in enumerate(days)),
    )
    asked = "?startDate=2026-03-01&endDate=2026-03-31"
    pages = [signed.get(f"{BILLING}{asked}&page={page}").json() for page in (1, 2, 3, 4)]
    assert [len(page["records"]) for page in pages] == [10, 10, 3, 0]
    assert [page["hasMoreData"] for page in pages] == [True, True, False, False]
    numbers = [int(record["recordId"]) for page in pages for record in page["records"]]
    assert numbers == list(range(22, -1, -1))
    assert signed.get(f"{BILLING}{asked}").json() == pages[0]
    assert len(signed.get(f"{RECORDS}{asked}").json()["records"]) == 23


def test_a_page_without_a_session_of_this_car_is_not_the_last(signed: Calls, tesla: AnsweringTesla) -> None:
    foreign = charged("5YJ3E7EA7KF000001", "2026-03-01T12:00:00+00:00", energy(1))
    tesla.answers[HISTORY] = (200, {"data": [foreign] * 10, "totalResults": 11})
    answer = signed.get(f"{BILLING}?startDate=2026-03-01&endDate=2026-03-02")
    assert answer.json() == {"records": [], "hasMoreData": True}


def test_nothing_said_means_the_last_thirty_days_or_those_since_the_car_was_connected(
    simulator: SimulatorServer, signed: Calls
) -> None:
    assert signed.get(RECORDS).json() == {"records": []}
    connected_long_ago(signed)
    today = timezone.now().date()
    days = [each["date"] for each in signed.get(RECORDS).json()["records"]]
    assert days and min(days) >= str(today - timedelta(days=30)) and max(days) <= str(today)
    assert days == sorted(days, reverse=True)
    assert len(signed.get(f"{RECORDS}?startDate={today - timedelta(days=300)}").json()["records"]) > len(days)


@pytest.mark.parametrize("path", [RECORDS, BILLING])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("startDate=yesterday", "startDate"),
        ("startDate=2026-02-30", "startDate"),
        ("endDate=2026-03-01T00:00:00Z", "endDate"),
        ("endDate=9999-12-31", "endDate"),
        ("startDate=2026-03-02&endDate=2026-03-01", "startDate"),
        ("startDate=2024-01-01&endDate=2026-01-01", "startDate"),
        ("startDate=0001-01-01", "startDate"),
        ("endDate=0001-01-05", "endDate"),
        ("startDate=2011-12-31&endDate=2012-01-05", "startDate"),
        ("startDate=", "startDate"),
        ("startDate=2026-03-01&endDate=", "endDate"),
    ],
)
def test_days_that_make_no_sense_are_refused_and_nothing_is_asked(
    simulator: SimulatorServer, signed: Calls, path: str, query: str, field: str
) -> None:
    before = calls(simulator)
    answer = signed.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert [each["field"] for each in answer.json()["detail"]] == [field]
    assert calls(simulator) == before


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "10001"])
def test_a_page_that_does_not_exist_is_refused(simulator: SimulatorServer, signed: Calls, page: str) -> None:
    before = calls(simulator)
    answer = signed.get(f"{BILLING}?page={page}")
    assert [each["field"] for each in answer.json()["detail"]] == ["page"]
    assert calls(simulator) == before


def test_more_sessions_than_are_read_are_refused_after_the_first_page(
    signed: Calls, tesla: AnsweringTesla
) -> None:
    tesla.answers[HISTORY] = (200, {"data": [], "totalResults": 501})
    answer = signed.get(f"{RECORDS}?startDate=2026-01-01&endDate=2026-03-01")
    assert "more than 500 sessions" in answer.json()["detail"][0]["message"]
    assert len(tesla.paths()) == 1


def test_tesla_is_asked_for_this_car_and_every_time_zone_of_these_days(
    signed: Calls, tesla: AnsweringTesla
) -> None:
    tesla.answers[HISTORY] = (200, {"data": [], "totalResults": 0})
    signed.get(f"{BILLING}?startDate=2026-03-01&endDate=2026-03-02&page=3")
    ((method, path, query, _),) = tesla.calls
    assert (method, path) == ("GET", "/api/1/dx/charging/history")
    assert query == {
        "vin": [signed.grant.connection.vehicle.vin],
        "startTime": ["2026-02-28T10:00:00+00:00"],
        "endTime": ["2026-03-03T12:00:00+00:00"],
        "pageNo": ["3"],
        "pageSize": ["10"],
    }


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_what_is_missing_from_a_session_is_null(
    signed: Calls, tesla: AnsweringTesla, is_wrapped: bool
) -> None:
    bare = {"vin": signed.grant.connection.vehicle.vin, "chargeStartDateTime": "2026-03-01T12:00:00"}
    page = {"data": [bare, 7, bare | {"chargeStartDateTime": "<invalid>"}, bare | {"fees": "none"}]}
    tesla.answers[HISTORY] = (200, {"response": page} if is_wrapped else page)
    records = signed.get(f"{BILLING}?startDate=2026-03-01&endDate=2026-03-01").json()["records"]
    assert (
        records
        == [
            {
                "chargeStart": "2026-03-01T12:00:00.000Z",
                "chargeEnd": None,
                "energyConsumed": None,
                "cost": {"currency": None, "energy": None, "other": None},
                "location": None,
                "recordId": None,
            }
        ]
        * 2
    )


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"response": "no"}])
def test_an_answer_without_sessions_is_told_as_one(
    signed: Calls, tesla: AnsweringTesla, answer: dict[str, Any]
) -> None:
    tesla.answers[HISTORY] = (200, answer)
    body = signed.get(RECORDS).json()
    assert (body["type"], body["statusCode"]) == ("UPSTREAM", 502)


@pytest.mark.parametrize("path", [RECORDS, BILLING])
def test_a_connection_of_the_older_interface_cannot_have_it_and_is_told_how_it_could(
    simulator: SimulatorServer, signed: Calls, settings: Any, path: str
) -> None:
    settings.LEGACY_OWNER_API = True
    signed.grant.integration = Integration.LEGACY
    signed.grant.save()
    before = calls(simulator)
    body = signed.get(path).json()
    assert (body["statusCode"], body["code"]) == (501, "PLATFORM_NOT_CAPABLE")
    assert "/oauth/reauthenticate?" in body["resolution"]["url"]
    assert calls(simulator) == before


@pytest.mark.parametrize("state", ["asleep", "offline"])
def test_a_sleeping_car_is_not_needed_for_it(simulator: SimulatorServer, signed: Calls, state: str) -> None:
    connected_long_ago(signed)
    car = car_of(simulator, signed.grant)
    car.set_state(state)
    assert signed.get(RECORDS).json()["records"]
    assert car.state(0) == state


def test_days_since_a_later_connection_do_not_begin_after_the_day_asked_for(signed: Calls) -> None:
    signed.grant.connection.created_at = datetime(2026, 3, 5, tzinfo=UTC)
    asked = charge_records.period(signed.grant, None, date(2026, 3, 1), date(2026, 3, 9))
    assert (asked.first, asked.last) == (date(2026, 3, 1), date(2026, 3, 1))
