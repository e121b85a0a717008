"""Every car of an account needs its own key; state, prompts, errors and audit are per car."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.models import Event, Vehicle
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, ANNAS_MODEL_Y

KEY_REQUIRED = "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"


@pytest.fixture
def anna(owner: Callable[[str], Owner]) -> Owner:
    """Owns a Model 3, Kombi, and a Model Y, Yeti; neither has the key."""
    return owner("anna")


@pytest.fixture
def application(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer()


def test_a_key_on_one_car_lets_that_car_lock_and_no_other(
    anna: Owner, application: Consumer, later: Any
) -> None:
    anna.connect(application)
    refused = application.lock(ANNAS_MODEL_3)
    assert refused.error == KEY_REQUIRED
    assert anna.add_key(refused.cure).has("pairing-done")
    with later(seconds=11):
        assert application.lock(ANNAS_MODEL_3).status == 200
        assert application.lock(ANNAS_MODEL_Y).error == KEY_REQUIRED


def test_each_car_gets_a_page_of_its_own_and_the_queue_shows_how_far_it_is(
    anna: Owner, application: Consumer, later: Any
) -> None:
    page = anna.to_permissions(application).press("approval-button")
    assert "Add the key to Kombi" in page.text and "Car 1 of 2" in page.text
    first = page.address
    anna.add_key(page.page.links["pairing-link"])
    with later(seconds=5):
        page.open(first).press("continue-button")
        assert "Add the key to Yeti" in page.text and "Car 2 of 2" in page.text
        assert page.text.count("Key added") == 1
        anna.finish(application)
        assert application.lock(ANNAS_MODEL_3).status == 200
        assert application.lock(ANNAS_MODEL_Y).error == KEY_REQUIRED


def test_a_key_that_went_to_the_other_car_is_noticed_and_that_car_gets_no_page(
    anna: Owner, application: Consumer, later: Any
) -> None:
    page = anna.to_permissions(application).press("approval-button")
    first, wrong = page.address, page.page.links["pairing-link"].replace(ANNAS_MODEL_3, ANNAS_MODEL_Y)
    anna.add_key(wrong)
    with later(seconds=61):
        page.open(first)
        assert "The key went to another car" in page.text and "Yeti got it" in page.text
        anna.add_key(wrong.replace(ANNAS_MODEL_Y, ANNAS_MODEL_3))
    with later(seconds=70):
        page.open(first).press("continue-button")
        assert page.query.get("code")


def test_state_errors_and_audit_are_per_car(anna: Owner, application: Consumer, later: Any) -> None:
    anna.connect(application)
    anna.add_key(application.lock(ANNAS_MODEL_3).cure)
    with later(seconds=11):
        paired = application.get(ANNAS_MODEL_3, "tesla/virtual_key").body
        unpaired = application.get(ANNAS_MODEL_Y, "tesla/virtual_key").body
    assert [paired["isPaired"], unpaired["isPaired"]] == [True, False]
    assert application.diagnosis(ANNAS_MODEL_3)["axes"]["key"]["value"] == "present"
    assert application.diagnosis(ANNAS_MODEL_Y)["axes"]["key"]["value"] == "absent"
    changed = Event.objects.filter(kind="key:changed", data__after="present")
    assert [event.vehicle_id for event in changed] == [Vehicle.objects.get(vin=ANNAS_MODEL_3).pk]
