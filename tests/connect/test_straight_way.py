"""The straight way through Connect, over a simulated Tesla on real HTTP. Django's test client runs no scripts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from connect.models import ConnectSession, Step
from tests.connect.conftest import Journey, answer_of, query_of
from tests.factories import EVERY_SCOPE, ApplicationFactory
from vehicles import grants
from vehicles.models import Application, Connection, Event, Vehicle, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer


def test_an_owner_whose_car_needs_no_key_goes_straight_back_with_a_code(
    journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)

    back = journey.approve()

    assert back.headers["Location"].startswith("https://example.com/auth?")
    answer = answer_of(back)
    assert answer.keys() == {"code", "state", "user_id", "virtual_key_url"}
    assert answer["state"] == "a state"
    assert answer["virtual_key_url"] == f"{simulator.url}/_ak/localhost:8000"
    assert VehicleGrant.objects.get().approved == ["read_vehicle_info", "read_odometer", "control_security"]
    steps = [entry["step"] for entry in journey.run.trail]
    assert steps == ["preamble", "tesla", "permissions", "keys", "done"]
    assert journey.run.exit_reason == "completed"
    assert {"connect:started", "connect:ended"} <= set(Event.objects.values_list("kind", flat=True))


def test_the_code_buys_tokens(journey: Journey, bernd: ScenarioPerson, application: Application) -> None:
    application.client_secret = "known to the test"
    application.save()
    journey.authorize()
    journey.sign_in(bernd.email)

    form = {
        "grant_type": "authorization_code",
        "code": answer_of(journey.approve())["code"],
        "redirect_uri": "https://example.com/auth",
        "client_id": application.client_id,
        "client_secret": "known to the test",
    }

    assert Client().post("/oauth/token", form).json()["token_type"] == "Bearer"


def test_each_car_that_lacks_the_key_gets_its_page(
    journey: Journey, anna: ScenarioPerson, simulator: SimulatorServer
) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    assert journey.approve().headers["Location"] == journey.page
    first = journey.look()
    assert "Car 1 of 2" in first and "Select Kombi in the Tesla app" in first
    assert "disabled" in _tag(first, "continue-button")

    _approve_key(journey, first, anna.email)
    _let_observations_age()
    added = journey.look()
    assert "The key is on the car." in added and "disabled" not in _tag(added, "continue-button")
    assert journey.post("leave-key", vehicle=_vehicle(added)).headers["Location"] == journey.page

    second = journey.look()
    assert "Car 2 of 2" in second and "Select Yeti in the Tesla app" in second
    back = journey.post("skip-key", vehicle=_vehicle(second))

    assert "code" in answer_of(back)
    assert [len(journey.run.keys_added), len(journey.run.skipped_keys)] == [1, 1]
    assert set(Vehicle.objects.values_list("display_name", "key")) == {
        ("Kombi", "present"),
        ("Yeti", "absent"),
    }


def test_a_car_without_its_key_cannot_be_left_with_continue(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()

    answer = journey.post("leave-key", vehicle=_vehicle(journey.look()))

    assert answer.headers["Location"] == journey.page
    assert "Car 1 of 2" in journey.look()


def test_a_form_sent_twice_leaves_only_one_car(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()
    first = _vehicle(journey.look())

    journey.post("skip-key", vehicle=first)
    journey.post("skip-key", vehicle=first)

    assert "Car 2 of 2" in journey.look()


def test_an_application_that_requires_a_key_lets_nobody_go_without_one(
    journey: Journey, anna: ScenarioPerson, application: Application
) -> None:
    application.requires_key = True
    application.save()
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()
    first = journey.look()
    assert "skip-button" not in first and "needs the key on at least one car" in first

    journey.post("skip-key", vehicle=_vehicle(first))
    assert "Car 1 of 2" in journey.look()

    _approve_key(journey, first, anna.email)
    _let_observations_age()
    journey.post("leave-key", vehicle=_vehicle(first))
    assert "skip-button" in journey.look()


def test_a_car_that_has_the_key_needs_no_page(journey: Journey, dieter: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(dieter.email)

    assert "code" in answer_of(journey.approve())


def test_a_driver_is_told_that_only_the_owner_can_add_the_key_and_may_go_on(
    journey: Journey, clara: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(clara.email)
    assert "you are a driver" in journey.look()
    journey.approve()
    page = journey.look()

    assert "needs a key from its owner" in page and "owner-link" in page
    assert "code" in answer_of(journey.post("skip-key", vehicle=_vehicle(page)))


def test_test_mode_takes_any_login_and_asks_for_no_key(journey: Journey) -> None:
    journey.authorize(mode="test", make="TESLA")
    tesla = journey.post("begin").headers["Location"]
    assert query_of(tesla)["test_login"] == ["true"]
    back = journey.tesla.open(journey.tesla.log_in(tesla, "somebody@anywhere.example"))
    journey.return_from_tesla(back)

    assert "code" in answer_of(journey.approve())
    assert VehicleGrant.objects.get().mode == "simulated"


@pytest.mark.parametrize("mode", ["live", "simulated", "test"])
def test_with_a_make_the_brand_list_is_skipped(journey: Journey, mode: str) -> None:
    journey.authorize(make="TESLA", mode=mode)

    assert "/oauth2/v3/authorize" in journey.post("begin").headers["Location"]


@pytest.mark.parametrize("make", [None, "", "tesla"])
def test_nobody_is_asked_for_the_make_where_only_tesla_is_offered(journey: Journey, make: str | None) -> None:
    journey.authorize(make=make)

    assert "/oauth2/v3/authorize" in journey.post("begin").headers["Location"]


@pytest.mark.parametrize("mode", ["simulated", "test"])
def test_simulated_runs_keep_the_list_that_the_sdks_own_tests_click(journey: Journey, mode: str) -> None:
    journey.authorize(mode=mode)

    assert journey.post("begin").headers["Location"] == journey.page
    assert 'id="TESLA" class="brand-list-item"' in journey.look()
    assert "/oauth2/v3/authorize" in journey.post("sign-in").headers["Location"]


def test_single_select_offers_one_choice_and_gives_one_car(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize(single_select="true")
    journey.sign_in(anna.email)
    page = journey.look()
    cars = re.findall(r'type="radio" name="vehicles" value="([^"]+)"', page)
    assert len(cars) == 2

    assert journey.approve(vehicles=cars).status_code == 422
    journey.approve(vehicles=cars[:1])
    back = journey.post("skip-key", vehicle=cars[0])

    assert "code" in answer_of(back)
    assert [str(pk) for pk in Connection.objects.values_list("vehicle_id", flat=True)] == cars[:1]


def test_single_select_vin_offers_only_that_car(journey: Journey, anna: ScenarioPerson) -> None:
    wanted = anna.vehicles[1].vin
    journey.authorize(single_select="true", single_select_vin=wanted)
    # A named VIN decides the brand.
    journey.return_from_tesla(journey.tesla.connect(journey.post("begin").headers["Location"], anna.email))
    page = journey.look()

    assert "Yeti" in page and "Kombi" not in page


def test_what_was_decided_before_is_not_asked_again(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.approve(permissions=["read_odometer"])

    journey.authorize()
    journey.sign_in(bernd.email)

    assert "code" in answer_of(journey.client.get(journey.page))
    assert VehicleGrant.objects.get().approved == ["read_odometer"]


@pytest.mark.parametrize("changes", [{"approval_prompt": "force"}, {"scope": "read_vin read_odometer"}])
def test_forced_or_changed_requests_are_asked_again(
    journey: Journey, bernd: ScenarioPerson, changes: dict[str, str]
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.approve()

    journey.authorize(**changes)
    journey.sign_in(bernd.email)

    assert "approval-button" in journey.look()


def test_what_tesla_newly_grants_is_asked_about(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email, ["vehicle_device_data"])
    journey.approve()

    journey.authorize()
    journey.return_from_tesla(journey.tesla.allow(journey.to_tesla(), EVERY_SCOPE))

    assert "approval-button" in journey.look() and "Lock and unlock the car" in journey.look()
    assert VehicleGrant.objects.get().approved == ["read_vehicle_info", "read_odometer"]


def test_a_run_can_be_resumed_at_every_step(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    assert "continue-button" in journey.look()
    journey.post("begin")
    assert "Go on where you stopped" in journey.look()
    journey.return_from_tesla(journey.tesla.connect(journey.post("sign-in").headers["Location"], anna.email))
    assert "approval-button" in journey.look()
    journey.approve()
    assert journey.run.step == Step.KEYS and "skip-button" in journey.look()


def test_the_custom_scheme_of_a_mobile_application_gets_its_answer(
    db: None, simulator: SimulatorServer, bernd: ScenarioPerson
) -> None:
    application = ApplicationFactory(client_id="0b0cf2d9-5b57-4e67-b0a4-6f4a60a6b1f3")
    application.redirect_uris = f"sc{application.client_id}://exchange"
    application.save()
    journey = Journey(application)
    journey.authorize(redirect_uri=application.redirect_uris)
    journey.sign_in(bernd.email)

    assert journey.approve().headers["Location"].startswith(f"sc{application.client_id}://exchange?code=")


def _tag(page: str, element_id: str) -> str:
    found = re.search(rf'<[^>]*id="{element_id}"[^>]*>', page)
    assert found is not None
    return found.group()


def _vehicle(page: str) -> str:
    found = re.search(r'name="vehicle" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def _approve_key(journey: Journey, page: str, email: str) -> None:
    found = re.search(r'id="pairing-link" href="([^"]+)"', page)
    assert found is not None
    assert "pairing-done" in journey.tesla.approve_key(unescape(found.group(1)), email)


def _let_observations_age() -> None:
    """As if the key had last been looked for long ago, so that the next page asks Tesla."""
    Vehicle.objects.update(
        key_observed_at=ConnectSession.objects.latest("created_at").created_at.replace(year=2020)
    )


def test_who_allows_no_command_is_asked_for_no_key(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    back = journey.approve(permissions=["read_vehicle_info", "read_odometer"])
    assert "code" in answer_of(back)
    assert journey.run.key_queue == []


def test_an_application_that_demands_the_key_asks_for_it_also_to_read(
    journey: Journey, application: Application, anna: ScenarioPerson
) -> None:
    Application.objects.update(requires_key=True)
    journey.authorize(scope="read_odometer")
    journey.sign_in(anna.email)
    journey.approve()
    assert len(journey.run.key_queue) == 2


def test_who_takes_everything_back_before_the_end_brings_no_code_along(
    journey: Journey, anna: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()
    grants.revoke_all(VehicleGrant.objects.all(), actor="person", now=timezone.now())
    journey.post("skip-key", vehicle=_vehicle(journey.look()))
    back = journey.post("skip-key", vehicle=_vehicle(journey.look()))
    assert answer_of(back)["error"] == "access_denied"
    assert journey.run.exit_reason == "access_denied"


@pytest.mark.parametrize(
    ("mode", "link"), [("live", "/connect/account"), ("simulated", "/connect/account?mode=simulated")]
)
def test_the_pages_of_a_run_lead_to_the_own_page_of_its_mode(
    journey: Journey, bernd: ScenarioPerson, mode: str, link: str
) -> None:
    journey.authorize(mode=mode)
    journey.sign_in(bernd.email)
    assert f'href="{link}"' in journey.look()
