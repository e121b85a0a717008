"""Simulated runs take any login, and the documented addresses lead to the errors that they name."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.connect.conftest import Journey, answer_of
from tests.factories import AccessTokenFactory, VehicleFactory, VehicleGrantFactory, bearer
from vehicles import simulated_errors
from vehicles.errors import CATALOGUE
from vehicles.models import TeslaAccount, Vehicle, VehicleGrant
from vehicles.tesla.error_cars import vin_of
from vehicles.tesla.simulator.samples import made_people

DOCUMENTED = list(CATALOGUE)
IN_MOTION = "VEHICLE_STATE:IN_MOTION"


def call(grant: VehicleGrant, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    token = AccessTokenFactory(application=grant.connection.application, user=grant.account.person)
    url, headers = f"/v2.0/vehicles/{grant.connection.public_id}/{path}", bearer(token)
    client = Client()
    if body is None:
        answer = client.get(url, headers=headers)
    else:
        answer = client.post(url, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def grant_of(error: str, mode: str = "simulated") -> VehicleGrant:
    every = ["read_vehicle_info", "read_vin", "read_battery", "read_fuel", "control_security"]
    made: VehicleGrant = VehicleGrantFactory(
        vehicle=VehicleFactory(vin=vin_of(error), mode=mode, key="not_required"),
        account__mode=mode,
        mode=mode,
        requested=every,
        approved=every,
    )
    return made


def test_every_documented_error_has_a_car_of_its_own() -> None:
    vins = {vin_of(name) for name in (*DOCUMENTED, "invalid_subscription", "vehicle_incompatible")}
    assert len(vins) == len(DOCUMENTED) + 2
    assert {"VEHICLE_STATE:LOW_BATTERY", "CONNECTED_SERVICES_ACCOUNT:ACCOUNT_ISSUE"} <= set(DOCUMENTED)


@pytest.mark.parametrize("error", DOCUMENTED)
def test_every_call_to_such_a_car_answers_with_its_error(db: None, error: str) -> None:
    grant, spec = grant_of(error), CATALOGUE[error]
    status, body = call(grant, "")
    assert (status, body["type"], body["code"]) == (spec.status, spec.type, spec.code)


@pytest.mark.parametrize("error", DOCUMENTED)
def test_the_login_of_every_error_leads_to_its_car(error: str) -> None:
    for address in (
        simulated_errors.login_of(CATALOGUE[error]),
        simulated_errors.login_of(CATALOGUE[error]).lower(),
    ):
        person = made_people.person(address, without_keys=False)
        assert person and [car.vin for car in person.vehicles] == [vin_of(error)]


def test_an_error_carries_what_belongs_to_it(db: None) -> None:
    assert call(grant_of("SERVER:MULTIPLE_RECORDS_FOUND"), "battery")[1]["detail"][0]["capacities"]
    assert call(grant_of("VALIDATION"), "battery")[1]["detail"][0]["field"] == "limit"
    assert "/oauth/authorize?" in call(grant_of("PERMISSION"), "battery")[1]["resolution"]["url"]
    key = call(grant_of("CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"), "battery")[1]["resolution"]
    assert key["type"] == "ACTION_REQUIRED" and key["url"]


@pytest.mark.parametrize("path", ["", "vin", "battery", "fuel"])
def test_readings_of_all_kinds_do(db: None, path: str) -> None:
    assert call(grant_of(IN_MOTION), path)[1]["code"] == "IN_MOTION"


def test_commands_do_and_what_is_stored_is_told_all_the_same(db: None) -> None:
    grant = grant_of(IN_MOTION)
    assert call(grant, "security", {"action": "LOCK"})[1]["code"] == "IN_MOTION"
    assert call(grant, "permissions")[0] == 200


def test_what_the_person_did_not_allow_is_told_first(db: None) -> None:
    assert call(grant_of(IN_MOTION), "odometer")[1]["type"] == "PERMISSION"


def test_a_real_car_with_such_a_number_is_a_car_like_any_other(db: None) -> None:
    assert call(grant_of(IN_MOTION, "live"), "")[0] == 200


# Through Connect ----------------------------------------------------------------------------------------------------


def signed_in(journey: Journey, email: str, mode: str = "simulated") -> Journey:
    journey.authorize(mode=mode)
    address = journey.to_tesla()
    consent = journey.tesla.log_in(address, email)
    shown = journey.tesla.open(consent)
    everything = ["vehicle_device_data", "vehicle_cmds", "user_data", "vehicle_location"]
    journey.return_from_tesla(shown if shown.startswith("http") else journey.tesla.allow(consent, everything))
    return journey


@pytest.mark.parametrize("mode", ["simulated", "test"])
def test_an_error_login_connects_a_car_that_answers_with_the_error(journey: Journey, mode: str) -> None:
    signed_in(journey, "Vehicle_State.In_Motion@smartcar.com", mode)
    assert "code" in answer_of(journey.approve())
    assert call(VehicleGrant.objects.get(), "odometer")[1]["code"] == "IN_MOTION"


def test_a_new_person_has_the_whole_journey_and_signs_in_again_at_their_own_page(journey: Journey) -> None:
    signed_in(journey, "somebody@anywhere.example")
    assert journey.approve().headers["Location"] == journey.page
    assert "needs the key" in journey.look() or "skip-button" in journey.look()
    assert Vehicle.objects.count() == 2

    address = journey.client.post("/connect/account/sign-in", {"mode": "simulated"}).headers["Location"]
    journey.return_from_tesla(journey.tesla.open(journey.tesla.log_in(address, "Somebody@Anywhere.example")))
    assert "Charge Planner" in journey.client.get("/connect/account").content.decode()


@pytest.mark.parametrize("mode", ["live", "simulated", "test"])
def test_a_sample_person_keeps_the_password_and_nobody_new_is_live(journey: Journey, mode: str) -> None:
    journey.authorize(mode=mode)
    address = journey.to_tesla()
    wrong = journey.tesla._send(address, [("username", "bernd@owners.example"), ("password", "wrong")])
    assert 'id="sign-in-problem"' in wrong
    if mode == "live":
        assert 'id="sign-in-problem"' in journey.tesla.log_in(address, "somebody@anywhere.example")
    assert not TeslaAccount.objects.exists()


@pytest.mark.parametrize("error", ["invalid_subscription", "vehicle_incompatible"])
def test_the_logins_for_connects_own_errors(journey: Journey, error: str) -> None:
    signed_in(journey, f"smartcar@{error.replace('_', '-')}.com")
    page = journey.look()
    assert "ends here on purpose" in page and f'value="{error}"' in page
    assert answer_of(journey.post("leave", reason=error))["error"] == error
    assert not VehicleGrant.objects.exists()


def test_an_account_without_cars(journey: Journey) -> None:
    signed_in(journey, "0-vehicles@anywhere.example")
    assert "has no car" in journey.look()
