"""Destinations over the API: checked before they are sent, and unsigned to every car."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of
from vehicles.tesla.simulator.server import SimulatorServer

DESTINATION = "/v2.0/vehicles/{id}/navigation/destination"


@pytest.mark.parametrize(
    ("latitude", "longitude", "text"),
    [
        (47.378177, 8.540192, "47.378177,8.540192"),
        (-90, 180, "-90.000000,180.000000"),
        ("47.5", "-8.5", "47.500000,-8.500000"),
        (0.00001, 0, "0.000010,0.000000"),
    ],
)
def test_a_place_reaches_a_car_that_lacks_the_key(
    simulator: SimulatorServer, keyless: Calls, latitude: Any, longitude: Any, text: str
) -> None:
    answer = keyless.post(DESTINATION, json.dumps({"latitude": latitude, "longitude": longitude}))
    assert answer.status_code == 200
    car = car_of(simulator, keyless.grant)
    assert car.sections["drive_state"]["active_route_destination"] == text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"latitude": 90.01, "longitude": 0}', "latitude"),
        ('{"latitude": 0, "longitude": -180.5}', "longitude"),
        ('{"longitude": 0}', "latitude"),
        ('{"latitude": NaN, "longitude": 0}', "latitude"),
        ('{"latitude": true, "longitude": 0}', "latitude"),
        ('{"latitude": "north", "longitude": 0}', "latitude"),
    ],
)
def test_a_place_that_is_not_on_earth_is_refused(
    simulator: SimulatorServer, keyless: Calls, body: str, field: str
) -> None:
    before = calls(simulator)
    answer = keyless.post(DESTINATION, body)
    assert (answer.status_code, [each["field"] for each in answer.json()["detail"]]) == (400, [field])
    assert calls(simulator) == before
