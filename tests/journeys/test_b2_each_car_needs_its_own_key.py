"""B2: every car of an account needs its own key; B3 is what a command hears before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.journeys.people import Consumer, Owner
from vehicles.tesla.simulator.scenarios import ANNAS_MODEL_3, ANNAS_MODEL_Y

KEY_REQUIRED = "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"


def test_a_key_on_one_car_lets_that_car_lock_and_no_other(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], later: Any
) -> None:
    application, anna = consumer(), owner("anna")
    anna.connect(application)
    refused = application.lock(ANNAS_MODEL_3)
    assert refused.error == KEY_REQUIRED
    assert anna.add_key(refused.cure).has("pairing-done")
    with later(seconds=11):
        assert application.lock(ANNAS_MODEL_3).status == 200
        assert application.lock(ANNAS_MODEL_Y).error == KEY_REQUIRED
