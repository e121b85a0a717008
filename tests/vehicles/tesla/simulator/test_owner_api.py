"""The legacy API: its own client, tokens and limits on the same paths."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode

import pytest

from tests.vehicles.tesla.simulator.visitors import Application, Browser, Control, claims, error
from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.login.tokens import starting_refresh_token
from vehicles.tesla.simulator.samples.scenarios import DEFAULT, EMMAS_MODEL_3, EMMAS_MODEL_S
from vehicles.tesla.simulator.server import SimulatorServer

EMMA = next(person for person in DEFAULT if person.uses_legacy_api)
VERIFIER = "p" * 64


@pytest.fixture
def owner_api(tesla: SimulatorServer) -> Application:
    return Application(tesla, tesla.world.clients[paths.OWNER_API_CLIENT_ID])


def login_path(**changes: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": "ownerapi",
        "redirect_uri": "tesla://auth/callback",
        "scope": " ".join(scopes.OWNER_API_SCOPES),
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{paths.AUTHORIZE}?{urlencode(query | changes)}"


@pytest.fixture
def emma(owner_api: Application, browser: Browser) -> Application:
    back = browser.sign_in(browser.get(login_path()), EMMA.email)
    assert back.location.startswith("tesla://auth/callback?")
    fields = {
        "grant_type": "authorization_code",
        "client_id": "ownerapi",
        "code": back.callback["code"],
        "redirect_uri": "tesla://auth/callback",
        "code_verifier": VERIFIER,
    }
    owner_api.tokens = owner_api.token_call(fields).json()
    return owner_api


def test_legacy_tokens_look_like_legacy_tokens(emma: Application) -> None:
    said = claims(emma.tokens["access_token"])
    assert (said["iss"], said["azp"]) == ("https://auth.tesla.com/oauth2/v3", "ownerapi")
    assert "https://owner-api.teslamotors.com/" in said["aud"]
    assert said["scp"] == list(scopes.OWNER_API_SCOPES)
    assert emma.tokens["refresh_token"].startswith("eyJ")
    assert emma.refresh().status == 200


def test_a_legacy_login_needs_a_challenge(browser: Browser) -> None:
    back = browser.get(login_path(code_challenge="", code_challenge_method=""))
    assert back.callback["error"] == "invalid_request"


def test_emma_is_connected_from_the_beginning(owner_api: Application) -> None:
    token = starting_refresh_token(EMMA.sub, EMMA.region, uses_legacy_api=True)
    assert owner_api.refresh(token).status == 200
    assert owner_api.call("GET", paths.PRODUCTS).status == 200


def test_the_list_is_closed_and_products_take_its_place(emma: Application) -> None:
    status, text = error(emma.call("GET", paths.VEHICLES))
    assert status == 412 and text.startswith("Endpoint is only available on fleetapi")
    listed = emma.call("GET", paths.PRODUCTS).json()["response"]
    assert {car["vin"] for car in listed} == {EMMAS_MODEL_S, EMMAS_MODEL_3}


def test_data_and_commands_work_by_id_where_no_signing_is_needed(emma: Application) -> None:
    ids = {car["vin"]: car["id_s"] for car in emma.call("GET", paths.PRODUCTS).json()["response"]}
    data = emma.call("GET", paths.VEHICLE_DATA.format(vin=ids[EMMAS_MODEL_3])).json()["response"]
    assert data["charge_state"]["battery_level"] > 0
    assert emma.command(ids[EMMAS_MODEL_S], "door_lock").json()["response"]["result"] is True
    status, text = error(emma.command(ids[EMMAS_MODEL_3], "door_lock"))
    assert status == 403 and text.startswith("Tesla Vehicle Command Protocol required")


def test_what_only_the_fleet_api_has_is_refused(emma: Application) -> None:
    assert emma.call("POST", paths.FLEET_STATUS, {"vins": [EMMAS_MODEL_3]}).status == 412


def test_a_closed_legacy_api_forbids_everything_and_only_that(
    emma: Application, application: Application, control: Control
) -> None:
    control("PATCH", "/provider", {"legacy_open": False})
    for path in (paths.PRODUCTS, paths.VEHICLES, paths.VEHICLE.format(vin=EMMAS_MODEL_S)):
        assert error(emma.call("GET", path)) == (
            403,
            "forbidden, see https://developer.tesla.com/docs/fleet-api",
        )
    assert emma.command(EMMAS_MODEL_S, "door_lock").status == 403
    assert application.connect(EMMA.email).call("GET", paths.VEHICLES).status == 200


def test_one_account_uses_both_apis_side_by_side(emma: Application, application: Application) -> None:
    application.connect(EMMA.email)
    assert application.call("GET", paths.VEHICLES).status == 200
    assert emma.call("GET", paths.PRODUCTS).status == 200
    assert emma.refresh().status == 200 and application.refresh().status == 200


def test_the_legacy_client_does_not_show_among_third_party_apps(emma: Application, browser: Browser) -> None:
    page = browser.get(paths.THIRD_PARTY_APPS)
    assert "No application has access" in page.text
