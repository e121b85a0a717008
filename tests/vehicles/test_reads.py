"""Reads: Tesla's values become ours in either unit system, and what Tesla does not have never becomes a value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import keyless_grant
from vehicles import access, errors
from vehicles.errors import CatalogueError
from vehicles.models import VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.reads import READS, Reading, read
from vehicles.tesla.simulator.car.sections import first_sections
from vehicles.upstream import calls

CLOSED: dict[str, Any] = {
    "locked": True,
    **dict.fromkeys(("df", "dr", "pf", "pr", "ft", "rt"), 0),
    **dict.fromkeys(("fd_window", "fp_window", "rd_window", "rp_window"), 0),
}


@pytest.fixture
def tesla(settings: Any) -> Iterator[AnsweringTesla]:
    with AnsweringTesla() as server:
        settings.TESLA_API_URL = server.url
        yield server


@pytest.fixture
def grant(db: None) -> VehicleGrant:
    made = keyless_grant(requested=list(PERMISSIONS))
    return access.get_grant(
        person=made.account.person,
        application=made.connection.application,
        public_id=str(made.connection.public_id),
    )


def reading(
    grant: VehicleGrant, tesla: AnsweringTesla, name: str, *, imperial: bool = False, **sections: Any
) -> Reading:
    tesla.data(**sections)
    return read(grant, name, imperial=imperial, now=datetime(2026, 1, 1, tzinfo=UTC))


def statuses(group: list[dict[str, str]]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in group}


@pytest.mark.parametrize("imperial, distance", [(False, 160.93), (True, 100.0)])
def test_battery_is_a_fraction_and_a_range_in_the_callers_unit(
    grant: VehicleGrant, tesla: AnsweringTesla, imperial: bool, distance: float
) -> None:
    charge = {"battery_level": 57, "battery_range": 100.0, "timestamp": 1769847300123}
    found = reading(grant, tesla, "battery", imperial=imperial, charge_state=charge)
    assert found.body == {"percentRemaining": 0.57, "range": distance}
    assert found.unit_system == ("imperial" if imperial else "metric")
    assert found.data_age == datetime(2026, 1, 31, 8, 15, 0, 123000, UTC)
    assert found.fetched_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert tesla.calls[0][2] == {"endpoints": ["charge_state"]}


@pytest.mark.parametrize("imperial, distance", [(False, 16093.44), (True, 10000.0)])
def test_odometer_is_in_the_callers_unit(
    grant: VehicleGrant, tesla: AnsweringTesla, imperial: bool, distance: float
) -> None:
    found = reading(grant, tesla, "odometer", imperial=imperial, vehicle_state={"odometer": 10000})
    assert found.body == {"distance": distance}
    assert found.data_age is None


@pytest.mark.parametrize(
    "state, plugged_in, named",
    [
        ("Charging", True, "CHARGING"),
        ("Starting", True, "CHARGING"),
        ("Complete", True, "FULLY_CHARGED"),
        ("Stopped", True, "NOT_CHARGING"),
        ("NoPower", True, "NOT_CHARGING"),
        ("Disconnected", False, "NOT_CHARGING"),
    ],
)
def test_every_charging_state_has_its_name(
    grant: VehicleGrant, tesla: AnsweringTesla, state: str, plugged_in: bool, named: str
) -> None:
    found = reading(grant, tesla, "charge", charge_state={"charging_state": state})
    assert found.body == {"isPluggedIn": plugged_in, "state": named}
    assert found.unit_system is None


def test_location_asks_for_the_position_by_name(grant: VehicleGrant, tesla: AnsweringTesla) -> None:
    found = reading(grant, tesla, "location", drive_state={"latitude": -33.9, "longitude": 0})
    assert found.body == {"latitude": -33.9, "longitude": 0}
    assert tesla.calls[0][2] == {"endpoints": ["drive_state;location_data"]}


def test_security_has_all_six_groups_even_when_little_is_known(
    grant: VehicleGrant, tesla: AnsweringTesla
) -> None:
    body = reading(grant, tesla, "security", vehicle_state={"locked": False}).body
    assert body == {
        "isLocked": False,
        "doors": [
            {"type": place, "status": "UNKNOWN"}
            for place in ("frontLeft", "frontRight", "backLeft", "backRight")
        ],
        "windows": [
            {"type": place, "status": "UNKNOWN"}
            for place in ("frontLeft", "frontRight", "backLeft", "backRight")
        ],
        "sunroof": [],
        "storage": [{"type": "front", "status": "UNKNOWN"}, {"type": "rear", "status": "UNKNOWN"}],
        "chargingPort": [{"type": "chargingPort", "status": "UNKNOWN"}],
    }


@pytest.mark.parametrize("right_hand_drive, side", [(False, "Left"), (True, "Right")])
def test_the_drivers_door_and_window_are_on_the_side_of_the_wheel(
    grant: VehicleGrant, tesla: AnsweringTesla, right_hand_drive: bool, side: str
) -> None:
    open_at_driver = {**CLOSED, "df": 1, "dr": 1, "fd_window": 2, "rd_window": 1}
    body = reading(
        grant, tesla, "security", vehicle_state=open_at_driver, vehicle_config={"rhd": right_hand_drive}
    ).body
    for group in ("doors", "windows"):
        found = {place for place, status in statuses(body[group]).items() if status == "OPEN"}
        assert found == {f"front{side}", f"back{side}"}


def test_trunks_sunroof_and_charge_port_are_told_apart(grant: VehicleGrant, tesla: AnsweringTesla) -> None:
    body = reading(
        grant,
        tesla,
        "security",
        vehicle_state={**CLOSED, "ft": 16, "sun_roof_state": "vent"},
        charge_state={"charge_port_door_open": True},
    ).body
    assert statuses(body["storage"]) == {"front": "OPEN", "rear": "CLOSED"}
    assert body["sunroof"] == [{"type": "sunroof", "status": "OPEN"}]
    assert statuses(body["chargingPort"]) == {"chargingPort": "OPEN"}
    for none in ("", "<invalid>", None):
        state = {**CLOSED, "sun_roof_state": none}
        assert reading(grant, tesla, "security", vehicle_state=state).body["sunroof"] == []


@pytest.mark.parametrize(
    "nothing", ["<invalid>", None, "57", True, [], {}, 1e308, 10**400, float("nan"), float("-inf")]
)
@pytest.mark.parametrize(
    "name, section, field",
    [
        ("battery", "charge_state", "battery_level"),
        ("battery", "charge_state", "battery_range"),
        ("charge", "charge_state", "charging_state"),
        ("odometer", "vehicle_state", "odometer"),
        ("location", "drive_state", "latitude"),
        ("location", "drive_state", "longitude"),
    ],
)
def test_a_value_that_the_body_cannot_go_without_is_invalid_data_when_missing(
    grant: VehicleGrant, tesla: AnsweringTesla, name: str, section: str, field: str, nothing: Any
) -> None:
    good = {"battery_level": 57, "battery_range": 1, "odometer": 1, "latitude": 1, "longitude": 1}
    with pytest.raises(CatalogueError) as raised:
        reading(grant, tesla, name, **{section: {**good, field: nothing}})
    assert raised.value.spec is errors.UPSTREAM_INVALID_DATA
    assert raised.value.reason == f"Tesla sent no usable {field}"


@pytest.mark.parametrize(
    "name",
    [
        "battery",
        "charge",
        "charge_limit",
        "ammeter",
        "voltmeter",
        "wattmeter",
        "charge_completion",
        "odometer",
        "location",
        "compass",
        "speedometer",
        "security",
        "tires",
        "cabin",
        "defroster",
        "exterior_thermometer",
        "interior_thermometer",
    ],
)
@pytest.mark.parametrize(
    "sections", [{}, {"charge_state": None, "vehicle_state": "<invalid>", "drive_state": []}]
)
def test_missing_sections_are_invalid_data(
    grant: VehicleGrant, tesla: AnsweringTesla, name: str, sections: dict[str, Any]
) -> None:
    with pytest.raises(CatalogueError) as raised:
        reading(grant, tesla, name, **sections)
    assert raised.value.spec is errors.UPSTREAM_INVALID_DATA


@pytest.mark.parametrize("stamp", [None, "<invalid>", 0, -1, True, 10**18, 1.5])
def test_a_time_that_makes_no_sense_is_no_time(
    grant: VehicleGrant, tesla: AnsweringTesla, stamp: Any
) -> None:
    found = reading(grant, tesla, "odometer", vehicle_state={"odometer": 1, "timestamp": stamp})
    assert found.data_age is None


def test_what_the_diagnosis_forbids_is_not_asked(grant: VehicleGrant, tesla: AnsweringTesla) -> None:
    grant.account.consent = "revoked"
    with pytest.raises(CatalogueError) as raised:
        reading(grant, tesla, "odometer", vehicle_state={"odometer": 1})
    assert raised.value.spec is errors.ACCOUNT_PERMISSION
    assert tesla.calls == []


def test_every_read_takes_one_call_for_its_sections(grant: VehicleGrant, tesla: AnsweringTesla) -> None:
    reading(grant, tesla, "charge_schedule")
    assert [call[2] for call in tesla.calls] == [
        {"endpoints": ["charge_state;charge_schedule_data;vehicle_config"]}
    ]


@pytest.mark.parametrize(
    ("schedules", "charge_state", "expected"),
    [
        (None, {}, {"departureTime": (False, None), "startTime": (False, None)}),
        (
            [],
            {"scheduled_charging_mode": "StartAt", "scheduled_charging_start_time": 1769895000},
            {"departureTime": (False, None), "startTime": (True, "22:30")},
        ),
        (
            [],
            {"scheduled_charging_mode": "StartAt", "scheduled_charging_start_time_minutes": 75},
            {"departureTime": (False, None), "startTime": (True, "01:15")},
        ),
        (
            [],
            {"scheduled_charging_mode": "DepartBy", "scheduled_departure_time_minutes": 480},
            {"departureTime": (True, "08:00"), "startTime": (False, None)},
        ),
        (
            [{"id": 1, "enabled": True, "start_enabled": True, "start_time": 60}],
            {"scheduled_charging_mode": "Off"},
            {"departureTime": (False, None), "startTime": (True, "01:00")},
        ),
        (
            [
                {"id": 1, "enabled": True, "start_enabled": True, "start_time": 60},
                {"id": 2024026, "enabled": True, "end_enabled": True, "end_time": 400},
            ],
            {},
            {"departureTime": (True, "06:40"), "startTime": (False, None)},
        ),
        (
            [
                {"id": 2024026, "enabled": False, "start_enabled": True, "start_time": 90},
                {"id": 1, "enabled": True, "start_enabled": True, "start_time": 60},
            ],
            {},
            {"departureTime": (False, None), "startTime": (True, "01:00")},
        ),
        (
            [{"id": 2024026, "enabled": False, "start_enabled": True, "start_time": 90}],
            {},
            {"departureTime": (False, None), "startTime": (False, "01:30")},
        ),
        (
            "<invalid>",
            {"scheduled_charging_mode": 7},
            {"departureTime": (False, None), "startTime": (False, None)},
        ),
    ],
)
def test_a_charge_schedule_is_what_the_car_will_do(
    grant: VehicleGrant,
    tesla: AnsweringTesla,
    schedules: Any,
    charge_state: dict[str, Any],
    expected: dict[str, tuple[bool, str | None]],
) -> None:
    found = reading(
        grant,
        tesla,
        "charge_schedule",
        charge_state=charge_state,
        charge_schedule_data={"charge_schedules": schedules},
        vehicle_config={"utc_offset": 3600},
    )
    assert found.body == {key: {"enabled": on, "time": time} for key, (on, time) in expected.items()}


@pytest.mark.parametrize(
    ("badge", "size"),
    [
        ("74d", 74.0),
        ("p100d", 100.0),
        ("P85D", 85.0),
        ("50", 50.0),
        ("plaid", None),
        ("", None),
        (None, None),
    ],
)
def test_a_badge_names_the_size_of_the_pack_or_nothing(
    grant: VehicleGrant, tesla: AnsweringTesla, badge: str | None, size: float | None
) -> None:
    body = reading(grant, tesla, "nominal_capacity", vehicle_config={"trim_badging": badge}).body
    assert (body["capacity"] or {}).get("nominal") == size


@pytest.mark.parametrize(
    ("wheel", "diameter"),
    [("Pinwheel18", 457.2), ("Apollo19MetallicShadow", 482.6), ("Base19", 482.6), ("Slipstream", None)],
)
def test_a_wheels_diameter_stands_in_its_name(
    grant: VehicleGrant, tesla: AnsweringTesla, wheel: str, diameter: float | None
) -> None:
    body = reading(grant, tesla, "equipment", vehicle_config={"wheel_type": wheel}).body
    assert body["wheel"] == {"style": wheel, "diameter": diameter}
    assert body["firmwareVersion"] is None


@pytest.mark.parametrize(
    ("state", "cable", "plugged_in"),
    [
        ("Stopped", "<invalid>", False),
        ("Complete", "<invalid>", False),
        ("NoPower", "<INVALID>", False),
        ("Disconnected", "IEC", False),
        ("Stopped", "IEC", True),
        ("Stopped", None, True),
        # What flows, flows through a cable.
        ("Charging", "<invalid>", True),
        ("Starting", "<invalid>", True),
    ],
)
def test_a_car_whose_cable_is_invalid_is_not_plugged_in(
    grant: VehicleGrant, tesla: AnsweringTesla, state: str, cable: str | None, plugged_in: bool
) -> None:
    charge_state = {"charging_state": state, "conn_charge_cable": cable, "charger_actual_current": 0}
    assert reading(grant, tesla, "charge", charge_state=charge_state).body["isPluggedIn"] is plugged_in
    details = reading(grant, tesla, "charge_details", charge_state=charge_state).body
    assert details["isPluggedIn"] is plugged_in
    assert details["connector"] in (None, cable)
    if plugged_in:
        assert reading(grant, tesla, "ammeter", charge_state=charge_state).body == {"amperage": 0}
    else:
        with pytest.raises(CatalogueError) as raised:
            reading(grant, tesla, "ammeter", charge_state=charge_state)
        assert raised.value.spec is errors.CHARGING_PLUG_NOT_CONNECTED


OF_CARS = [name for name, row in READS.items() if row.ask is calls.vehicle_data]


@pytest.mark.parametrize("word", ["<invalid>", "<Invalid>", " <invalid> "])
@pytest.mark.parametrize("name", OF_CARS)
def test_teslas_word_for_nothing_never_becomes_a_value(
    grant: VehicleGrant, tesla: AnsweringTesla, name: str, word: str
) -> None:
    """In whichever single field of a car that tells everything else."""
    complete = first_sections("5YJSA1E20HF000001", "2026.32.6", "Red Baron")
    told = {section: complete.get(section, {}) for section in READS[name].sections}
    for section, fields in told.items():
        for field in fields:
            odd = {**told, section: {**fields, field: word}}
            with suppress(CatalogueError):
                assert "invalid" not in str(reading(grant, tesla, name, **odd).body).lower()
