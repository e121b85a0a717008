"""Gauges and equipment over the API: every value in its shape, and who is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of
from vehicles.tesla.simulator.server import SimulatorServer

CAR, TESLA = "/v2.0/vehicles/{id}", "/v2.0/vehicles/{id}/tesla"
IMPERIAL = {"SC-Unit-System": "imperial"}
READS = {
    "charge/limit": "read_charge",
    "battery/capacity": "read_battery",
    "battery/nominal_capacity": "read_battery",
    "tires/pressure": "read_tires",
    "tesla/charge": "read_charge",
    "tesla/charge/ammeter": "read_charge",
    "tesla/charge/voltmeter": "read_charge",
    "tesla/charge/wattmeter": "read_charge",
    "tesla/charge/completion": "read_charge",
    "tesla/charge/schedule": "read_charge",
    "tesla/charge/records": "read_charge_records",
    "tesla/charge/records/billing": "read_charge_records",
    "tesla/climate/cabin": "read_climate",
    "tesla/climate/defroster": "read_climate",
    "tesla/climate/steering_wheel": "read_climate",
    "tesla/thermometer/exterior": "read_thermometer",
    "tesla/thermometer/interior": "read_thermometer",
    "tesla/status": "read_extended_vehicle_info",
    "tesla/attributes": "read_extended_vehicle_info",
    "tesla/compass": "read_compass",
    "tesla/speedometer": "read_speedometer",
    "tesla/alerts": "read_alerts",
    "tesla/user/info": "read_user_profile",
    "fuel": "read_fuel",
    "engine/oil": "read_engine_oil",
    "service/history": "read_service_history",
    "diagnostics/system_status": "read_diagnostics",
    "diagnostics/dtcs": "read_diagnostics",
}
LIVE = [
    path
    for path, permission in READS.items()
    if path.startswith("tesla/")
    and not path.startswith("tesla/charge/records")
    and path not in ("tesla/status", "tesla/user/info")
]


def drive(simulator: SimulatorServer, api: Calls, **fields: Any) -> None:
    car_of(simulator, api.grant).sections["drive_state"].update(fields)


@pytest.mark.parametrize(("path", "permission"), READS.items())
def test_a_read_without_its_permission_is_refused_and_nothing_is_asked(
    simulator: SimulatorServer, signed: Calls, path: str, permission: str
) -> None:
    signed.grant.approved = [name for name in signed.grant.approved if name != permission]
    signed.grant.save()
    before = calls(simulator)
    answer = signed.get(f"{CAR}/{path}")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "PERMISSION", None)
    assert calls(simulator) == before


@pytest.mark.parametrize("path", READS)
def test_access_removed_at_tesla_is_told_by_every_read(
    simulator: SimulatorServer, signed: Calls, path: str
) -> None:
    signed.account.consent = "revoked"
    signed.account.save()
    body = signed.get(f"{CAR}/{path}").json()
    assert (body["type"], body["code"]) == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")


@pytest.mark.parametrize("path", LIVE)
def test_a_sleeping_car_is_not_woken_for_a_read(simulator: SimulatorServer, signed: Calls, path: str) -> None:
    car = car_of(simulator, signed.grant)
    car.set_state("asleep")
    answer = signed.get(f"{CAR}/{path}")
    assert (answer.status_code, answer.json()["type"]) == (409, "VEHICLE_STATE")
    assert car.state(simulator.world.clock.now()) == "asleep"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("fuel", "VEHICLE_NOT_CAPABLE"),
        ("engine/oil", "VEHICLE_NOT_CAPABLE"),
        ("service/history?startDate=2023-01-01&end_date=undefined", "SMARTCAR_NOT_CAPABLE"),
        ("diagnostics/system_status", "SMARTCAR_NOT_CAPABLE"),
        ("diagnostics/dtcs", "SMARTCAR_NOT_CAPABLE"),
    ],
)
def test_what_no_tesla_tells_is_a_compatibility_error(
    simulator: SimulatorServer, signed: Calls, path: str, code: str
) -> None:
    answer = signed.get(f"{CAR}/{path}")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (501, "COMPATIBILITY", code)


@pytest.mark.parametrize(
    ("heading", "direction"),
    [
        (0, "N"),
        (22, "N"),
        (23, "NE"),
        (90, "E"),
        (185, "S"),
        (202, "S"),
        (203, "SW"),
        (315, "NW"),
        (338, "N"),
    ],
)
def test_the_compass_names_the_nearest_direction(
    simulator: SimulatorServer, signed: Calls, heading: int, direction: str
) -> None:
    drive(simulator, signed, heading=heading)
    assert signed.get(f"{TESLA}/compass").json() == {"direction": direction, "heading": heading}


def test_the_compass_needs_the_position_at_tesla(
    simulator: SimulatorServer, sign_in: Any, signed: Calls, dieter: Any
) -> None:
    sign_in(dieter, scopes=["openid", "offline_access", "vehicle_device_data"])
    answer = signed.get(f"{TESLA}/compass")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "PERMISSION", None)


def test_the_speed_is_in_the_callers_units_and_zero_for_a_car_that_stands(
    simulator: SimulatorServer, signed: Calls
) -> None:
    assert signed.get(f"{TESLA}/speedometer").json() == {"speed": 0.0}
    drive(simulator, signed, speed=50, shift_state="D")
    assert signed.get(f"{TESLA}/speedometer").json() == {"speed": 80.47}
    assert signed.get(f"{TESLA}/speedometer", headers=IMPERIAL).json() == {"speed": 50}


def test_the_status_tells_state_service_and_gear(simulator: SimulatorServer, signed: Calls) -> None:
    car, status = car_of(simulator, signed.grant), f"{TESLA}/status"
    assert signed.get(status).json() == {"status": "ONLINE", "inService": False, "gear": "PARK"}
    drive(simulator, signed, shift_state="R")
    assert signed.get(status).json()["gear"] == "REVERSE"
    car.in_service = True
    for state in ("asleep", "offline"):
        car.set_state(state)
        assert signed.get(status).json() == {"status": state.upper(), "inService": True, "gear": None}
        assert car.state(simulator.world.clock.now()) == state


def test_alerts_are_listed_with_their_times(simulator: SimulatorServer, signed: Calls) -> None:
    assert signed.get(f"{TESLA}/alerts").json() == {"alerts": []}
    alert = {
        "name": "Name_Of_The_Alert",
        "time": "2021-03-19T22:01:15.101+00:00",
        "audience": ["service-fix", "customer"],
        "user_text": "additional description text",
    }
    car_of(simulator, signed.grant).alerts.append(alert)
    assert signed.get(f"{TESLA}/alerts").json()["alerts"] == [
        {
            "name": "Name_Of_The_Alert",
            "dateTime": "2021-03-19T22:01:15.101Z",
            "audience": ["service-fix", "customer"],
            "userText": "additional description text",
        }
    ]


@pytest.mark.parametrize(
    ("answer", "alerts"),
    [
        ({}, None),
        ({"recent_alerts": None}, None),
        (
            {"recent_alerts": [{"time": "yesterday"}, 7]},
            [{"name": None, "dateTime": None, "audience": [], "userText": None}] * 2,
        ),
    ],
)
def test_alerts_that_make_no_sense_are_null(api: Calls, tesla: Any, answer: Any, alerts: Any) -> None:
    api.grant.requested = api.grant.approved = ["read_alerts"]
    api.grant.save()
    tesla.answers["/recent_alerts"] = (200, {"response": answer})
    assert api.get(f"{TESLA}/alerts").json() == {"alerts": alerts}


def test_the_profile_is_the_tesla_accounts(simulator: SimulatorServer, signed: Calls) -> None:
    assert signed.get(f"{TESLA}/user/info").json() == {"email": "dieter@owners.example"}


def test_the_attributes_tell_the_equipment(simulator: SimulatorServer, signed: Calls) -> None:
    vehicle = signed.grant.connection.vehicle
    assert signed.get(f"{TESLA}/attributes").json() == {
        "id": signed.vehicle_id,
        "make": "TESLA",
        "model": vehicle.model,
        "year": vehicle.year,
        "firmwareVersion": "2026.32.6",
        "trimBadging": "74d",
        "efficiencyPackage": "Default",
        "performancePackage": "Base",
        "nickname": "Dampfer",
        "driverAssistVersion": "TeslaAP3",
        "atHome": None,
        "sentryMode": {"available": True, "enabled": False},
        "style": {"exteriorColor": "MidnightSilver", "exteriorTrim": "Chrome", "interiorTrim": "Black2"},
        "wheel": {"style": "Pinwheel18", "diameter": 457.2},
        "driveUnit": {"front": "NoneOrSmall", "rear": "Small"},
    }


def test_tires_are_in_the_callers_units(simulator: SimulatorServer, signed: Calls) -> None:
    tires = f"{CAR}/tires/pressure"
    places = ("frontLeft", "frontRight", "backLeft", "backRight")
    assert signed.get(tires).json() == dict.fromkeys(places, 290.0)
    imperial = signed.get(tires, headers=IMPERIAL)
    assert (imperial.json(), imperial.headers["SC-Unit-System"]) == (dict.fromkeys(places, 42.06), "imperial")
