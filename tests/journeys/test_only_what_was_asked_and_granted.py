"""An application may do what it asked for, Tesla granted and the owner left ticked; anything else is PERMISSION."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.tesla.scopes import VEHICLE_CMDS, VEHICLE_DEVICE_DATA
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3

NOT_PERMITTED = "PERMISSION:null"
ASKED = ("read_vehicle_info", "read_vin", "read_odometer", "control_security")


@pytest.fixture
def application(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer(permissions=list(ASKED))


@pytest.fixture
def dieter(owner: Callable[[str], Owner]) -> Owner:
    """His car has the key, so that nothing but permissions stands in the way."""
    return owner("dieter")


def test_what_tesla_granted_but_nobody_asked_for_cannot_be_used(dieter: Owner, application: Consumer) -> None:
    dieter.connect(application, ASKED)

    assert application.get(DIETERS_MODEL_3, "odometer").status == 200
    assert application.lock(DIETERS_MODEL_3).status == 200
    assert application.get(DIETERS_MODEL_3, "battery").error == NOT_PERMITTED


def test_what_was_asked_for_but_unticked_on_our_page_cannot_be_used(
    dieter: Owner, application: Consumer
) -> None:
    dieter.connect(application, ASKED, permissions=["read_vin", "read_odometer"])

    assert application.lock(DIETERS_MODEL_3).error == NOT_PERMITTED


def test_what_tesla_did_not_grant_cannot_be_used_and_the_cure_leads_to_its_box(
    dieter: Owner, application: Consumer
) -> None:
    dieter.connect(application, ASKED, tick=[VEHICLE_DEVICE_DATA])
    refused = application.lock(DIETERS_MODEL_3)
    assert (refused.status, refused.error) == (403, NOT_PERMITTED)

    page = dieter.to_permissions(application, url=refused.cure, tick=[VEHICLE_DEVICE_DATA, VEHICLE_CMDS])
    assert page.has("approval-button") and "not ticked at Tesla" not in page.text
    dieter.finish(application)

    assert application.lock(DIETERS_MODEL_3).status == 200


def test_a_box_that_is_missing_is_named_with_the_short_way_to_it(
    dieter: Owner, application: Consumer
) -> None:
    dieter.to_permissions(application, ["required:control_security", "read_vin"], tick=[VEHICLE_DEVICE_DATA])

    assert "Vehicle Commands" in dieter.browser.text and not dieter.browser.has("approval-button")
    dieter.browser.press("tesla-button")
    dieter.at_tesla([VEHICLE_DEVICE_DATA, VEHICLE_CMDS])
    dieter.finish(application)

    assert application.lock(DIETERS_MODEL_3).status == 200
