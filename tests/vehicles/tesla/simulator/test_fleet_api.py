"""Endpoints about users and cars, and every reason for which they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from tests.vehicles.tesla.simulator.visitors import Application, Control, error
from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.car.vehicle_numbers import is_valid
from vehicles.tesla.simulator.samples.scenarios import (
    ANNAS_MODEL_3,
    ANNAS_MODEL_Y,
    BERNDS_MODEL_S,
    DIETERS_MODEL_3,
    EMMAS_MODEL_3,
    SCENARIOS,
)

ANNA, BERND, CLARA = "anna@owners.example", "bernd@owners.example", "clara@owners.example"
EU_HOST, NA_HOST = "fleet-api.prd.eu.vn.cloud.tesla.com", "fleet-api.prd.na.vn.cloud.tesla.com"


@pytest.fixture
def anna(application: Application) -> Application:
    return application.connect(ANNA)


def data(application: Application, vin: str, endpoints: str = "") -> dict[str, Any]:
    query = f"?endpoints={endpoints}" if endpoints else ""
    answer = application.call("GET", paths.VEHICLE_DATA.format(vin=vin) + query)
    assert answer.status == 200, answer.data
    found: dict[str, Any] = answer.json()["response"]
    return found


def test_every_scenario_car_has_a_valid_number() -> None:
    assert all(
        is_valid(car.vin) for people in SCENARIOS.values() for person in people for car in person.vehicles
    )


def test_the_list_shows_each_car_with_the_accounts_relation_to_it(application: Application) -> None:
    listed = application.connect(ANNA).call("GET", paths.VEHICLES).json()
    assert [(car["vin"], car["access_type"]) for car in listed["response"]] == [
        (ANNAS_MODEL_3, "OWNER"),
        (ANNAS_MODEL_Y, "OWNER"),
    ]
    driven = application.connect(CLARA).call("GET", paths.VEHICLES).json()["response"]
    assert [(car["vin"], car["access_type"]) for car in driven] == [(ANNAS_MODEL_3, "DRIVER")]
    assert driven[0]["id_s"] == str(listed["response"][0]["id"])


def test_the_list_comes_in_pages(anna: Application) -> None:
    second = anna.call("GET", f"{paths.VEHICLES}?page=2&per_page=1").json()
    assert [car["vin"] for car in second["response"]] == [ANNAS_MODEL_Y]
    assert second["pagination"] == {
        "previous": 1,
        "next": None,
        "current": 2,
        "per_page": 1,
        "count": 2,
        "pages": 2,
    }
    assert anna.call("GET", f"{paths.VEHICLES}?page=0").status == 400


def test_a_car_is_found_by_vin_and_by_id(anna: Application) -> None:
    by_vin = anna.call("GET", paths.VEHICLE.format(vin=ANNAS_MODEL_Y)).json()["response"]
    by_id = anna.call("GET", paths.VEHICLE.format(vin=by_vin["id_s"])).json()["response"]
    assert by_vin == by_id


def test_products_say_whether_commands_must_be_signed(application: Application) -> None:
    [car] = application.connect(BERND).call("GET", paths.PRODUCTS).json()["response"]
    assert (car["device_type"], car["command_signing"]) == ("vehicle", "off")


def test_the_profile_and_the_region_need_their_scope(application: Application) -> None:
    application.connect(ANNA)
    assert application.call("GET", paths.USER_ME).json()["response"]["email"] == ANNA
    assert application.call("GET", paths.USER_REGION).json()["response"] == {
        "region": "eu",
        "fleet_api_base_url": paths.FLEET_API_HOSTS["eu"],
    }
    application.connect(BERND, scopes.VEHICLE_DEVICE_DATA)
    assert error(application.call("GET", paths.USER_ME)) == (403, "Unauthorized missing scopes")


def test_without_a_query_all_sections_but_the_position_come_back(anna: Application) -> None:
    found = data(anna, ANNAS_MODEL_3)
    assert found["charge_state"]["charge_limit_soc"] == 80
    assert found["vehicle_config"]["car_type"] == "model3"
    assert found["vehicle_state"]["locked"] is True and found["climate_state"]["inside_temp"] > 0
    assert found["drive_state"]["shift_state"] is None and "latitude" not in found["drive_state"]
    assert found["vehicle_state"]["timestamp"] > 10**12


def test_only_the_named_sections_come_back(anna: Application) -> None:
    found = data(anna, ANNAS_MODEL_3, "charge_state%3Bvehicle_state")
    assert {"charge_state", "vehicle_state"} <= set(found) and "climate_state" not in found


def test_the_position_needs_the_query_and_the_scope(application: Application) -> None:
    application.connect(ANNA)
    assert "latitude" in data(application, ANNAS_MODEL_3, "location_data")["drive_state"]
    application.connect(BERND, scopes.VEHICLE_DEVICE_DATA)
    assert "latitude" not in data(application, BERNDS_MODEL_S, "drive_state;location_data")["drive_state"]


def test_a_driver_does_not_see_the_position_of_a_private_car(
    application: Application, control: Control
) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"hide_private": True})
    assert "drive_state" not in data(application.connect(CLARA), ANNAS_MODEL_3, "location_data")
    assert "latitude" in data(application.connect(ANNA), ANNAS_MODEL_3, "location_data")["drive_state"]


def test_nothing_drifts_by_itself(anna: Application, control: Control) -> None:
    before = data(anna, ANNAS_MODEL_3)["charge_state"]
    control("POST", "/clock", {"advance_seconds": 3600})
    after = data(anna, ANNAS_MODEL_3)["charge_state"]
    assert before | {"timestamp": 0} == after | {"timestamp": 0} and before["timestamp"] < after["timestamp"]


@pytest.mark.parametrize("state", ["asleep", "offline"])
def test_a_car_that_is_not_online_gives_no_data_and_is_not_woken(
    anna: Application, control: Control, state: str
) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"state": state})
    answer = anna.call("GET", paths.VEHICLE_DATA.format(vin=ANNAS_MODEL_3))
    assert error(answer) == (408, "vehicle unavailable: vehicle is offline or asleep")
    assert anna.call("GET", paths.VEHICLE.format(vin=ANNAS_MODEL_3)).json()["response"]["state"] == state


def test_a_woken_car_comes_online_when_its_time_has_come(anna: Application, control: Control) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"state": "asleep", "wake_seconds": 20})

    def state() -> str:
        shown = anna.call("GET", paths.VEHICLE.format(vin=ANNAS_MODEL_3)).json()["response"]
        return str(shown["state"])

    woken = anna.call("POST", paths.WAKE_UP.format(vin=ANNAS_MODEL_3))
    assert (woken.json()["response"]["state"], state()) == ("asleep", "asleep")
    control("POST", "/clock", {"advance_seconds": 21})
    assert state() == "online"


def test_by_default_a_woken_car_is_online_at_the_next_look_and_an_offline_one_never(
    anna: Application, control: Control
) -> None:
    for state, afterwards in (("asleep", "online"), ("offline", "offline")):
        control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"state": state})
        anna.call("POST", paths.WAKE_UP.format(vin=ANNAS_MODEL_3))
        shown = anna.call("GET", paths.VEHICLE.format(vin=ANNAS_MODEL_3)).json()["response"]
        assert shown["state"] == afterwards


@pytest.mark.parametrize("body", ["", "{}", "null"])
def test_a_body_that_says_nothing_is_enough_to_wake_a_car(anna: Application, body: str) -> None:
    """Tesla's own client sends `null`."""
    headers = {"Authorization": f"Bearer {anna.tokens['access_token']}", "Content-Type": "application/json"}
    address = anna.tesla.url + paths.WAKE_UP.format(vin=ANNAS_MODEL_3)
    assert anna.http.request("POST", address, body=body, headers=headers).status == 200


def test_mobile_access_off_is_told_and_refused(anna: Application, control: Control) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"mobile_access": False})
    told = anna.call("GET", paths.MOBILE_ENABLED.format(vin=ANNAS_MODEL_3)).json()["response"]
    assert told["result"] is False
    assert anna.call("GET", paths.VEHICLES).json()["response"][0]["mobile_access_disabled"] is True
    answer = anna.call("GET", paths.VEHICLE_DATA.format(vin=ANNAS_MODEL_3))
    assert error(answer) == (401, "mobile_access_disabled")


def test_only_owners_see_the_drivers(application: Application) -> None:
    path = f"{paths.VEHICLE.format(vin=ANNAS_MODEL_3)}/drivers"
    [driver] = application.connect(ANNA).call("GET", path).json()["response"]
    assert (driver["driver_first_name"], driver["driver_last_name"]) == ("Clara", "Conrad")
    assert application.connect(CLARA).call("GET", path).status == 404


def fleet_status(application: Application, *vins: str) -> dict[str, Any]:
    found: dict[str, Any] = application.call("POST", paths.FLEET_STATUS, {"vins": vins}).json()["response"]
    return found


def test_fleet_status_tells_who_has_the_key_and_leaves_out_strangers(application: Application) -> None:
    application.connect("dieter@owners.example")
    told = fleet_status(application, DIETERS_MODEL_3, ANNAS_MODEL_3)
    assert (told["key_paired_vins"], told["unpaired_vins"]) == ([DIETERS_MODEL_3], [])
    info = told["vehicle_info"][DIETERS_MODEL_3]
    assert (info["vehicle_command_protocol_required"], info["total_number_of_keys"]) == (True, 4)
    assert set(told["vehicle_info"]) == {DIETERS_MODEL_3}


def test_a_driver_sees_the_key_as_well(application: Application) -> None:
    told = fleet_status(application.connect(CLARA), ANNAS_MODEL_3)
    assert told["unpaired_vins"] == [ANNAS_MODEL_3]


def test_an_old_model_s_is_unpaired_needs_no_protocol_and_has_no_keys(application: Application) -> None:
    told = fleet_status(application.connect(BERND), BERNDS_MODEL_S)
    info = told["vehicle_info"][BERNDS_MODEL_S]
    assert told["unpaired_vins"] == [BERNDS_MODEL_S]
    assert (info["vehicle_command_protocol_required"], info["total_number_of_keys"]) == (False, None)


def test_fleet_status_wants_a_list(anna: Application) -> None:
    assert anna.call("POST", paths.FLEET_STATUS, {"vins": ANNAS_MODEL_3}).status == 400


def test_no_token_and_nonsense_are_told_apart(anna: Application) -> None:
    bare = anna.call("GET", paths.VEHICLES, token="")
    assert (bare.status, bare.data) == (401, b"")
    assert error(anna.call("GET", paths.VEHICLES, token="nonsense")) == (401, "invalid bearer token")


def test_somebody_who_never_used_the_app_is_unknown(anna: Application, control: Control) -> None:
    control("PATCH", f"/accounts/{ANNA}", {"has_used_app": False})
    assert error(anna.call("GET", paths.VEHICLES)) == (401, "unknown user")


def test_a_strangers_car_and_an_unknown_path_are_not_found(anna: Application) -> None:
    assert error(anna.call("GET", paths.VEHICLE.format(vin=BERNDS_MODEL_S))) == (404, "not_found")
    assert error(anna.call("GET", "/api/1/nothing")) == (404, "not_found")


def test_a_wrong_verb_and_a_missing_content_type_are_refused(anna: Application) -> None:
    wrong_verb = anna.call("POST", paths.VEHICLES)
    assert (wrong_verb.status, wrong_verb.headers["Allow"]) == (405, "GET,HEAD")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = anna.call("POST", paths.FLEET_STATUS, {"vins": []}, **form)
    assert error(answer) == (406, "not a JSON request")


def test_an_account_of_another_region_is_sent_there(anna: Application) -> None:
    answer = anna.call("GET", paths.VEHICLES, Host=NA_HOST)
    status, text = error(answer)
    assert status == 421
    assert text.startswith(f"user out of region, use base URL: https://{EU_HOST}, see ")
    assert answer.headers["Alt-Svc"] == f"h2=https://{EU_HOST}"
    assert anna.call("GET", paths.VEHICLES, Host=EU_HOST).status == 200
    assert anna.call("GET", paths.USER_REGION, Host=NA_HOST).json()["response"]["region"] == "eu"


def test_an_application_that_is_not_registered_in_the_region_is_told(
    anna: Application, control: Control
) -> None:
    control("PATCH", "/provider", {"registered_regions": ["na"]})
    status, text = error(anna.call("GET", paths.VEHICLES))
    assert status == 412 and f"Account {anna.client.client_id} must be registered" in text
    assert anna.call("GET", paths.VEHICLES, Host=NA_HOST).status == 421


@pytest.mark.parametrize(("status", "words"), [(401, "revoked"), (403, "missing scopes")])
def test_a_removed_consent_ends_access_at_once(
    anna: Application, control: Control, status: int, words: str
) -> None:
    control("PATCH", "/provider", {"revoked_status": status})
    control("DELETE", f"/accounts/{ANNA}/consents/{anna.client.client_id}")
    answered, text = error(anna.call("GET", paths.VEHICLES))
    assert answered == status and words in text
    assert anna.refresh().json()["error"] == "login_required"


def test_a_token_of_an_earlier_consent_stays_dead(anna: Application, control: Control) -> None:
    old = anna.tokens["access_token"]
    control("DELETE", f"/accounts/{ANNA}/consents/{anna.client.client_id}")
    control("POST", "/clock", {"advance_seconds": 2})
    anna.connect(ANNA)
    assert anna.call("GET", paths.VEHICLES, token=old).status == 401
    assert anna.call("GET", paths.VEHICLES).status == 200


def test_a_smaller_consent_holds_at_once_and_shows_in_the_next_token(
    anna: Application, control: Control
) -> None:
    smaller = [*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA]
    control("PATCH", f"/accounts/{ANNA}", {"consents": {anna.client.client_id: {"scopes": smaller}}})
    assert error(anna.call("GET", paths.USER_ME)) == (403, "Unauthorized missing scopes")
    assert anna.call("GET", paths.VEHICLES).status == 200
    assert anna.refresh().status == 200


def test_a_wider_consent_needs_a_new_token(application: Application, control: Control) -> None:
    application.connect(ANNA, scopes.VEHICLE_DEVICE_DATA)
    wider = [*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA, scopes.USER_DATA]
    control("PATCH", f"/accounts/{ANNA}", {"consents": {application.client.client_id: {"scopes": wider}}})
    assert application.call("GET", paths.USER_ME).status == 403
    application.refresh()
    assert application.call("GET", paths.USER_ME).status == 200


def test_rate_limits_are_off_until_switched_on_and_count_per_car(anna: Application, control: Control) -> None:
    path = paths.WAKE_UP.format(vin=ANNAS_MODEL_3)
    assert {anna.call("POST", path).status for _ in range(5)} == {200}
    control("PATCH", "/provider", {"rate_limits": True})
    assert [anna.call("POST", path).status for _ in range(4)] == [200, 200, 200, 429]
    answer = anna.call("POST", path)
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 60 and answer.json()["error"] == f"Retry in {seconds} seconds"
    assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]) == ("3", "0")
    assert anna.call("POST", paths.WAKE_UP.format(vin=ANNAS_MODEL_Y)).status == 200
    control("POST", "/clock", {"advance_seconds": 61})
    assert anna.call("POST", path).status == 200


def test_the_token_endpoint_has_a_limit_too(anna: Application, control: Control) -> None:
    control("PATCH", "/provider", {"rate_limits": {"auth": 2}})
    assert [anna.refresh().status for _ in range(3)] == [200, 200, 429]


def test_status_needs_no_token(application: Application) -> None:
    answer = urllib3.request("GET", f"{application.tesla.url}/status")
    assert (answer.status, answer.data) == (200, b"ok")


def test_emmas_cars_are_in_another_region(application: Application) -> None:
    application.connect("emma@owners.example")
    told = fleet_status(application, EMMAS_MODEL_3)
    assert told["unpaired_vins"] == [EMMAS_MODEL_3]
    assert json.loads(application.call("GET", paths.USER_REGION).data)["response"]["region"] == "na"
