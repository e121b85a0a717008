"""Many callers at once, each with a database connection of its own: joined where they mean the same, else in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from tests.factories import VehicleGrantFactory
from tests.vehicles.commanding import EVERY_CONTROL, car_of, executed, issue
from vehicles.commands import issuing
from vehicles.errors import CatalogueError
from vehicles.models import Command, SigningSession, Vehicle, VehicleGrant
from vehicles.tesla.simulator.effects import commands as effects
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db(transaction=True)

CALLERS = 20
PATIENCE_SECONDS = 30


@pytest.fixture(params=["signed", "plain"])
def grant(request: pytest.FixtureRequest, simulator: SimulatorServer, sign_in: Any) -> VehicleGrant:
    """A car that takes signed commands, and one that takes plain ones."""
    person = request.getfixturevalue({"signed": "dieter", "plain": "bernd"}[request.param])
    account = sign_in(person)
    made: VehicleGrant = VehicleGrantFactory(
        account=account, vehicle=Vehicle.objects.get(), requested=list(EVERY_CONTROL)
    )
    return made


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = dict.fromkeys(settings.TESLA_RATE_LIMITS, 1_000_000)


@contextmanager
def callers() -> Iterator[Callable[..., Future[Command]]]:
    """Threads that give commands, each closing its database connection at the end."""

    def call(grant: VehicleGrant, *given: Any, **named: Any) -> Command:
        try:
            return issue(VehicleGrant.objects.get(pk=grant.pk), *given, **named)
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as threads:
        yield lambda *given, **named: threads.submit(call, *given, **named)


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The car obeys only when `release(n)` has seen n callers waiting for somebody else's command."""
    waiting, may_move = threading.Semaphore(0), threading.Event()
    ended, carry_out = issuing._ended, effects.carry_out

    def counted(command: Command) -> Command:
        waiting.release()
        return ended(command)

    def held(*given: Any) -> Any:
        assert may_move.wait(PATIENCE_SECONDS)
        return carry_out(*given)

    def release(waiting_callers: int) -> None:
        for _ in range(waiting_callers):
            assert waiting.acquire(timeout=PATIENCE_SECONDS)
        may_move.set()

    monkeypatch.setattr(issuing, "_ended", counted)
    monkeypatch.setattr(effects, "carry_out", held)
    return release


@pytest.mark.parametrize("key", ["same", ""])
def test_twenty_callers_who_mean_the_same_command_get_one_answer(
    simulator: SimulatorServer, grant: VehicleGrant, release: Callable[[int], None], key: str
) -> None:
    with callers() as call:
        answers = [call(grant, "lock", key) for _ in range(CALLERS)]
        release(CALLERS - 1)
    rows = [answer.result() for answer in answers]
    assert {(row.pk, row.outcome) for row in rows} == {(Command.objects.get().pk, "succeeded")}
    assert executed(simulator, grant) == ["door_lock"]


@pytest.mark.parametrize("key", ["same", ""])
def test_twenty_callers_hear_the_same_failure(
    simulator: SimulatorServer, grant: VehicleGrant, release: Callable[[int], None], key: str
) -> None:
    simulator.world.faults.add(
        {"match": {"path": "/api/1/vehicles/*/command/*"}, "cut": True, "effect_happens": True}
    )
    if grant.connection.vehicle.protocol_required:
        car_of(simulator, grant).security.disturb(fault=25, executes=True)
    with callers() as call:
        answers = [call(grant, "lock", key) for _ in range(CALLERS)]
        release(CALLERS - 1)
    errors = [answer.exception() for answer in answers]
    row = Command.objects.get()
    assert row.outcome == "unknown"
    assert all(isinstance(error, CatalogueError) and error.command_id == str(row.pk) for error in errors)
    assert executed(simulator, grant) == ["door_lock"]


def test_other_arguments_are_another_command(
    simulator: SimulatorServer, grant: VehicleGrant, release: Callable[[int], None]
) -> None:
    with callers() as call:
        answers = [call(grant, "set_charge_limit", percent=percent) for percent in (60, 70, 60, 70)]
        release(2)
    assert len({answer.result().pk for answer in answers}) == 2
    limits = [item.arguments["percent"] for item in car_of(simulator, grant).executed]
    assert sorted(limits) == [60, 70]


def test_different_keys_are_different_commands(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    with callers() as call:
        answers = [call(grant, "lock", f"key {number}") for number in range(CALLERS)]
    assert len({answer.result().pk for answer in answers}) == CALLERS
    assert executed(simulator, grant) == ["door_lock"] * CALLERS


@pytest.mark.parametrize("grant", ["signed"], indirect=True)
@pytest.mark.parametrize(
    ("names", "domain"),
    [(["lock", "unlock", "open_frunk"], 2), (["start_climate", "stop_climate", "start_defroster"], 3)],
)
def test_signed_commands_of_many_callers_never_use_a_counter_twice(
    simulator: SimulatorServer, grant: VehicleGrant, names: list[str], domain: int
) -> None:
    with callers() as call:
        answers = [call(grant, names[number % 3], f"key {number}") for number in range(CALLERS)]
    assert {answer.result().outcome for answer in answers} == {"succeeded"}
    assert len(executed(simulator, grant)) == CALLERS
    assert SigningSession.objects.get(domain=domain).counter == CALLERS
    signed = [call for call in simulator.world.calls.since(0) if call["path"].endswith("/signed_command")]
    assert len(signed) == 1 + CALLERS  # One handshake for all of them.
