"""Tesla keeps one consent for all applications; where it is used again silently, it has to be removed first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.models import Application
from vehicles.tesla.scopes import VEHICLE_DEVICE_DATA
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3

READS = ("read_vehicle_info", "read_vin", "read_odometer")
LOCKS = (*READS, "control_security")
ACCESS_REMOVED = "CONNECTED_SERVICES_ACCOUNT:PERMISSION"
NOT_PERMITTED = "PERMISSION:null"


@pytest.fixture
def diary(consumer: Callable[..., Consumer]) -> Consumer:
    """Asks for locking too, though its owner will tick one box only."""
    return consumer(name="Diary")


@pytest.fixture
def watch(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer(name="Night Watch")


@pytest.fixture
def dieter(owner: Callable[[str], Owner], diary: Consumer, control: Callable[..., Any]) -> Owner:
    """Connected to the diary with one box ticked; from here on Tesla uses that consent again without asking."""
    person = owner("dieter")
    person.connect(diary, LOCKS, tick=[VEHICLE_DEVICE_DATA])
    control("PATCH", "/provider", {"asks_for_missing_scopes": False})
    return person


def to_the_guide(dieter: Owner) -> None:
    """The short way first, which fails, and from there to the guide."""
    browser = dieter.browser.press("tesla-button")
    assert "Tesla brought you back with the same boxes ticked" in browser.text
    browser.follow("removal-link")


def through_the_guide(dieter: Owner, later: Any) -> None:
    """Remove access on Tesla's page, see that seen, and allow everything anew."""
    browser = dieter.browser
    guide = browser.address
    assert 'data-removed="false"' in browser.text and "Done</span>" in browser.text
    browser.follow("tesla-apps-link")
    dieter.sign_in()
    browser.press("remove-access-button").follow("back-link")
    assert browser.address == guide
    with later(seconds=6):
        browser.press("check-button")
    assert 'data-removed="true"' in browser.text and 'data-seen="false"' not in browser.text
    browser.press("tesla-button")
    dieter.at_tesla()


def test_an_application_that_needs_more_gets_it_and_the_other_gains_nothing(
    dieter: Owner, diary: Consumer, watch: Consumer, later: Any
) -> None:
    dieter.connect(watch, LOCKS)
    refused = watch.lock(DIETERS_MODEL_3)
    assert refused.error == NOT_PERMITTED

    dieter.to_permissions(watch, url=refused.cure)
    to_the_guide(dieter)
    assert "This pauses as well: Diary" in dieter.browser.text
    through_the_guide(dieter, later)
    dieter.finish(watch)

    assert watch.lock(DIETERS_MODEL_3).status == 200
    assert diary.get(DIETERS_MODEL_3, "odometer").status == 200
    assert diary.lock(DIETERS_MODEL_3).error == NOT_PERMITTED
    assert diary.get(DIETERS_MODEL_3, "permissions").body["permissions"] == sorted(READS)


def test_the_other_application_pauses_only_until_the_owner_has_signed_in_again(
    dieter: Owner, diary: Consumer, watch: Consumer, later: Any
) -> None:
    dieter.to_permissions(watch, ["required:control_security", *READS])
    assert not dieter.browser.has("approval-button")
    dieter.browser.press("tesla-button")
    assert dieter.browser.address.endswith("/removal"), (
        "a required box is missing, so the guide comes by itself"
    )
    guide = dieter.browser.address

    dieter.remove_access()
    assert diary.get(DIETERS_MODEL_3, "odometer").error == ACCESS_REMOVED
    assert diary.diagnosis(DIETERS_MODEL_3)["verdict"] == "blocked"

    dieter.browser.open(guide).press("tesla-button")
    dieter.at_tesla()
    assert diary.diagnosis(DIETERS_MODEL_3, "read_odometer")["verdict"] != "blocked"
    assert diary.get(DIETERS_MODEL_3, "odometer").status == 200
    dieter.finish(watch)
    assert watch.lock(DIETERS_MODEL_3).status == 200


def test_what_moved_with_few_boxes_comes_back_by_itself_and_nothing_more(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], watch: Consumer
) -> None:
    dieter, mileage = owner("dieter"), consumer(integration="legacy", name="Mileage book")
    dieter.connect(mileage, LOCKS)
    to_move = {"response_type": "vehicle_id", "client_id": mileage.client_id, "make": "TESLA"}
    link = urlencode(to_move | {"scope": "read_odometer", "mode": "live"})
    dieter.browser.open(f"{mileage.portal_url}/oauth/reauthenticate?{link}").press("continue-button")
    dieter.at_tesla([VEHICLE_DEVICE_DATA]).press("approval-button")
    assert mileage.get(DIETERS_MODEL_3, "odometer").status == 200
    assert mileage.lock(DIETERS_MODEL_3).error == NOT_PERMITTED
    told = mileage.diagnosis(DIETERS_MODEL_3, "control_security")
    assert [action["code"] for action in told["actions"]] == ["remove_access_at_tesla", "connect_again"]

    dieter.connect(watch, [*LOCKS, "read_location"])
    assert mileage.lock(DIETERS_MODEL_3).status == 200
    assert mileage.get(DIETERS_MODEL_3, "permissions").body["permissions"] == sorted(LOCKS)


def test_leaving_the_guide_before_removing_anything_changes_nothing(
    dieter: Owner, diary: Consumer, watch: Consumer
) -> None:
    dieter.to_permissions(watch, ["required:control_security"])
    dieter.browser.press("tesla-button").press("leave-button")

    assert dieter.browser.query["error"] == "access_denied"
    assert diary.get(DIETERS_MODEL_3, "odometer").status == 200
    assert not Application.objects.get(client_id=watch.client_id).connections.exists()
