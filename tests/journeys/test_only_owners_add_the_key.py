"""Only the owner can add the key. Once it is there, commands work for the driver too; without it, for neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.models import ApplicationUser, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3

KEY_REQUIRED = "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"


@pytest.fixture
def application(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer()


@pytest.fixture
def anna(owner: Callable[[str], Owner]) -> Owner:
    """The owner."""
    return owner("anna")


@pytest.fixture
def clara(owner: Callable[[str], Owner], application: Consumer) -> Owner:
    """The driver, at the car's key page."""
    clara = owner("clara")
    clara.to_permissions(application).press("approval-button")
    return clara


def test_without_the_key_commands_work_for_neither(
    anna: Owner, clara: Owner, application: Consumer, consumer: Callable[..., Consumer]
) -> None:
    clara.finish(application)
    of_anna = consumer()
    anna.connect(of_anna)
    assert application.lock(ANNAS_MODEL_3).error == of_anna.lock(ANNAS_MODEL_3).error == KEY_REQUIRED


def test_the_driver_cannot_add_it(clara: Owner) -> None:
    assert "Only the owner can add a key" in clara.add_key(clara.browser.page.links["pairing-link"]).text


def test_the_owner_adds_it_in_two_steps_behind_the_drivers_link_and_gives_nothing_away(
    anna: Owner, clara: Owner, application: Consumer, executed: Any, later: Any
) -> None:
    waiting = clara.browser.address
    link = clara.browser.page.links["owner-link"]
    assert "Charge Planner" not in link and ANNAS_MODEL_3 not in link

    page = anna.browser.open(link)
    page.press("continue-button")
    anna.at_tesla(["vehicle_device_data"])
    assert page.address == link and "Select Kombi in the Tesla app" in page.text
    assert anna.add_key(page.page.links["pairing-link"]).has("pairing-done")

    with later(seconds=5):
        assert "Thank you, that was all" in page.open(link).text
        clara.browser.open(waiting).press("continue-button")
        application.redeem(clara.browser.query["code"])
        assert application.lock(ANNAS_MODEL_3).status == 200
    assert executed(ANNAS_MODEL_3) == ["door_lock"]
    assert VehicleGrant.objects.count() == ApplicationUser.objects.count() == 1


def test_the_driver_need_not_wait_for_the_owner(
    anna: Owner, clara: Owner, application: Consumer, later: Any
) -> None:
    link = clara.browser.page.links["owner-link"]
    clara.finish(application)
    assert application.lock(ANNAS_MODEL_3).error == KEY_REQUIRED
    anna.browser.open(link).press("continue-button")
    anna.at_tesla(["vehicle_device_data"])
    anna.add_key(anna.browser.page.links["pairing-link"])
    with later(seconds=11):
        assert application.lock(ANNAS_MODEL_3).status == 200


def test_where_tesla_lets_drivers_add_a_key_the_drivers_own_link_does_it(
    clara: Owner, application: Consumer, simulator: Any, later: Any
) -> None:
    simulator.world.provider.drivers_may_pair = True
    waiting = clara.browser.address
    assert clara.add_key(clara.browser.page.links["pairing-link"]).has("pairing-done")
    with later(seconds=5):
        clara.browser.open(waiting).press("continue-button")
        application.redeem(clara.browser.query["code"])
        assert application.lock(ANNAS_MODEL_3).status == 200
