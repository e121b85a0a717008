"""The ways out without a code: each has a page, a way back, and the right error for the application."""

from __future__ import annotations

import pytest

from connect import exits
from connect.models import ConnectSession, Step
from tests.connect.conftest import Journey, answer_of
from vehicles.models import VehicleGrant
from vehicles.tesla.simulator.scenarios import ScenarioPerson
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

    assert (answer["error"], answer["make"]) == ("vehicle_incompatible", "CHEVROLET")


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


@pytest.mark.parametrize("error", exits.DESCRIPTIONS)
def test_every_error_is_added_to_an_address_that_has_a_query_of_its_own(db: None, error: str) -> None:
    session = ConnectSession(redirect_uri="https://example.com/auth?app_origin=x", state="s")

    assert exits.error_url(session, error).startswith(f"https://example.com/auth?app_origin=x&error={error}&")
