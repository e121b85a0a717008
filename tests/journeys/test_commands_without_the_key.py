"""A command that must be signed is refused while the key is not on the car; everything else works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, BERNDS_MODEL_S

KEY_REQUIRED = "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"


@pytest.fixture
def application(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer()


def test_it_is_refused_before_it_reaches_the_car_with_the_link_that_adds_the_key(
    owner: Callable[[str], Owner], application: Consumer, executed: Any
) -> None:
    owner("anna").connect(application)
    for refused in (
        application.lock(ANNAS_MODEL_3),
        application.post(ANNAS_MODEL_3, "charge", action="STOP"),
    ):
        assert refused.error == KEY_REQUIRED
        assert refused.cure.endswith(f"?vin={ANNAS_MODEL_3}")
    assert executed(ANNAS_MODEL_3) == []


def test_reading_and_navigation_need_no_key(
    owner: Callable[[str], Owner], application: Consumer, executed: Any
) -> None:
    owner("anna").connect(application)
    assert application.get(ANNAS_MODEL_3, "odometer").status == 200
    sent = application.post(ANNAS_MODEL_3, "navigation/destination", latitude=47.1, longitude=8.2)
    assert sent.status == 200
    assert executed(ANNAS_MODEL_3) != []


def test_a_car_from_before_2021_takes_commands_without_one(
    owner: Callable[[str], Owner], application: Consumer, executed: Any
) -> None:
    owner("bernd").connect(application)
    assert application.lock(BERNDS_MODEL_S).status == 200
    assert executed(BERNDS_MODEL_S) == ["door_lock"]
