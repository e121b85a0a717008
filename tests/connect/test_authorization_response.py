"""The ways out without a code: each has a page, a way back, and the right error for the application."""

from __future__ import annotations

from typing import Any

import pytest

from connect.authorize import authorization_response
from connect.models import ConnectSession, Step
from tests.connect.conftest import Journey, answer_of, query_of
from tests.factories import VehicleFactory
from vehicles.api.v2.not_offered import NOT_OFFERED
from vehicles.models import Vehicle, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer


def test_declining_here_tells_the_application(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    assert 'name="reason" value="access_denied"' in journey.look()

    back = journey.post("leave", reason="access_denied")

    assert answer_of(back) == {
        "error": "access_denied",
        "error_description": "User denied access to application.",
        "state": "a state",
    }
    assert not VehicleGrant.objects.exists()
    assert (journey.run.step, journey.run.exit_reason) == (Step.ENDED, "access_denied")


def test_declining_at_tesla_shows_a_page_that_leads_back_or_to_tesla_again(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize()
    address = journey.to_tesla()

    page = journey.return_from_tesla(
        journey.tesla.deny(journey.tesla.log_in(address, bernd.email))
    ).content.decode()

    assert "You did not allow access at Tesla" in page and 'value="access_denied"' in page
    assert "/oauth2/v3/authorize" in journey.post("sign-in").headers["Location"]


def test_an_account_without_cars_is_told_so(
    journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer
) -> None:
    simulator.world.accounts[bernd.email].access.clear()
    journey.authorize()
    journey.sign_in(bernd.email)
    page = journey.look()

    assert "This Tesla account has no car" in page and 'value="no_vehicles"' in page
    assert answer_of(journey.post("leave", reason="no_vehicles"))["error"] == "no_vehicles"


def test_another_account_is_asked_for_at_tesla(
    journey: Journey, bernd: ScenarioPerson, anna: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)

    again = journey.post("another-account").headers["Location"]
    assert "prompt=login" in again
    journey.return_from_tesla(journey.tesla.connect(again, anna.email))

    assert "Kombi" in journey.look()


def test_a_make_that_is_no_tesla_ends_on_a_page_with_the_way_back(journey: Journey) -> None:
    journey.authorize(make="CHEVROLET")
    page = journey.look()
    assert "Only Teslas can be connected here" in page
    assert "Location" not in journey.post("sign-in").headers

    answer = answer_of(journey.post("leave", reason="vehicle_incompatible"))

    assert answer["error"] == "vehicle_incompatible"
    assert not {"make", "vin", "model", "year"} & set(answer)


def test_a_named_car_that_is_not_in_the_account_is_said(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize(single_select="true", single_select_vin="5YJ3E7EA0KF999999")
    journey.return_from_tesla(journey.tesla.connect(journey.post("begin").headers["Location"], bernd.email))
    page = journey.look()

    assert "The car that was asked for is not in this account" in page
    assert 'value="vehicle_incompatible"' in page


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/oauth2/v3/token", "Your sign-in could not be completed"),
        ("/api/1/vehicles", "Tesla is not answering"),
    ],
)
def test_when_tesla_fails_the_page_says_so_and_trying_again_works(
    journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer, path: str, text: str
) -> None:
    simulator.world.faults.add({"match": {"path": path}, "status": 503})
    journey.authorize()
    answer = journey.sign_in(bernd.email)
    answer = answer if answer.status_code != 302 else journey.client.get(journey.page)

    assert answer.status_code == 502 and text in answer.content.decode()
    simulator.world.faults.clear()
    if journey.run.step == Step.TESLA:
        journey.return_from_tesla(journey.tesla.open(journey.post("sign-in").headers["Location"]))
    assert "approval-button" in journey.look()


def test_a_reason_that_nobody_offered_leads_nowhere(journey: Journey) -> None:
    journey.authorize()

    assert journey.post("leave", reason="anything").headers["Location"] == journey.page
    assert journey.run.ended_at is None


def test_an_ended_run_cannot_go_on(journey: Journey) -> None:
    journey.authorize()
    journey.post("leave", reason="access_denied")

    assert "This is already finished" in journey.look()
    assert journey.post("sign-in").headers["Location"] == journey.page
    assert journey.post("leave", reason="server_error").headers["Location"] == journey.page


@pytest.mark.parametrize("error", authorization_response.DESCRIPTIONS)
def test_every_error_is_added_to_an_address_that_has_a_query_of_its_own(db: None, error: str) -> None:
    session = ConnectSession(redirect_uri="https://example.com/auth?app_origin=x", state="s")

    assert authorization_response.error_url(session, error).startswith(
        f"https://example.com/auth?app_origin=x&error={error}&"
    )


@pytest.mark.parametrize("tells", [False, True])
def test_the_application_hears_which_car_it_was_only_where_the_owner_agrees(
    journey: Journey, bernd: ScenarioPerson, tells: bool
) -> None:
    journey.authorize(single_select="true", single_select_vin="5YJ3E7EA0KF999999")
    journey.return_from_tesla(journey.tesla.connect(journey.post("begin").headers["Location"], bernd.email))
    page = journey.look()
    assert "May Charge Planner know which car you have?" in page
    car = Vehicle.objects.get()
    assert f'name="tell" value="{car.pk}"' in page and f'value="{car.pk}" checked' not in page

    answer = answer_of(
        journey.post("leave", reason="vehicle_incompatible", tell=str(car.pk) if tells else "")
    )

    told = {"make": "TESLA", "vin": car.vin, "model": "Model S", "year": str(car.year)}
    assert answer["error"] == "vehicle_incompatible" and answer["state"] == "a state"
    assert {name: answer[name] for name in told if name in answer} == (told if tells else {})


def test_a_car_is_told_with_no_other_error_and_nobody_elses_car_ever(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    foreign = VehicleFactory()
    journey.authorize(single_select="true", single_select_vin="5YJ3E7EA0KF999999")
    journey.return_from_tesla(journey.tesla.connect(journey.post("begin").headers["Location"], bernd.email))
    journey.look()

    assert "vin" not in answer_of(journey.post("leave", reason="vehicle_incompatible", tell=str(foreign.pk)))
    journey.authorize(state="second")
    journey.sign_in(bernd.email)
    own = Vehicle.objects.exclude(pk=foreign.pk).get()
    assert "vin" not in answer_of(journey.post("leave", reason="access_denied", tell=str(own.pk)))


@pytest.mark.parametrize("permission", ["read_fuel", "read_engine_oil"])
def test_what_no_tesla_can_do_ends_before_anybody_signs_in(journey: Journey, permission: str) -> None:
    journey.authorize(scope=f"required:{permission} read_odometer")

    assert "No Tesla can do what this application needs" in journey.look()
    assert "Location" not in journey.post("sign-in").headers
    assert answer_of(journey.post("leave", reason="vehicle_incompatible"))["error"] == "vehicle_incompatible"


def test_what_no_tesla_can_do_stops_nobody_where_it_is_not_required(journey: Journey) -> None:
    journey.authorize(scope="read_fuel read_odometer")

    assert "continue-button" in journey.look()


def test_permissions_that_are_never_served_are_those_that_the_api_cannot_answer() -> None:
    unserved = {permission.name for permission in PERMISSIONS.values() if not permission.served}

    assert unserved == {permission for permission, _error in NOT_OFFERED.values()}


@pytest.mark.parametrize(
    ("error", "text", "heard"),
    [
        ("access_denied", "You did not allow access at Tesla", "access_denied"),
        ("login_cancelled", "You are not signed in at Tesla", "oem_cancelled_login"),
        ("", "You are not signed in at Tesla", "oem_cancelled_login"),
        ("server_error", "Tesla is not answering", "server_error"),
        ("temporarily_unavailable", "Tesla is not answering", "server_error"),
        ("invalid_scope", "Tesla does not let this portal in", "configuration_error"),
        ("unauthorized_client", "Tesla does not let this portal in", "configuration_error"),
    ],
)
def test_each_way_that_tesla_sends_a_person_back_without_a_code_has_its_page_and_its_error(
    journey: Journey, error: str, text: str, heard: str
) -> None:
    journey.authorize(state="ä/b=")
    state = query_of(journey.to_tesla())["state"][0]

    page = journey.client.get("/connect/tesla/callback", {"state": state, "error": error}).content.decode()

    assert text in page and f'name="reason" value="{heard}"' in page
    answer = answer_of(journey.post("leave", reason=heard))
    assert (answer["error"], answer["state"]) == (heard, "ä/b=")
    assert ("status_code" in answer, "error_message" in answer) == ((heard == "configuration_error",) * 2)


def test_a_portal_that_tesla_does_not_know_is_a_configuration_error(
    journey: Journey, bernd: ScenarioPerson, settings: Any
) -> None:
    journey.authorize()
    address = journey.tesla.connect(journey.to_tesla(), bernd.email)
    settings.TESLA_CLIENT_SECRET = "wrong"

    page = journey.return_from_tesla(address).content.decode()

    assert "Tesla does not let this portal in" in page
    answer = answer_of(journey.post("leave", reason="configuration_error"))
    assert answer["status_code"] == "500" and "operator" in answer["error_message"]


def test_a_fault_of_ours_is_a_page_with_a_way_back_and_no_details(journey: Journey) -> None:
    journey.authorize()
    journey.post("begin")
    # A run from before an upgrade that took a permission away, which nothing provides for.
    ConnectSession.objects.update(requested=["read_minds"], step="preamble")

    answer = journey.client.get(journey.page)

    page = answer.content.decode()
    assert answer.status_code == 500 and "Something went wrong here" in page and "read_minds" not in page
    assert answer_of(journey.post("leave", reason="server_error"))["error"] == "server_error"


@pytest.mark.parametrize("error", authorization_response.DESCRIPTIONS)
def test_every_error_brings_the_state_back_byte_for_byte(journey: Journey, error: str) -> None:
    journey.authorize(state='{"a": "+/= ä&"}')

    back = journey.post("leave", reason=error)

    assert answer_of(back)["state"] == '{"a": "+/= ä&"}'
    assert answer_of(back)["error"] == error and answer_of(back)["error_description"]


@pytest.mark.parametrize(
    ("registered", "expected"),
    [
        ("https://example.com/auth", "https://example.com/auth?error="),
        ("https://example.com/auth?", "https://example.com/auth?error="),
        ("https://example.com/auth?a=b", "https://example.com/auth?a=b&error="),
        ("https://example.com/auth?a=b&", "https://example.com/auth?a=b&error="),
        ("https://example.com/auth?a", "https://example.com/auth?a&error="),
        ("scabc://x", "scabc://x?error="),
    ],
)
def test_the_answer_is_joined_to_whatever_the_address_ends_with(registered: str, expected: str) -> None:
    session = ConnectSession(redirect_uri=registered, state="s")
    assert authorization_response.error_url(session, authorization_response.ACCESS_DENIED).startswith(
        expected
    )
