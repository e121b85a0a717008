"""The official Python SDK against a running server: only its origins are changed."""

from __future__ import annotations

import importlib
import secrets
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from tests.factories import AccessTokenFactory, ApplicationFactory
from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls
from vehicles import grants
from vehicles.permissions import PERMISSIONS

SECTIONS: dict[str, dict[str, Any]] = {
    "charge_state": {"battery_level": 57, "battery_range": 100.0, "charging_state": "Complete"},
    "vehicle_state": {"odometer": 1000.0, "timestamp": 1769847300123, "locked": True},
    "drive_state": {"latitude": 47.1, "longitude": 8.5},
}


@pytest.fixture
def smartcar(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK, which reads its origins once, at import."""
    monkeypatch.setenv("SMARTCAR_API_ORIGIN", live_server.url)
    monkeypatch.setenv("SMARTCAR_AUTH_ORIGIN", f"{live_server.url}/oauth/token")
    settings.PUBLIC_URL = live_server.url
    sdk = importlib.import_module("smartcar")
    importlib.reload(importlib.import_module("smartcar.config"))
    return sdk


@pytest.fixture
def car(smartcar: Any, api: Calls) -> Any:
    return smartcar.Vehicle(api.vehicle_id, api.token)


def test_it_finds_the_user_and_the_vehicles(smartcar: Any, api: Calls) -> None:
    user = smartcar.get_user(api.token)
    assert len(user.id) == 36 and len(user.meta.request_id) == 36
    found = smartcar.get_vehicles(api.token, {"limit": 1, "offset": 0})
    assert (found.vehicles, found.paging.count, found.paging.offset) == ([api.vehicle_id], 1, 0)


def test_it_reads_what_the_store_knows(car: Any, api: Calls) -> None:
    attributes = car.attributes()
    assert (attributes.id, attributes.make, attributes.model, attributes.year) == (
        api.vehicle_id,
        "TESLA",
        "Model S",
        2017,
    )
    assert car.vin().vin == api.grant.connection.vehicle.vin
    permissions = car.permissions()
    assert permissions.permissions == sorted(api.grant.approved)
    assert permissions.paging.count == 8


def test_it_reads_live_values_with_their_age_and_unit(
    smartcar: Any, car: Any, api: Calls, tesla: AnsweringTesla
) -> None:
    tesla.data(**SECTIONS)
    odometer = car.odometer()
    assert odometer.distance == 1609.34
    assert odometer.meta.data_age == "2026-01-31T08:15:00.123Z"
    assert odometer.meta.unit_system == "metric"
    imperial = smartcar.Vehicle(api.vehicle_id, api.token, {"unit_system": "imperial"})
    assert imperial.odometer().distance == 1000.0
    assert (car.battery().percent_remaining, car.battery().range) == (0.57, 160.93)
    assert (car.charge().is_plugged_in, car.charge().state) == (True, "FULLY_CHARGED")
    assert (car.location().latitude, car.location().longitude) == (47.1, 8.5)
    assert car.lock_status().is_locked is True


def test_it_reads_several_values_at_once_and_each_fails_alone(
    smartcar: Any, car: Any, api: Calls, tesla: AnsweringTesla
) -> None:
    tesla.data(**SECTIONS)
    paths = ["/", "/odometer", "/battery", "/charge", "/location", "/security", "/fuel", "/tires/pressure"]
    found = car.batch([*paths, "/tesla/migration"])
    assert len(found.meta.request_id) == 36
    assert found.attributes() == car.attributes()._replace(meta=found.attributes().meta)
    odometer = found.odometer()
    assert (odometer.distance, odometer.meta.unit_system) == (1609.34, "metric")
    assert odometer.meta.data_age == "2026-01-31T08:15:00.123Z"
    assert (found.battery().percent_remaining, found.charge().state) == (0.57, "FULLY_CHARGED")
    assert (found.location().latitude, found.lock_status().is_locked) == (47.1, True)
    for part, alone in ((found.fuel, car.fuel), (found.tire_pressure, car.tire_pressure)):
        with pytest.raises(smartcar.SmartcarException) as together:
            part()
        with pytest.raises(smartcar.SmartcarException) as single:
            alone()
        told, wanted = vars(together.value), vars(single.value)
        assert told.pop("request_id") == found.meta.request_id and wanted.pop("request_id")
        assert told == wanted
    assert sum(path.endswith("/vehicle_data") for path in tesla.paths()) == 1
    with pytest.raises(smartcar.SmartcarException) as raised:
        car.batch(["/odometer", "/batch"])
    assert (raised.value.status_code, raised.value.type) == (400, "VALIDATION")
    assert raised.value.detail[0]["field"] == "requests[1].path"


@pytest.fixture
def credentials(smartcar: Any, db: None) -> dict[str, Any]:
    """What an application calls for itself with."""
    secret = secrets.token_urlsafe(32)
    application = ApplicationFactory(client_secret=secret)
    return {"client_id": application.client_id, "client_secret": secret}


def test_it_asks_whether_a_car_is_compatible(smartcar: Any, credentials: dict[str, Any]) -> None:
    scope = ["read_odometer", "read_battery", "read_fuel", "read_service_history"]
    found = smartcar.get_compatibility(
        "5YJ3E1EA7KF000101", scope, "US", credentials | {"flags": {"any": True}}
    )
    assert (found.compatible, found.reason, len(found.meta.request_id)) == (True, None, 36)
    assert [tuple(each) for each in found.capabilities] == [
        ("read_odometer", "/odometer", True, None),
        ("read_battery", "/battery", True, None),
        ("read_battery", "/battery/capacity", True, None),
        ("read_battery", "/battery/nominal_capacity", True, None),
        ("read_fuel", "/fuel", False, "VEHICLE_NOT_CAPABLE"),
        ("read_service_history", "/service/history", False, "SMARTCAR_NOT_CAPABLE"),
    ]
    other = smartcar.get_compatibility("1FTFW1ET5DFC10312", scope, "CA", credentials)
    assert (other.compatible, other.reason, other.capabilities) == (False, "MAKE_NOT_COMPATIBLE", [])
    with pytest.raises(smartcar.SmartcarException) as raised:
        smartcar.get_compatibility("5YJ3E1EA7KF000101", ["read_everything"], "US", credentials)
    assert (raised.value.status_code, raised.value.detail[0]["field"]) == (400, "scope")
    with pytest.raises(smartcar.SmartcarException) as raised:
        smartcar.get_compatibility("5YJ3E1EA7KF000101", scope, "US", credentials | {"client_secret": "wrong"})
    assert (raised.value.status_code, raised.value.type) == (401, "AUTHENTICATION")


def test_it_asks_for_the_matrix(smartcar: Any, credentials: dict[str, Any]) -> None:
    ask = importlib.import_module("smartcar.smartcar").get_compatibility_matrix
    (make, models), *others = ask("EUROPE", "TESLA", credentials).items()
    assert (make, others, {each.type for each in models}) == ("TESLA", [], {"BEV"})
    assert {each.model for each in models} == {"Model S", "Model 3", "Model X", "Model Y"}
    assert "Odometer" in models[0].endpoints and "read_odometer" in models[0].permissions
    with_tires = ask("US", "", credentials | {"scope": ["read_tires", "control_security"], "type": "BEV"})
    assert min(each.startYear for each in with_tires["TESLA"] if each.model == "Model S") == 2014
    assert ask("US", "NISSAN", credentials) == {}
    with pytest.raises(smartcar.SmartcarException) as raised:
        ask("MARS", "TESLA", credentials)
    assert (raised.value.status_code, raised.value.detail[0]["field"]) == (400, "region")


def test_it_locks_and_unlocks(car: Any, tesla: AnsweringTesla) -> None:
    done = (200, {"response": {"result": True, "reason": ""}})
    tesla.answers["/command/door_lock"] = tesla.answers["/command/door_unlock"] = done
    for action in (car.lock, car.unlock):
        answer = action()
        assert (answer.status, answer.message) == ("success", "Successfully sent request to vehicle")
    assert [path.rpartition("/")[2] for path in tesla.paths()] == ["door_lock", "door_unlock"]


def test_it_reaches_the_tesla_endpoints_through_a_plain_request(car: Any, api: Calls) -> None:
    bearer = {"Authorization": f"Bearer {api.token}"}
    assert car.request("GET", "tesla/migration", {}, bearer).body == {"requiresMigration": False}
    assert car.request("GET", "tesla/user/access", {}, bearer).body["accessType"] == "OWNER"


def test_it_understands_a_bad_token(smartcar: Any, db: None) -> None:
    with pytest.raises(smartcar.SmartcarException) as raised:
        smartcar.get_user("garbage")
    failure = raised.value
    assert (failure.status_code, failure.type, failure.code) == (401, "AUTHENTICATION", None)
    assert failure.message.startswith("AUTHENTICATION - The authorization header is missing")
    assert not getattr(failure, "detail", None)
    assert len(failure.request_id) == 36


def test_it_understands_a_permission_error_and_finds_exactly_ten_attributes(
    smartcar: Any, api: Calls
) -> None:
    api.grant.approved = ["read_vin"]
    api.grant.save()
    with pytest.raises(smartcar.SmartcarException) as raised:
        smartcar.Vehicle(api.vehicle_id, api.token).odometer()
    failure = raised.value
    assert (failure.status_code, failure.type, failure.code) == (403, "PERMISSION", None)
    assert failure.doc_url == f"{settings.PUBLIC_URL}/docs/errors/permission/"
    assert failure.resolution["type"] == "REAUTHENTICATE"
    assert "/oauth/authorize?" in failure.resolution["url"]
    assert len(vars(failure)) == 10


def test_it_understands_a_malformed_vehicle_id_and_an_unknown_version(
    smartcar: Any, api: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(smartcar.SmartcarException) as raised:
        smartcar.Vehicle("it-is-a-trap", api.token).odometer()
    assert (raised.value.status_code, raised.value.type) == (400, "VALIDATION")
    assert raised.value.resolution == {"type": None, "url": None}
    with pytest.raises(smartcar.SmartcarException) as raised:
        smartcar.Vehicle(api.vehicle_id, api.token, {"version": "1.0"}).vin()
    assert (raised.value.status_code, raised.value.code) == (404, "VERSION")
    assert smartcar.Vehicle(api.vehicle_id, api.token, {"version": "99999999.99"}).vin().vin


def test_it_disconnects_and_loses_the_vehicle(smartcar: Any, car: Any, api: Calls) -> None:
    assert car.disconnect().status == "success"
    assert smartcar.get_vehicles(api.token).vehicles == []
    with pytest.raises(smartcar.SmartcarException) as raised:
        car.vin()
    assert raised.value.type == "PERMISSION"


@pytest.fixture
def connected(smartcar: Any, sign_in: Any) -> Any:
    """Connects a person of the simulated Tesla: `connected(person)` are the SDK's vehicles for all their cars."""

    def connected(person: Any) -> list[Any]:
        account, application = sign_in(person), ApplicationFactory()
        cars = [
            access.vehicle for access in account.accesses.select_related("vehicle").order_by("vehicle__vin")
        ]
        wanted = list(PERMISSIONS)
        given = grants.give(
            application=application,
            account=account,
            vehicles=cars,
            requested=wanted,
            approved=wanted,
            now=timezone.now(),
        )
        token = AccessTokenFactory(application=application, user=account.person).raw
        return [smartcar.Vehicle(str(grant.connection.public_id), token) for grant in given]

    return connected


def test_it_locks_a_car_that_wants_signed_commands(connected: Any, dieter: Any, simulator: Any) -> None:
    (car,) = connected(dieter)
    assert car.unlock().status == "success"
    assert car.lock_status().is_locked is False
    assert car.lock().status == "success"
    assert car.lock_status().is_locked is True
    assert car.odometer().distance > 0
    done = simulator.world.car(car.vin().vin).executed
    assert [each.command for each in done] == ["door_unlock", "door_lock"]


def test_it_is_told_of_the_missing_key_for_each_car_of_an_account(
    smartcar: Any, connected: Any, anna: Any
) -> None:
    cars = connected(anna)
    assert len(cars) == 2
    for car in cars:
        with pytest.raises(smartcar.SmartcarException) as raised:
            car.lock()
        failure = raised.value
        assert (failure.status_code, failure.code) == (400, "VIRTUAL_KEY_REQUIRED")
        assert failure.resolution["type"] == "ACTION_REQUIRED"
        assert f"?vin={car.vin().vin}" in failure.resolution["url"]


def test_it_is_told_of_access_removed_at_tesla_by_the_first_command(
    smartcar: Any, connected: Any, dieter: Any, simulator: Any, tesla_client: Any
) -> None:
    (car,) = connected(dieter)
    simulator.world.remove_consent(simulator.world.account(dieter.email), tesla_client.client_id)
    with pytest.raises(smartcar.SmartcarException) as raised:
        car.lock()
    assert (raised.value.type, raised.value.code) == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")
    assert raised.value.resolution["type"] == "REAUTHENTICATE"


def test_it_drives_every_control_that_has_a_method(connected: Any, dieter: Any, simulator: Any) -> None:
    (car,) = connected(dieter)
    simulated = simulator.world.car(car.vin().vin)
    simulated.sections["charge_state"]["battery_level"] = 50
    for action in (
        car.start_charge,
        car.stop_charge,
        lambda: car.set_charge_limit(0.7),
        lambda: car.send_destination(47.37, 8.54),
    ):
        answer = action()
        assert (answer.status, answer.message) == ("success", "Successfully sent request to vehicle")
    assert car.get_charge_limit().limit == 0.7
    assert [each.command for each in simulated.executed] == [
        "charge_start",
        "charge_stop",
        "set_charge_limit",
        "navigation_request",
    ]


def test_it_reads_tires_and_battery_and_is_told_what_no_tesla_has(
    smartcar: Any, connected: Any, dieter: Any, simulator: Any
) -> None:
    (car,) = connected(dieter)
    assert car.tire_pressure().front_left == 290.0
    assert car.battery_capacity().capacity == 74.0
    assert car.nominal_capacity().capacity == {"nominal": 74.0, "source": "SMARTCAR"}
    refused = {
        car.fuel: "VEHICLE_NOT_CAPABLE",
        car.engine_oil: "VEHICLE_NOT_CAPABLE",
        car.service_history: "SMARTCAR_NOT_CAPABLE",
        car.diagnostic_system_status: "SMARTCAR_NOT_CAPABLE",
        car.diagnostic_trouble_codes: "SMARTCAR_NOT_CAPABLE",
    }
    for ask, code in refused.items():
        with pytest.raises(smartcar.SmartcarException) as raised:
            ask()
        assert (raised.value.status_code, raised.value.type, raised.value.code) == (
            501,
            "COMPATIBILITY",
            code,
        )


def test_it_reaches_the_tesla_controls_through_a_plain_request(
    connected: Any, dieter: Any, simulator: Any
) -> None:
    (car,) = connected(dieter)
    bearer = {"Authorization": f"Bearer {car.access_token}"}
    for path, body, answer in (
        ("tesla/charge/ammeter", {"amperage": 48}, "Successfully sent the following amperage: 16"),
        ("tesla/security/frunk", {"action": "OPEN"}, "Successfully sent request to vehicle"),
        ("tesla/pin", {"pin": "1234"}, "Successfully sent request to vehicle"),
    ):
        assert car.request("POST", path, body, bearer).body["message"] == answer
    assert car.request("DELETE", "tesla/pin", {}, bearer).body["status"] == "success"
    assert car.request("GET", "tesla/compass", {}, bearer).body["direction"]
