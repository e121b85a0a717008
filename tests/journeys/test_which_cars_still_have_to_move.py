"""An application asks for each car whether it still has to move to Tesla's current interface, and moves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import EVERYTHING, Consumer, Owner
from vehicles.tesla.simulator.samples.scenarios import EMMAS_MODEL_3, EMMAS_MODEL_S

CARS = (EMMAS_MODEL_S, EMMAS_MODEL_3)


@pytest.fixture
def emma(owner: Callable[[str], Owner]) -> Owner:
    return owner("emma")


@pytest.fixture
def legacy(consumer: Callable[..., Consumer], emma: Owner) -> Consumer:
    """An application to which Emma's cars are connected over the legacy API."""
    application = consumer(integration="legacy", name="Mileage book")
    emma.connect(application)
    return application


def to_move(application: Consumer) -> dict[str, bool]:
    """What the migration-status endpoint says of each car."""
    answers = {vin: application.get(vin, "tesla/migration") for vin in application.ids}
    return {vin: answer.body["requiresMigration"] for vin, answer in answers.items()}


def test_cars_of_a_legacy_connection_have_to_move_and_cars_of_a_new_one_do_not(
    emma: Owner, legacy: Consumer, consumer: Callable[..., Consumer]
) -> None:
    new = consumer(name="Charge planner")
    emma.connect(new)
    assert to_move(legacy) == dict.fromkeys(CARS, True)
    assert to_move(new) == dict.fromkeys(CARS, False)


def test_after_the_move_nothing_has_to_move_and_ids_and_tokens_are_the_same(
    emma: Owner, legacy: Consumer
) -> None:
    ids, tokens = dict(legacy.ids), dict(legacy.tokens)
    url = f"{legacy.portal_url}/oauth/reauthenticate?response_type=vehicle_id&make=TESLA"
    emma.browser.open(f"{url}&client_id={legacy.client_id}&scope={'+'.join(EVERYTHING)}")
    emma.browser.press("continue-button")
    emma.at_tesla()
    assert to_move(legacy) == dict.fromkeys(CARS, False)
    assert (legacy.ids, legacy.tokens) == (ids, tokens)


def test_the_answer_comes_from_the_store_when_the_legacy_api_is_closed(
    legacy: Consumer, control: Any
) -> None:
    control("PATCH", "/provider", {"legacy_open": False})
    legacy.get(EMMAS_MODEL_S, "odometer")
    asked = len(control("GET", "/calls?since=0"))
    assert to_move(legacy) == dict.fromkeys(CARS, True)
    assert len(control("GET", "/calls?since=0")) == asked


def test_an_application_that_may_not_know_the_car_is_not_told(
    emma: Owner, consumer: Callable[..., Consumer]
) -> None:
    narrow = consumer(name="Odometer")
    emma.connect(narrow, ["read_vin", "read_odometer"])
    assert narrow.get(EMMAS_MODEL_S, "tesla/migration").error == "PERMISSION:null"
