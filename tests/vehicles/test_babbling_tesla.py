"""A Tesla that babbles keeps no place: whoever waits for it is told so in time, and the next caller is let in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections as databases

from tests.factories import VehicleGrantFactory
from tests.faults import babbling_server as babbling
from tests.faults.babbling_server import BabblingServer
from vehicles import errors
from vehicles.errors import CatalogueError
from vehicles.models import Vehicle, VehicleGrant
from vehicles.tesla import scopes
from vehicles.upstream import account_call, bulkhead, calls

A_MOMENT = 1.5
PLACES = 8


@pytest.fixture
def grant(sign_in: Any, bernd: Any) -> VehicleGrant:
    """What Bernd gave an application on his Model S."""
    granted: VehicleGrant = VehicleGrantFactory(account=sign_in(bernd), vehicle=Vehicle.objects.get())
    return granted


@pytest.fixture
def babbling_tesla(
    grant: VehicleGrant, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BabblingServer]:
    """Tesla's API sends a byte a second; a call of ours may take a moment, and few may wait at once."""
    with BabblingServer(babbling.slow_body) as server:
        settings.TESLA_API_URL = server.url
        settings.TESLA_UPSTREAM_SLOTS = PLACES
        monkeypatch.setattr(account_call, "CALL_SECONDS", A_MOMENT)
        bulkhead._slots.cache_clear()
        yield server
    bulkhead._slots.cache_clear()


def answer(grant: VehicleGrant) -> str:
    try:
        calls.vehicle_data(grant, ["vehicle_state"], scopes.VEHICLE_DEVICE_DATA)
    except CatalogueError as error:
        return error.spec.name
    finally:
        databases.close_all()
    return "answered"


@pytest.mark.django_db(transaction=True)
def test_every_place_is_free_again_when_its_call_had_its_time(
    babbling_tesla: BabblingServer, grant: VehicleGrant
) -> None:
    for _ in range(2):
        began = time.monotonic()
        with ThreadPoolExecutor(PLACES) as callers:
            told = list(callers.map(lambda _: answer(grant), range(PLACES)))
        assert told == [errors.UPSTREAM_NO_RESPONSE.name] * PLACES
        assert time.monotonic() - began < 3 * A_MOMENT
    babbling_tesla.answer = babbling.whole(b'{"response": {"vehicle_state": {}}}')
    assert answer(grant) == "answered"
