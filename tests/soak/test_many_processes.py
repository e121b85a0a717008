"""Many processes that command the same cars: every counter is good, and the cars do exactly what the rows say."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from tests.soak.conftest import Calls, Fleet, Report, Start, size
from vehicles.commands.rows import close_overdue
from vehicles.models import Command, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]

PROCESSES = size("PROCESSES", 3)
COMMANDS = size("COMMANDS", 10)
CARS = size("CARS", 10 if PROCESSES < 10 else 50)
KEYS = size("KEYS", 30)
KILLS = size("KILLS", 4)
PATIENCE_SECONDS = size("PATIENCE", 1200)
PATIENCE = {"deadline": 6, "grace": 2, "turn": 4}
"""Seconds after which workers that were killed are given up; the product waits ten times as long."""


@pytest.mark.parametrize("cars", [1, CARS])
def test_no_counter_is_ever_refused_because_of_us(
    simulator: SimulatorServer, fleet: Fleet, start: Start, report: Report, refusals: Counter[int], cars: int
) -> None:
    grants = fleet(cars)
    began = time.monotonic()
    callers = [start(plan(grants, caller, COMMANDS)) for caller in range(PROCESSES)]
    for caller in callers:
        assert caller.process.wait(PATIENCE_SECONDS) == 0
    seconds = time.monotonic() - began
    for caller in callers:
        caller.listener.join()
    answers = Counter(what for caller in callers for what in caller.heard.values())

    report(f"{PROCESSES} x {COMMANDS} on {cars}: {seconds:.0f} s, {dict(answers)}, faults {dict(refusals)}")
    assert refusals == Counter()
    assert answers == Counter(succeeded=PROCESSES * COMMANDS)
    assert executed(simulator, grants) == asked(Command.objects.filter(outcome="succeeded"))
    assert Command.objects.count() == PROCESSES * COMMANDS


def test_a_key_is_carried_out_at_most_once_whatever_is_killed(
    simulator: SimulatorServer, fleet: Fleet, start: Start, report: Report
) -> None:
    grants = fleet(5)
    chance = random.Random(20)
    calls = keyed(grants)
    callers = [start(calls[each::PROCESSES], **PATIENCE) for each in range(PROCESSES)]
    heard: dict[int, str] = {}
    kills = 0
    while callers:
        time.sleep(chance.uniform(0.001, 0.02))
        at_work = [caller for caller in callers if caller.heard and caller.unanswered]
        answered = len(heard) + sum(len(caller.heard) for caller in callers)
        if at_work and kills < KILLS and answered >= (kills + 1) * KEYS // (KILLS + 1):
            kills += 1
            chance.choice(at_work).process.kill()
        for caller in [each for each in callers if each.process.poll() is not None]:
            callers.remove(caller)
            caller.listener.join()
            heard |= caller.heard
            if caller.unanswered:
                callers.append(start(caller.unanswered, **PATIENCE))
    close_overdue(timezone.now() + timedelta(minutes=5))
    report(f"{KEYS} keys, {kills} kills: {dict(Counter(heard.values()))}, rows {dict(outcomes())}")
    assert kills
    assert heard.keys() == {call["number"] for call in calls}
    assert not Command.objects.filter(outcome="pending").exists()
    done = executed(simulator, grants)
    assert set(done.values()) == {1}
    assert not asked(Command.objects.filter(outcome="succeeded")) - done
    assert not done - asked(Command.objects.exclude(outcome="failed"))


def plan(grants: list[VehicleGrant], caller: int, number: int) -> Calls:
    """Commands to both computers of the cars in turn, each under a key of its own, so that none is joined."""
    made = []
    for each in range(number):
        grant = grants[(caller * number + each) % len(grants)]
        name, arguments = ("lock", {}) if each % 2 else ("set_amperage", {"charging_amps": 5 + each % 250})
        key = f"{caller}-{each}"
        made.append(
            {"number": each, "grant": str(grant.pk), "name": name, "arguments": arguments, "key": key}
        )
    return made


def keyed(grants: list[VehicleGrant]) -> Calls:
    """Commands that differ in car or arguments, so that the car's own list tells which key each came from."""
    made = []
    for each in range(KEYS):
        # From five on, for the car takes less only with the second of two commands.
        grant, amps = grants[each % len(grants)], 5 + each // len(grants)
        made.append(
            {
                "number": each,
                "grant": str(grant.pk),
                "name": "set_amperage",
                "arguments": {"charging_amps": amps},
                "key": f"key-{each}",
            }
        )
    return made


def executed(simulator: SimulatorServer, grants: list[VehicleGrant]) -> Counter[tuple[str, str]]:
    """What each car carried out and how often: VIN and amperes, or VIN and "lock"."""
    counted: Counter[tuple[str, str]] = Counter()
    for grant in grants:
        car = simulator.world.car(grant.connection.vehicle.vin)
        assert car
        counted.update((car.vin, str(done.arguments.get("charging_amps", "lock"))) for done in car.executed)
    return counted


def asked(rows: QuerySet[Command]) -> Counter[tuple[str, str]]:
    """The same of command rows."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows.select_related("grant__connection__vehicle"):
        counted[row.grant.connection.vehicle.vin, str(row.arguments.get("charging_amps", "lock"))] += 1
    return counted


def outcomes() -> Counter[str]:
    return Counter(Command.objects.values_list("outcome", flat=True))
