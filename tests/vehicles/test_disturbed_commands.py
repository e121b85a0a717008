"""Commands while Tesla or the way to it fails: what the caller gets, what the row says, and what the car did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import VehicleGrantFactory
from tests.vehicles.commanding import EVERY_CONTROL, calls, car_of, executed, issue, refused
from vehicles import errors
from vehicles.commands import delivery, rows
from vehicles.errors import ErrorSpec
from vehicles.models import Command, SigningSession, Vehicle, VehicleGrant
from vehicles.tesla import client
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import bulkhead

pytestmark = pytest.mark.django_db

SLOW = {"delay_ms": 900}
RUNS: list[tuple[dict[str, Any], ErrorSpec, str, int]] = [
    ({"status": 503, "effect_happens": True}, errors.UPSTREAM_NO_RESPONSE, "unknown", 1),
    ({"status": 503}, errors.UPSTREAM_NO_RESPONSE, "unknown", 0),
    ({"status": 504, "effect_happens": True}, errors.UPSTREAM_NO_RESPONSE, "unknown", 1),
    ({"cut": True, "effect_happens": True}, errors.UPSTREAM_NO_RESPONSE, "unknown", 1),
    ({"cut": True}, errors.UPSTREAM_NO_RESPONSE, "unknown", 0),
    ({"status": 500}, errors.UPSTREAM_NO_RESPONSE, "unknown", 0),
    ({"status": 200, "body": "<html>busy</html>"}, errors.UPSTREAM_NO_RESPONSE, "unknown", 0),
    ({"status": 200, "body": "<html>busy</html>", "effect_happens": True}, errors.UPSTREAM_NO_RESPONSE, "unknown", 1),
    ({"status": 200}, errors.UPSTREAM_NO_RESPONSE, "unknown", 0),
    ({"status": 502, "body": "<html>bad gateway</html>"}, errors.UPSTREAM_NO_RESPONSE, "unknown", 0),
    (SLOW | {"effect_happens": True}, errors.UPSTREAM_NO_RESPONSE, "unknown", 1),
    ({"status": 429, "headers": {"Retry-After": "9"}}, errors.UPSTREAM_RATE_LIMIT, "failed", 0),
    ({"status": 402}, errors.UPSTREAM_KNOWN_ISSUE, "failed", 0),
    ({"status": 400, "body": {"error": "invalid_command"}}, errors.UPSTREAM_UNKNOWN_ISSUE, "failed", 0),
]  # fmt: skip
"""Disturbance, what the caller gets, the row's outcome, and how often the car did it."""


@pytest.fixture(params=["signed", "plain"])
def grant(request: pytest.FixtureRequest, simulator: SimulatorServer, sign_in: Any) -> VehicleGrant:
    """A car that takes signed commands and was met before, and one that takes plain ones."""
    person = request.getfixturevalue({"signed": "dieter", "plain": "bernd"}[request.param])
    account = sign_in(person)
    made: VehicleGrant = VehicleGrantFactory(
        account=account, vehicle=Vehicle.objects.get(), requested=list(EVERY_CONTROL)
    )
    issue(made, "unlock")
    car_of(simulator, made).executed.clear()
    SigningSession.objects.update(
        lease_holder=None
    )  # The command that holds the turn goes without an outcome.
    Command.objects.all().delete()
    return made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that takes ten seconds at Tesla takes longer than we wait, only sooner."""
    for call in (client.command, client.signed_command):
        monkeypatch.setitem(call.__kwdefaults__, "read_seconds", 0.3)


def disturb(simulator: SimulatorServer, **what: Any) -> None:
    simulator.world.faults.add({"match": {"path": "/api/1/vehicles/*command*"}, "times": 1, **what})


@pytest.mark.parametrize(("disturbance", "error", "outcome", "times"), RUNS)
def test_the_caller_and_the_row_say_what_is_known(
    simulator: SimulatorServer,
    grant: VehicleGrant,
    impatient: None,
    disturbance: dict[str, Any],
    error: ErrorSpec,
    outcome: str,
    times: int,
) -> None:
    before = command_calls(simulator)
    disturb(simulator, **disturbance)
    answered = refused(grant, key="once")
    row = Command.objects.get()
    assert (answered.spec, row.error, row.outcome) == (error, error.name, outcome)
    assert answered.command_id == (str(row.pk) if outcome == "unknown" else None)
    assert row.sent_at and row.ended_at
    if "delay_ms" in disturbance:
        wait_for_effect(simulator, grant)
    else:
        assert command_calls(simulator) == before + 1
    assert executed(simulator, grant) == ["door_lock"] * times


def command_calls(simulator: SimulatorServer) -> int:
    """Calls that carry a command, signed or plain."""
    return sum("command" in call["path"] for call in simulator.world.calls.since(0))


def wait_for_effect(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    """The simulated Tesla goes on after we hung up; its next answer comes after that."""
    issue(grant, "unlock")
    car_of(simulator, grant).executed.pop()


@pytest.mark.parametrize(("disturbance", "error", "outcome", "times"), RUNS[:4])
def test_a_repeat_of_an_unknown_command_hears_the_same_and_sends_nothing(
    simulator: SimulatorServer,
    grant: VehicleGrant,
    disturbance: dict[str, Any],
    error: ErrorSpec,
    outcome: str,
    times: int,
) -> None:
    disturb(simulator, **disturbance)
    first = refused(grant, key="once")
    before = calls(simulator)
    again = refused(grant, key="once")
    assert (again.spec, again.command_id) == (first.spec, first.command_id)
    assert calls(simulator) == before
    assert executed(simulator, grant) == ["door_lock"] * times


def test_the_seconds_to_wait_are_passed_on(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    disturb(simulator, status=429, headers={"Retry-After": "9"})
    assert refused(grant).retry_after == 9


@pytest.mark.parametrize("limit", ["tesla's", "ours", "bulkhead"])
def test_a_refusal_before_the_car_was_asked_leaves_the_key_usable(
    simulator: SimulatorServer,
    grant: VehicleGrant,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    with monkeypatch.context() as patch:
        if limit == "tesla's":
            disturb(simulator, status=429)
        elif limit == "ours":
            patch.setitem(settings.TESLA_RATE_LIMITS, "commands", 0)
        else:
            patch.setattr(bulkhead, "_slots", lambda count: Full())
        assert refused(grant, key="once").spec.status in (429, 502, 503)
    assert executed(simulator, grant) == []
    assert issue(grant, key="once").outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


class Full:
    """A bulkhead with no place left."""

    def acquire(self, *, blocking: bool) -> bool:
        return False


def test_a_refusal_by_the_car_itself_uses_up_the_key(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    car = car_of(simulator, grant)
    car.in_service = True
    assert refused(grant, key="once").spec.type == "VEHICLE_STATE"
    car.in_service = False
    assert refused(grant, key="once").spec.type == "VEHICLE_STATE"
    assert executed(simulator, grant) == []


def test_a_sleeping_car_is_woken_and_does_it_once(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    car_of(simulator, grant).set_state("asleep")
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


def test_a_car_that_does_not_wake_is_told_as_asleep(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = car_of(simulator, grant)
    car.wake_seconds = 3600
    car.set_state("asleep")
    monkeypatch.setattr(delivery, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    assert refused(grant, key="once").spec is errors.ASLEEP
    assert Command.objects.get().outcome == "failed"
    car.set_state("online")
    assert issue(grant, key="once").outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


@pytest.mark.parametrize("grant", ["signed"], indirect=True)
def test_a_sleeping_car_that_was_never_met_is_woken_and_does_it_once(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    SigningSession.objects.all().delete()
    car_of(simulator, grant).set_state("asleep")
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


@pytest.mark.parametrize("grant", ["signed"], indirect=True)
def test_a_handshake_that_fails_is_a_failure_since_nothing_was_sent(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    SigningSession.objects.all().delete()
    disturb(simulator, cut=True, effect_happens=True)
    assert refused(grant, key="once").spec is errors.UPSTREAM_NO_RESPONSE
    row = Command.objects.get()
    assert (row.outcome, row.sent_at) == ("failed", None)
    assert issue(grant, key="once").outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


def test_a_fault_of_ours_surfaces_and_leaves_no_row_open(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any, **named: Any) -> Any:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(client, "command", broken)
    monkeypatch.setattr(client, "signed_command", broken)
    with pytest.raises(ZeroDivisionError):
        issue(grant)
    assert Command.objects.get().outcome == "unknown"


def test_a_worker_that_is_late_replaces_what_the_sweep_could_only_call_unknown(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = delivery.send

    def swept_meanwhile(*given: Any) -> Any:
        result = send(*given)
        rows.close_overdue(timezone.now() + timedelta(minutes=10))
        assert Command.objects.get().outcome == "unknown"
        return result

    monkeypatch.setattr(delivery, "send", swept_meanwhile)
    assert issue(grant).outcome == "succeeded"
    assert Command.objects.get().error == ""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "odd",
    [
        {"status": 408, "body": {"error": "vehicle unavailable"}},
        {"status": 500},
        {"status": 503},
        {"status": 200, "body": "<html>hello</html>"},
        {"cut": True},
    ],
)
@pytest.mark.parametrize("place", ["wake_up", "state"])
def test_waking_may_stumble_within_its_deadline(
    simulator: SimulatorServer,
    grant: VehicleGrant,
    monkeypatch: pytest.MonkeyPatch,
    odd: dict[str, Any],
    times: int,
    place: str,
) -> None:
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    vin = grant.connection.vehicle.vin
    path = f"/api/1/vehicles/{vin}/wake_up" if place == "wake_up" else f"/api/1/vehicles/{vin}"
    method = "POST" if place == "wake_up" else "GET"
    car_of(simulator, grant).set_state("asleep")
    simulator.world.faults.add(
        {"match": {"path": path, "method": method}, "times": times, "effect_happens": True, **odd}
    )
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]
