"""Fleets and caller processes for the soak tests. Sizes come from the environment; the default is a short run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from tesla_protocol.command import universal_message_pb2

from tests.conftest import TESLA_ORIGINS
from tests.databases import database_url
from tests.factories import ApplicationFactory, VehicleGrantFactory
from tests.runner import ROOT
from tests.vehicles.commanding import EVERY_CONTROL
from vehicles.models import Vehicle, VehicleGrant
from vehicles.tesla.simulator.car.security import CarSecurity
from vehicles.tesla.simulator.car.vehicle_numbers import with_check_digit
from vehicles.tesla.simulator.samples.scenarios import ScenarioVehicle, person
from vehicles.tesla.simulator.server import SimulatorServer

Fleet = Callable[[int], list[VehicleGrant]]
Calls = list[dict[str, Any]]
Report = Callable[[str], None]


def size(name: str, default: int) -> int:
    """A size of the run: the environment variable `SOAK_<name>`."""
    return int(os.environ.get(f"SOAK_{name}", default))


@pytest.fixture
def fleet(simulator: SimulatorServer, sign_in: Any) -> Fleet:
    """`fleet(n)`: one person with n cars that have the key, and a grant for every control of each."""

    def fleet(cars: int) -> list[VehicleGrant]:
        numbers = [with_check_digit(f"5YJ3E7EB_LF{serial:06d}") for serial in range(700_000, 700_000 + cars)]
        owner = person(
            "soak@owners.example", "Sofia", *(ScenarioVehicle(vin, "OWNER", "present") for vin in numbers)
        )
        simulator.world.add_person(owner)
        account, application = sign_in(owner), ApplicationFactory()
        return [
            VehicleGrantFactory(
                account=account, vehicle=vehicle, application=application, requested=list(EVERY_CONTROL)
            )
            for vehicle in Vehicle.objects.order_by("vin")
        ]

    return fleet


@pytest.fixture
def report(capfd: pytest.CaptureFixture[str]) -> Report:
    """`report(line)`: numbers for whoever runs it, shown although output is kept from view."""

    def report(line: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\n{line}\n")

    return report


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often the simulated cars answered with each fault number."""
    counted: Counter[int] = Counter()
    handle = CarSecurity.handle

    def counting(*given: Any, **named: Any) -> bytes:
        answer = handle(*given, **named)
        fault = universal_message_pb2.RoutableMessage.FromString(answer).signedMessageStatus
        if fault.signed_message_fault:
            counted[fault.signed_message_fault] += 1
        return answer

    monkeypatch.setattr(CarSecurity, "handle", counting)
    return counted


@dataclass
class Caller:
    """A running caller process and the commands that were answered so far."""

    process: subprocess.Popen[str]
    calls: Calls
    heard: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self) -> None:
        """Read answers until the process ends; a line that was cut off by its end is none."""
        assert self.process.stdout
        for line in self.process.stdout:
            if line.endswith("\n"):
                number, what = json.loads(line)
                self.heard[number] = what

    @property
    def unanswered(self) -> Calls:
        return [call for call in self.calls if call["number"] not in self.heard]


Start = Callable[..., Caller]


@pytest.fixture
def start(simulator: SimulatorServer) -> Iterator[Start]:
    """`start(calls, **patience)`: a caller process on the test's own database; none outlives the test."""
    started: list[Caller] = []

    def start(calls: Calls, **patience: float) -> Caller:
        given = settings_of_the_test(simulator.url)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.caller"],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        caller = Caller(process, calls)
        started.append(caller)
        assert process.stdin
        process.stdin.write(json.dumps({"settings": given, "patience": patience, "calls": calls}))
        process.stdin.close()
        return caller

    yield start
    for caller in started:
        caller.process.kill()
        caller.process.wait()
        if caller.process.stdout:
            caller.process.stdout.close()


def settings_of_the_test(simulator_url: str) -> dict[str, Any]:
    """What another process must set to talk to our simulated Tesla with our virtual key, and without rate limits."""
    return {
        **dict.fromkeys(TESLA_ORIGINS, simulator_url),
        "TESLA_KEY_FILE": str(settings.TESLA_KEY_FILE),
        "TESLA_KEY_DOMAIN": settings.TESLA_KEY_DOMAIN,
        "TESLA_RATE_LIMITS": dict.fromkeys(settings.TESLA_RATE_LIMITS, 10**9),
    }
