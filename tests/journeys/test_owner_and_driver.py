"""Owner and driver may both connect a car, and requests work as long as the Tesla account is attached to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.people import Consumer, Owner
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3

OWNER, DRIVER = "OWNER", "DRIVER"


@pytest.mark.parametrize(("name", "role"), [("anna", OWNER), ("clara", DRIVER)])
def test_both_connect_and_read(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], name: str, role: str
) -> None:
    application = consumer()
    owner(name).connect(application)
    assert application.get(ANNAS_MODEL_3, "odometer").status == 200
    assert application.get(ANNAS_MODEL_3, "tesla/user/access").body["accessType"] == role


def test_each_keeps_a_connection_of_their_own(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], control: Any
) -> None:
    of_anna, of_clara = consumer(), consumer()
    owner("anna").connect(of_anna)
    owner("clara").connect(of_clara)
    control("PATCH", "/accounts/clara@owners.example", {"vehicles": []})
    assert of_clara.get(ANNAS_MODEL_3, "odometer").error == "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"
    assert of_anna.get(ANNAS_MODEL_3, "odometer").status == 200
