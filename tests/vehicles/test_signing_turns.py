"""Who may send to a car now: vehicle security gets one command at a time, infotainment as many as it keeps apart."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import AccessTokenFactory, CommandFactory, VehicleGrantFactory
from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import executed, issue, refused
from vehicles import errors
from vehicles.commands import signed_delivery, signing_sessions
from vehicles.models import Command, SigningSession, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

IN_TURN, ALL_COMERS = "unlock", "start_climate"
CALLERS, ROOM = 12, 3
STATEMENTS = 6


@pytest.fixture
def grant(signed: VehicleGrant, settings: Any, monkeypatch: pytest.MonkeyPatch) -> VehicleGrant:
    """The car that takes signed commands only; both its computers were met, and nobody waits long for them."""
    settings.TESLA_RATE_LIMITS = dict.fromkeys(settings.TESLA_RATE_LIMITS, 1_000_000)
    for control in (IN_TURN, ALL_COMERS):
        issue(signed, control)
    monkeypatch.setattr(signed_delivery, "TURN_WAIT_SECONDS", 0.2)
    return signed


def sent(grant: VehicleGrant, **fields: Any) -> Command:
    """A command of another process that is on its way to the car."""
    row: Command = CommandFactory(
        grant=grant, outcome="pending", ended_at=None, **{"sent_at": timezone.now()} | fields
    )
    return row


def give_turn_to(command: Command, ago: timedelta = timedelta()) -> None:
    """The turn at vehicle security, taken by this command a while ago."""
    until = timezone.now() + signing_sessions.TURN - ago
    SigningSession.objects.filter(domain=2).update(lease_holder=command.pk, lease_until=until)


@pytest.mark.django_db
def test_vehicle_security_is_sent_nothing_while_another_command_is_out(grant: VehicleGrant) -> None:
    other = sent(grant)
    give_turn_to(other)
    error = refused(grant, IN_TURN)
    assert (error.spec, error.retry_after) == (errors.RATE_LIMIT_VEHICLE, 5)
    assert Command.objects.get(outcome="failed").sent_at is None
    assert issue(grant, ALL_COMERS).outcome == "succeeded"


@pytest.mark.django_db
@pytest.mark.parametrize("outcome", ["succeeded", "failed", "unknown"])
def test_the_turn_ends_with_the_outcome_of_the_command_that_has_it(grant: VehicleGrant, outcome: str) -> None:
    give_turn_to(CommandFactory(grant=grant, outcome=outcome))
    assert issue(grant, IN_TURN).outcome == "succeeded"


@pytest.mark.django_db
def test_the_turn_of_a_worker_that_stopped_runs_out(grant: VehicleGrant) -> None:
    give_turn_to(sent(grant), ago=signing_sessions.TURN + timedelta(seconds=1))
    assert issue(grant, IN_TURN).outcome == "succeeded"


@pytest.mark.django_db
def test_infotainment_is_sent_no_more_than_it_keeps_apart(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    rows = [sent(grant) for _ in range(signing_sessions.MOST_OUTSTANDING)]
    before = executed(simulator, grant)
    assert refused(grant, ALL_COMERS).spec is errors.RATE_LIMIT_VEHICLE
    assert executed(simulator, grant) == before
    Command.objects.filter(pk=rows[0].pk).update(outcome="unknown", ended_at=timezone.now())
    assert issue(grant, ALL_COMERS).outcome == "succeeded"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields", [{"sent_at": None}, {"sent_at": timezone.now() - signing_sessions.TURN - timedelta(seconds=1)}]
)
def test_commands_not_sent_yet_and_those_of_workers_that_stopped_take_no_room(
    grant: VehicleGrant, fields: dict[str, Any]
) -> None:
    for _ in range(signing_sessions.MOST_OUTSTANDING):
        sent(grant, **fields)
    assert issue(grant, ALL_COMERS).outcome == "succeeded"


@pytest.mark.django_db
def test_commands_to_other_cars_take_no_room(grant: VehicleGrant) -> None:
    other = VehicleGrantFactory()
    for _ in range(signing_sessions.MOST_OUTSTANDING):
        sent(other)
    assert issue(grant, ALL_COMERS).outcome == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_callers_at_once_never_go_beyond_the_room(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_delivery, "TURN_WAIT_SECONDS", 60)
    monkeypatch.setattr(signing_sessions, "MOST_OUTSTANDING", ROOM)
    simulator.world.faults.add(
        {"match": {"path": "/api/1/vehicles/*/signed_command"}, "delay_ms": 200, "times": CALLERS}
    )

    def call(number: int) -> Command:
        try:
            return issue(VehicleGrant.objects.get(pk=grant.pk), ALL_COMERS, f"key {number}")
        finally:
            connection.close()

    out = Command.objects.filter(outcome="pending", sent_at__isnull=False)
    seen = {0}
    with ThreadPoolExecutor(CALLERS) as threads:
        answers = [threads.submit(call, number) for number in range(CALLERS)]
        while not all(answer.done() for answer in answers):
            seen.add(out.count())
            threading.Event().wait(0.01)
    assert {answer.result().outcome for answer in answers} == {"succeeded"}
    assert max(seen) == ROOM


@pytest.mark.django_db(transaction=True)
def test_a_signed_command_costs_no_more_statements_than_this(grant: VehicleGrant) -> None:
    """Grant; counter, budgets, intent; outcome, event. One more is paid for by every command."""
    token = AccessTokenFactory(application=grant.connection.application, user=grant.account.person)
    call = Calls(grant, token.raw)
    assert call.lock().status_code == 200
    with CaptureQueriesContext(connection) as queries:
        assert call.lock().status_code == 200
    statements = [
        query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT"))
    ]
    assert len(statements) <= STATEMENTS, "\n".join(statements)
