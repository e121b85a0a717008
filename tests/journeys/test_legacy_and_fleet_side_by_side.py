"""One application connected by the legacy flow and another by the new one, same account and cars, side by side.

When the legacy API closes, its connections say "provider closed", never "revoked", and move with a link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.models import TeslaAccount
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3, EMMAS_MODEL_3, EMMAS_MODEL_S

KEY_REQUIRED = "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"
NOT_CAPABLE = "COMPATIBILITY:PLATFORM_NOT_CAPABLE"
WORKS = ""


@pytest.fixture
def emma(owner: Callable[[str], Owner], control: Any) -> Owner:
    """Owns a Model S of 2017 and two Model 3: one with the key, one without."""
    cars = [{"vin": vin, "access_type": "OWNER"} for vin in (EMMAS_MODEL_S, EMMAS_MODEL_3, DIETERS_MODEL_3)]
    control("PATCH", "/accounts/emma@owners.example", {"vehicles": cars})
    return owner("emma")


@pytest.fixture
def legacy(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer(integration="legacy", name="Mileage book")


@pytest.fixture
def fleet(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer(name="Charge planner")


def close(control: Any) -> None:
    control("PATCH", "/provider", {"legacy_open": False})


def test_both_work_side_by_side_on_one_account_and_car(
    emma: Owner, legacy: Consumer, fleet: Consumer, executed: Any
) -> None:
    emma.connect(legacy)
    emma.connect(fleet)
    for application in (legacy, fleet):
        assert application.get(EMMAS_MODEL_3, "odometer").status == 200
        assert application.lock(EMMAS_MODEL_S).status == 200
        assert application.lock(DIETERS_MODEL_3).status == 200
    assert executed(EMMAS_MODEL_S) == executed(DIETERS_MODEL_3) == ["door_lock", "door_lock"]
    assert set(legacy.ids) == set(fleet.ids) and not set(legacy.ids.values()) & set(fleet.ids.values())
    assert migrates(legacy) and not migrates(fleet)
    assert TeslaAccount.objects.count() == 1


def migrates(application: Consumer) -> bool:
    """What the application hears about having to move."""
    return bool(application.get(EMMAS_MODEL_3, "tesla/migration").body["requiresMigration"])


def test_a_key_serves_the_legacy_application_once_the_person_also_connected_the_new_way(
    emma: Owner, legacy: Consumer, fleet: Consumer, later: Any
) -> None:
    emma.connect(legacy)
    assert legacy.lock(EMMAS_MODEL_3).error == NOT_CAPABLE
    emma.connect(fleet)
    refused = legacy.lock(EMMAS_MODEL_3)
    assert refused.error == KEY_REQUIRED
    emma.add_key(refused.cure)
    with later(seconds=11):
        assert legacy.lock(EMMAS_MODEL_3).status == 200


def test_what_the_person_did_not_tick_for_the_new_way_does_not_sign_for_the_legacy_one(
    emma: Owner, legacy: Consumer, fleet: Consumer
) -> None:
    emma.connect(legacy)
    emma.connect(fleet, ["read_vehicle_info", "read_vin"], tick=["vehicle_device_data"])
    assert legacy.lock(DIETERS_MODEL_3).error == NOT_CAPABLE


def test_access_removed_at_tesla_ends_the_new_way_and_not_the_legacy_one(
    emma: Owner, legacy: Consumer, fleet: Consumer
) -> None:
    emma.connect(legacy)
    emma.connect(fleet)
    emma.remove_access()
    assert legacy.lock(DIETERS_MODEL_3).error == NOT_CAPABLE
    assert fleet.lock(DIETERS_MODEL_3).error == "CONNECTED_SERVICES_ACCOUNT:PERMISSION"
    assert legacy.get(EMMAS_MODEL_3, "battery").status == 200
    assert legacy.lock(EMMAS_MODEL_S).status == 200


def test_when_the_legacy_api_closes_that_is_what_is_said_and_nobody_was_revoked(
    emma: Owner, legacy: Consumer, fleet: Consumer, control: Any
) -> None:
    emma.connect(legacy)
    emma.connect(fleet)
    close(control)
    assert legacy.get(EMMAS_MODEL_3, "battery").error == NOT_CAPABLE
    told = legacy.diagnosis(EMMAS_MODEL_S)
    assert (told["verdict"], [cause["code"] for cause in told["causes"]]) == ("blocked", ["legacy_closed"])
    assert told["causes"][0]["source"] and told["causes"][0]["since"]
    assert told["axes"]["provider"]["value"] == "legacy_closed"
    assert told["axes"]["consent"]["value"] == "active"
    assert told["actions"][0]["code"] == "reconnect" and "make=TESLA" in told["actions"][0]["url"]
    assert fleet.diagnosis(EMMAS_MODEL_S)["verdict"] == "ok"
    assert TeslaAccount.objects.get().consent == "active"


def test_the_link_in_the_error_moves_the_application_with_its_ids_and_tokens(
    emma: Owner, legacy: Consumer, control: Any
) -> None:
    emma.connect(legacy)
    ids, token = dict(legacy.ids), legacy.tokens["access_token"]
    user = legacy.call("GET", "/v2.0/user").body["id"]
    close(control)
    emma.browser.open(legacy.get(EMMAS_MODEL_3, "battery").cure).press("continue-button")
    emma.at_tesla()
    legacy.learn_ids()
    assert (legacy.ids, legacy.tokens["access_token"]) == (ids, token)
    assert legacy.call("GET", "/v2.0/user").body["id"] == user
    assert legacy.get(EMMAS_MODEL_3, "battery").status == 200
    assert legacy.lock(DIETERS_MODEL_3).status == 200
    assert not migrates(legacy)


def test_connecting_again_over_the_application_moves_it_as_well_once_the_api_is_closed(
    emma: Owner, legacy: Consumer, control: Any
) -> None:
    emma.connect(legacy)
    ids = dict(legacy.ids)
    close(control)
    assert legacy.get(EMMAS_MODEL_3, "battery").error == NOT_CAPABLE
    emma.browser.open(legacy.authorize_url()).press("continue-button")
    emma.at_tesla()
    emma.finish(legacy)
    assert (legacy.ids, migrates(legacy)) == (ids, False)


def test_who_has_moved_finishes_the_current_way_whatever_the_application_is_set_to(
    emma: Owner, legacy: Consumer
) -> None:
    emma.connect(legacy)
    emma.browser.open(legacy.lock(DIETERS_MODEL_3).cure).press("continue-button")
    emma.at_tesla()
    emma.remove_access()
    refused = legacy.lock(DIETERS_MODEL_3)
    assert refused.error == "CONNECTED_SERVICES_ACCOUNT:PERMISSION"
    emma.connect(legacy, url=refused.cure)
    assert legacy.lock(DIETERS_MODEL_3).status == 200 and not migrates(legacy)


def test_another_application_stays_on_the_legacy_api_while_it_lives(
    emma: Owner, legacy: Consumer, consumer: Callable[..., Consumer]
) -> None:
    other = consumer(integration="legacy", name="Garage door")
    emma.connect(legacy)
    emma.connect(other)
    emma.browser.open(legacy.diagnosis(EMMAS_MODEL_3, "control_security")["actions"][0]["url"])
    emma.browser.press("continue-button")
    emma.at_tesla()
    assert (migrates(legacy), migrates(other)) == (False, True)
    assert legacy.get(EMMAS_MODEL_3, "battery").status == other.get(EMMAS_MODEL_3, "battery").status == 200


CALLS: dict[str, Callable[[Consumer], Any]] = {
    "read": lambda application: application.get(EMMAS_MODEL_3, "battery"),
    "destination": lambda application: application.post(
        EMMAS_MODEL_3, "navigation/destination", latitude=52.5, longitude=13.4
    ),
    "command, old S": lambda application: application.lock(EMMAS_MODEL_S),
    "command, key on the car": lambda application: application.lock(DIETERS_MODEL_3),
    "command, no key": lambda application: application.lock(EMMAS_MODEL_3),
}
FLEET_ANSWERS = dict.fromkeys(CALLS, WORKS) | {"command, no key": KEY_REQUIRED}
LEGACY_ANSWERS = dict.fromkeys(CALLS, WORKS) | {
    "command, key on the car": NOT_CAPABLE,
    "command, no key": NOT_CAPABLE,
}
CLOSED = dict.fromkeys(CALLS, NOT_CAPABLE)

TABLE = [
    # The application, whether the person also connected another one the new way; while open, once closed.
    ("legacy", False, LEGACY_ANSWERS, CLOSED),
    ("legacy", True, FLEET_ANSWERS, CLOSED),
    ("fleet", False, FLEET_ANSWERS, FLEET_ANSWERS),
]


@pytest.mark.parametrize(
    ("integration", "beside_fleet", "while_open", "once_closed"), TABLE, ids=["legacy", "both", "fleet"]
)
def test_every_call_gets_the_answer_of_the_table(
    emma: Owner, consumer: Callable[..., Consumer], control: Any,
    integration: str, beside_fleet: bool, while_open: dict[str, str], once_closed: dict[str, str],
) -> None:  # fmt: skip
    application = consumer(integration=integration)
    emma.connect(application)
    if beside_fleet:
        emma.connect(consumer())
    assert {name: make(application).error for name, make in CALLS.items()} == while_open
    close(control)
    assert {name: make(application).error for name, make in CALLS.items()} == once_closed
