"""Cars to command, one of each kind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import VehicleGrantFactory
from tests.vehicles.commanding import EVERY_CONTROL
from vehicles.commands import signed_delivery
from vehicles.models import Vehicle, VehicleGrant


@pytest.fixture
def plain(sign_in: Any, bernd: Any) -> VehicleGrant:
    """Bernd's 2018 Model S, which takes unsigned commands."""
    return _every_control(sign_in(bernd))


@pytest.fixture
def signed(sign_in: Any, dieter: Any) -> VehicleGrant:
    """Dieter's Model 3, which has the key and takes signed commands only."""
    return _every_control(sign_in(dieter))


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy car is asked again at once."""
    monkeypatch.setattr(signed_delivery, "BUSY_SECONDS", 0)


def _every_control(account: Any) -> VehicleGrant:
    made: VehicleGrant = VehicleGrantFactory(
        account=account, vehicle=Vehicle.objects.get(), requested=list(EVERY_CONTROL)
    )
    return made
