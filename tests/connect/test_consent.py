"""What a person can allow: only what was asked and granted at Tesla, and of that what they leave ticked."""

from __future__ import annotations

import pytest
from django.test import Client

from connect.models import Step
from tests.connect.conftest import Journey, answer_of, query_of
from tests.factories import EVERY_SCOPE, ApplicationFactory, VehicleFactory
from vehicles.models import VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer


def test_only_what_tesla_granted_can_be_approved(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email, ["vehicle_device_data"])
    page = journey.look()
    assert 'value="control_security"' not in page
    assert "1 thing was not ticked at Tesla" in page and "Vehicle Commands" in page

    journey.approve()

    grant = VehicleGrant.objects.get()
    assert grant.approved == ["read_vehicle_info", "read_odometer"]
    assert grant.requested == ["read_vehicle_info", "read_odometer", "control_security"]
    assert grant.declined == []


def test_with_nothing_ticked_at_tesla_nothing_can_be_approved(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email, [])
    page = journey.look()
    assert "No box was ticked at Tesla" in page and "approval-button" not in page

    assert journey.post("approve", vehicles=["x"], permissions=["read_odometer"]).status_code == 422
    assert not VehicleGrant.objects.exists()


def test_without_vehicle_information_at_tesla_the_page_asks_for_it_instead_of_failing(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email, ["vehicle_cmds"])

    page = journey.look()

    assert "cannot even be shown here" in page and "Vehicle Information" in page
    assert "approval-button" not in page
    assert journey.post("approve").status_code == 422


def test_vehicle_information_is_asked_for_at_tesla_even_where_the_application_does_not_want_it(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize(scope="control_security")

    assert "vehicle_device_data" in query_of(journey.to_tesla())["scope"][0].split()


def test_a_required_permission_that_tesla_did_not_grant_sends_the_person_back_to_tesla(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize(scope="required:control_security read_odometer")
    journey.sign_in(bernd.email, ["vehicle_device_data"])
    page = journey.look()
    assert "approval-button" not in page and "tesla-button" in page
    assert 'id="removal-link"' in page and not journey.run.asked_in_vain

    again = journey.post("sign-in").headers["Location"]
    assert query_of(again)["prompt_missing_scopes"] == ["true"]
    journey.return_from_tesla(journey.tesla.allow(again, EVERY_SCOPE))

    assert "code" in answer_of(journey.approve())
    assert VehicleGrant.objects.get().approved == ["control_security", "read_odometer"]


def test_what_is_unticked_counts_as_declined(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)

    journey.approve(permissions=["read_odometer"])

    assert VehicleGrant.objects.get().declined == ["read_vehicle_info", "control_security"]


def test_a_required_permission_cannot_be_unticked(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize(scope="required:read_vin read_odometer")
    journey.sign_in(bernd.email)

    journey.approve(permissions=[])

    assert VehicleGrant.objects.get().approved == ["read_vin"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"vehicles": []}, "Choose at least one car."),
        ({"permissions": []}, "Allow at least one thing, or do not connect."),
        ({"permissions": ["read_location"]}, "This permission is not on offer."),
    ],
)
def test_a_form_that_grants_nothing_or_too_much_is_shown_again(
    journey: Journey, bernd: ScenarioPerson, form: dict[str, list[str]], text: str
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)

    answer = journey.approve(**form)

    assert answer.status_code == 422 and text in answer.content.decode()
    assert not VehicleGrant.objects.exists()


def test_a_car_of_somebody_else_cannot_be_chosen(journey: Journey, bernd: ScenarioPerson) -> None:
    foreign = VehicleFactory()
    journey.authorize()
    journey.sign_in(bernd.email)

    assert journey.approve(vehicles=[str(foreign.pk)]).status_code == 422
    assert not VehicleGrant.objects.exists()


def test_a_known_account_is_asked_for_what_its_other_applications_hold_too(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize(scope="read_location")
    journey.sign_in(bernd.email)
    journey.approve()
    other = Journey(ApplicationFactory(), Client())
    other.authorize(scope="read_odometer")
    first = other.to_tesla()
    assert "vehicle_location" not in query_of(first)["scope"][0]
    other.return_from_tesla(other.tesla.connect(first, bernd.email))

    again = other.post("sign-in").headers["Location"]

    assert {"vehicle_location", "vehicle_device_data"} <= set(query_of(again)["scope"][0].split())


def test_an_application_that_a_new_consent_leaves_out_is_named(
    journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer
) -> None:
    journey.authorize(scope="read_location")
    journey.sign_in(bernd.email)
    journey.approve()
    simulator.world.accounts[bernd.email].consents.clear()
    other = Journey(ApplicationFactory(name="Night Watch"), Client())
    other.authorize(scope="control_security read_odometer")
    other.sign_in(bernd.email, ["vehicle_device_data", "vehicle_cmds"])

    page = other.look()

    assert "Charge Planner stopped working" in page
    assert other.run.step == Step.PERMISSIONS


def test_two_persons_with_one_car_have_a_grant_each(
    journey: Journey, anna: ScenarioPerson, clara: ScenarioPerson
) -> None:
    for person in (anna, clara):
        one = Journey(journey.application, Client())
        one.authorize()
        one.sign_in(person.email)
        one.approve()

    assert VehicleGrant.objects.filter(connection__vehicle__display_name="Kombi").count() == 2
