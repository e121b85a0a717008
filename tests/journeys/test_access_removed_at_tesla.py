"""The owner removes access in their Tesla account, and the first command afterwards says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles import tasks
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3

GONE = "CONNECTED_SERVICES_ACCOUNT:PERMISSION"


@pytest.fixture
def dieter(owner: Callable[[str], Owner]) -> Owner:
    """His Model 3 has the key."""
    return owner("dieter")


@pytest.fixture
def application(consumer: Callable[..., Consumer], dieter: Owner) -> Consumer:
    """Connected to Dieter's car, which it has locked."""
    registered = consumer()
    dieter.connect(registered)
    assert registered.lock(DIETERS_MODEL_3).status == 200
    return registered


@pytest.mark.parametrize("status", [401, 403])
def test_while_the_access_token_lives(
    dieter: Owner, application: Consumer, control: Any, executed: Any, status: int
) -> None:
    control("PATCH", "/provider", {"revoked_status": status})
    dieter.remove_access()
    refused = application.lock(DIETERS_MODEL_3)
    assert refused.error == GONE
    assert "/oauth/authorize?" in refused.cure
    assert application.post(DIETERS_MODEL_3, "charge", action="STOP").error == GONE
    assert application.get(DIETERS_MODEL_3, "odometer").error == GONE
    assert executed(DIETERS_MODEL_3) == ["door_lock"]


@pytest.mark.parametrize("status", [401, 403])
def test_after_a_night_with_the_clock_running(
    dieter: Owner, application: Consumer, control: Any, later: Any, status: int
) -> None:
    """Logins in use are renewed ahead of their end, so the removal is noticed while the access token still lives."""
    control("PATCH", "/provider", {"revoked_status": status})
    dieter.remove_access()
    for minutes in range(0, 8 * 60, 5):
        with later(minutes=minutes):
            tasks.renew_logins()
    with later(hours=10):
        application.refresh()
        assert application.lock(DIETERS_MODEL_3).error == GONE


def test_when_only_tesla_knows_that_the_token_is_over(
    dieter: Owner, application: Consumer, control: Any
) -> None:
    dieter.remove_access()
    control("POST", "/clock", {"advance_seconds": 9 * 3600})
    assert application.lock(DIETERS_MODEL_3).error == GONE


def test_the_diagnosis_names_the_fault_and_what_the_owner_does(dieter: Owner, application: Consumer) -> None:
    dieter.remove_access()
    application.lock(DIETERS_MODEL_3)
    diagnosis = application.diagnosis(DIETERS_MODEL_3)
    assert (diagnosis["verdict"], diagnosis["causes"][0]["code"]) == ("blocked", "consent_revoked")
    assert diagnosis["error"] == {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "PERMISSION"}
    assert diagnosis["actions"][0]["actor"] == "owner"


def test_connecting_again_through_the_link_in_the_error_mends_it(
    dieter: Owner, application: Consumer, executed: Any
) -> None:
    before = application.ids
    dieter.remove_access()
    dieter.connect(application, url=application.lock(DIETERS_MODEL_3).cure)
    assert application.ids == before
    assert application.lock(DIETERS_MODEL_3).status == 200
    assert executed(DIETERS_MODEL_3) == ["door_lock", "door_lock"]


def test_a_changed_password_asks_for_a_login_and_takes_nothing_away(
    dieter: Owner, application: Consumer, simulator: Any
) -> None:
    account = simulator.world.account(dieter.email)
    simulator.world.change_password(account, "another")
    simulator.world.faults.add(
        {"match": {"path": "/oauth2/v3/token"}, "status": 401, "body": {"error": "password_changed"}}
    )
    simulator.world.clock.advance(9 * 3600)
    refused = application.lock(DIETERS_MODEL_3)
    assert refused.error == "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    assert "/oauth/reauthenticate?" in refused.cure
