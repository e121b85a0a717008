"""A command that was sent is never answered "try again" because our own database went away in the meantime."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.utils import timezone

from tests.factories import VehicleGrantFactory
from tests.faults.locked_database import locked
from tests.vehicles.commanding import EVERY_CONTROL, executed, refused
from vehicles import errors
from vehicles.commands import rows
from vehicles.models import Command, Vehicle, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer


@pytest.fixture
def grant(simulator: SimulatorServer, sign_in: Any, bernd: Any) -> VehicleGrant:
    """A car that takes plain commands."""
    if connection.vendor != "sqlite":
        pytest.skip("locks the file of SQLite")
    made: VehicleGrant = VehicleGrantFactory(
        account=sign_in(bernd), vehicle=Vehicle.objects.get(), requested=list(EVERY_CONTROL)
    )
    return made


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_command_whose_outcome_could_not_be_written_is_unknown(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    simulator.world.faults.add({"match": {"path": "*command*"}, "delay_ms": 1500, "times": 1})
    file = Path(connection.settings_dict["NAME"])
    with ExitStack() as until_the_end:

        def lock_once_it_is_sent() -> None:
            while not Command.objects.exclude(sent_at=None).exists():
                time.sleep(0.02)
            until_the_end.enter_context(locked(file))
            connections.close_all()

        locking = threading.Thread(target=lock_once_it_is_sent)
        locking.start()
        error = refused(grant)
        locking.join()
    assert (error.spec, error.retry_after) == (errors.UPSTREAM_NO_RESPONSE, None)
    row = Command.objects.get()
    assert error.command_id == str(row.pk)
    assert executed(simulator, grant) == ["door_lock"]
    later = row.deadline_at + 2 * rows.GRACE
    with time_machine.travel(later):
        assert rows.close_overdue(timezone.now()) == 1
    row.refresh_from_db()
    assert row.outcome == "unknown"
