"""The control API: what it shows, what it changes, and how it refuses."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.vehicles.tesla.simulator.conftest import operators_pem
from tests.vehicles.tesla.simulator.visitors import Application, Control
from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.control.api import calls, loopback_and_json_errors
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, BERNDS_MODEL_S, DIETERS_MODEL_3
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.simulator.state import WORLD

ANNA = "anna@owners.example"
CAR, ACCOUNT = f"/vehicles/{ANNAS_MODEL_3}", f"/accounts/{ANNA}"


def test_a_car_can_be_looked_at_and_changed(control: Control) -> None:
    change = {
        "state": "asleep",
        "firmware": "2030.1",
        "protocol_required": False,
        "in_service": True,
        "locked": False,
        "key_slots_used": 20,
        "battery_level": 12,
        "climate_state": {"inside_temp": 40.0},
    }
    shown = control("PATCH", CAR, change)
    assert shown == control("GET", CAR)
    plain = {"state", "firmware", "protocol_required", "in_service", "locked", "key_slots_used"}
    assert {name: shown[name] for name in plain} == {name: change[name] for name in plain}
    assert shown["sections"]["charge_state"]["battery_level"] == 12
    assert shown["sections"]["climate_state"]["inside_temp"] == 40.0
    assert shown["sections"]["climate_state"]["driver_temp_setting"] == 21.0


@pytest.mark.parametrize(
    "change",
    [{"state": "flying"}, {"wings": 2}, {"in_service": 1}, {"key_slots_used": True}, {"charge_state": 1}],
)
def test_a_change_that_makes_no_sense_changes_nothing(control: Control, change: dict[str, Any]) -> None:
    before = control("GET", CAR)
    answer = control.ask("PATCH", CAR, {"firmware": "2030.1"} | change)
    assert (answer.status, "error" in answer.json()) == (400, True)
    assert control("GET", CAR) == before


def test_keys_are_put_on_and_taken_off_one_by_one(control: Control) -> None:
    used = control("GET", CAR)["key_slots_used"]
    assert control("POST", f"{CAR}/keys", {"public_key_pem": operators_pem()})["keys"] == [operators_pem()]
    shown = control("POST", f"{CAR}/keys", {"public_key_pem": operators_pem(7), "role": 2})
    assert shown["key_slots_used"] == used + 2
    shown = control("DELETE", f"{CAR}/keys", {"public_key_pem": operators_pem()})
    assert (shown["keys"], shown["key_slots_used"]) == ([operators_pem(7)], used + 1)
    assert control("DELETE", f"{CAR}/keys")["keys"] == []


def test_the_operators_key_is_whatever_it_is_now(application: Application, control: Control) -> None:
    application.connect(ANNA)
    control("POST", f"{CAR}/keys", {"public_key_pem": "operator"})
    assert application.paired(ANNAS_MODEL_3) == [ANNAS_MODEL_3]
    control("DELETE", f"{CAR}/keys", {"public_key_pem": "operator"})
    assert application.paired(ANNAS_MODEL_3) == []
    assert control("GET", f"/vehicles/{DIETERS_MODEL_3}")["keys"] == ["operator"]


def test_a_key_given_by_its_pem_is_recognised_as_the_operators(
    application: Application, control: Control
) -> None:
    application.connect(ANNA)
    control("POST", f"{CAR}/keys", {"public_key_pem": operators_pem()})
    assert application.paired(ANNAS_MODEL_3) == [ANNAS_MODEL_3]


@pytest.mark.parametrize(
    "body", [{"public_key_pem": "nonsense"}, {}, {"public_key_pem": "operator", "role": 99}]
)
def test_what_is_no_key_is_refused(control: Control, body: dict[str, Any]) -> None:
    assert control.ask("POST", f"{CAR}/keys", body).status == 400


def test_an_account_shows_its_cars_and_consents_with_a_working_token(
    application: Application, control: Control
) -> None:
    shown = control("GET", ACCOUNT)
    assert [car["access_type"] for car in shown["vehicles"]] == ["OWNER", "OWNER"]
    assert (shown["consents"], shown["access_token"], shown["app_account"]) == ({}, None, ANNA)
    consent = {application.client.client_id: {"scopes": [*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA]}}
    token = control("PATCH", ACCOUNT, {"consents": consent})["access_token"]
    assert application.call("GET", paths.VEHICLES, token=token).status == 200


def test_cars_are_given_and_taken(application: Application, control: Control) -> None:
    application.connect(ANNA)
    cars = [{"vin": BERNDS_MODEL_S, "access_type": "DRIVER"}]
    assert control("PATCH", ACCOUNT, {"vehicles": cars})["vehicles"] == cars
    listed = application.call("GET", paths.VEHICLES).json()["response"]
    assert [(car["vin"], car["access_type"]) for car in listed] == [(BERNDS_MODEL_S, "DRIVER")]
    assert control("GET", CAR)["people"] == {"clara@owners.example": "DRIVER"}


def test_phone_app_and_mobile_access_are_set(control: Control) -> None:
    change = {"phone_key_vins": [ANNAS_MODEL_3], "app_account": "else@owners.example", "mobile_access": False}
    shown = control("PATCH", ACCOUNT, change)
    assert {name: shown[name] for name in change} == change
    assert control("GET", CAR)["mobile_access"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"vehicles": [{"vin": "X", "access_type": "OWNER"}]},
        {"vehicles": [{"vin": BERNDS_MODEL_S}]},
        {"consents": {"unknown": {"scopes": []}}},
        {"password": ""},
        {"e-mail": "x"},
    ],
)
def test_a_wrong_change_of_an_account_changes_nothing(control: Control, change: dict[str, Any]) -> None:
    before = control("GET", ACCOUNT)
    assert control.ask("PATCH", ACCOUNT, {"app_account": "else@owners.example"} | change).status == 400
    assert control("GET", ACCOUNT)["app_account"] == before["app_account"]


def test_a_consent_can_be_removed_once(application: Application, control: Control) -> None:
    application.connect(ANNA)
    path = f"{ACCOUNT}/consents/{application.client.client_id}"
    assert control.ask("DELETE", path).status == 200
    assert control.ask("DELETE", path).status == 404


def test_every_call_is_recorded_with_car_and_account(application: Application, control: Control) -> None:
    application.connect(ANNA)
    before = control("GET", "/calls")[-1]
    assert (before["method"], before["path"], before["email"], before["status"]) == (
        "POST",
        paths.TOKEN,
        ANNA,
        200,
    )
    identifier = application.call("GET", paths.VEHICLES).json()["response"][0]["id_s"]
    application.call("GET", paths.VEHICLE.format(vin=identifier))
    application.command(ANNAS_MODEL_3, "door_lock")
    application.call("POST", paths.FLEET_STATUS, {"vins": [ANNAS_MODEL_3]})
    application.refresh("unknown")
    told = control("GET", f"/calls?since={before['n']}")
    assert [(row["path"].rpartition("/")[2], row["vin"], row["email"], row["status"]) for row in told] == [
        ("vehicles", "", ANNA, 200),
        (identifier, ANNAS_MODEL_3, ANNA, 200),
        ("door_lock", ANNAS_MODEL_3, ANNA, 403),
        ("fleet_status", ANNAS_MODEL_3, ANNA, 200),
        ("token", "", "", 401),
    ]
    assert [row["n"] for row in told] == list(range(before["n"] + 1, before["n"] + 6))


def test_reset_starts_over_and_ends_every_token(application: Application, control: Control) -> None:
    application.connect(ANNA)
    control("PATCH", CAR, {"locked": False})
    control("POST", "/clock", {"advance_seconds": 10_000})
    control("POST", "/reset", {"scenario": "default", "vehicles": 10})
    assert control("GET", CAR)["locked"] is True
    assert application.call("GET", paths.VEHICLES).status == 401
    assert control("GET", "/accounts/owner-00000000@sample.example")["vehicles"]
    control("POST", "/reset", {"scenario": "empty"})
    assert control.ask("GET", CAR).status == 404
    assert control.ask("GET", "/accounts/owner-00000000@sample.example").status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/reset", {"scenario": "unknown"}, 400),
        ("POST", "/reset", {"vehicles": -1}, 400),
        ("POST", "/reset", ["list"], 400),
        ("POST", "/clock", {"advance_seconds": "much"}, 400),
        ("PATCH", "/provider", {"legacy_open": "no"}, 400),
        ("PATCH", "/provider", {"mass_revocation_fault": 2}, 400),
        ("PATCH", "/provider", {"revoked_status": 500}, 400),
        ("PATCH", "/provider", {"unheard_of": 1}, 400),
        ("GET", "/calls?since=x", None, 400),
        ("GET", "/vehicles/UNKNOWN", None, 404),
        ("GET", "/accounts/unknown", None, 404),
        ("GET", "/unknown", None, 404),
        ("PUT", "/provider", {}, 405),
    ],
)
def test_mistakes_are_answered_as_json(
    control: Control, method: str, path: str, body: Any, status: int
) -> None:
    answer = control.ask(method, path, body)
    assert (answer.status, list(answer.json())) == (status, ["error"])


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.1", 200), ("::1", 200), ("192.0.2.1", 403), ("10.0.0.1", 403)]
)
def test_only_this_machine_is_let_in(tesla: SimulatorServer, peer: str, status: int) -> None:
    app = web.Application()
    app[WORLD] = tesla.world
    request = make_mocked_request("GET", "/_sim/calls", app=app).clone(remote=peer)
    answer = asyncio.run(loopback_and_json_errors(request, calls))
    assert answer.status == status


def test_a_mass_revocation_hits_a_share_of_accounts_always_the_same(
    application: Application, control: Control
) -> None:
    control("POST", "/reset", {"scenario": "empty", "vehicles": 400})

    def hit() -> set[int]:
        found = set()
        for index in range(60):
            email = f"owner-{index:08d}@sample.example"
            token = control("GET", f"/accounts/{email}")["access_token"]
            if token and application.call("GET", paths.PRODUCTS, token=token).status == 401:
                found.add(index)
        return found

    assert hit() == set()
    control("PATCH", "/provider", {"mass_revocation_fault": 0.5})
    half = hit()
    assert 10 < len(half) < 50 and hit() == half
    control("PATCH", "/provider", {"mass_revocation_fault": 0})
    assert hit() == set()


def test_a_mass_revocation_answers_refreshes_with_login_required_and_passes(
    application: Application, control: Control
) -> None:
    application.connect(ANNA)
    control("PATCH", "/provider", {"mass_revocation_fault": 1})
    assert application.refresh().json()["error"] == "login_required"
    control("PATCH", "/provider", {"mass_revocation_fault": 0})
    assert application.refresh().status == 200


def test_while_it_starts_it_denies_nobody_what_it_has_not_been_told_yet(simulator: SimulatorServer) -> None:
    def answer_to(path: str, **form: str) -> int:
        body = urlencode(form) if form else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        method = "POST" if form else "GET"
        return urllib3.request(method, simulator.url + path, body=body, headers=headers).status

    refresh = {"grant_type": "refresh_token", "client_id": "nobody", "refresh_token": "unknown"}
    simulator.world.provider.is_starting = True
    assert (answer_to("/api/1/vehicles"), answer_to(paths.TOKEN, **refresh)) == (503, 503)
    assert answer_to(paths.TOKEN, **{**refresh, "grant_type": "authorization_code"}) == 400
    answer = urllib3.request("PATCH", f"{simulator.url}/_sim/provider", json={"is_starting": False})
    assert answer.json()["is_starting"] is False
    assert (answer_to("/api/1/vehicles"), answer_to(paths.TOKEN, **refresh)) == (401, 400)
