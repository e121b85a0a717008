"""Commands: each is carried out once, and its row says how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import CommandFactory, VehicleGrantFactory
from tests.vehicles.commanding import car_of, executed, issue, refused
from vehicles import errors
from vehicles.commands import rows
from vehicles.models import Command, Event, Vehicle, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db


def fault(simulator: SimulatorServer, **what: Any) -> None:
    simulator.world.faults.add({"match": {"path": "/api/1/vehicles/*command*"}, **what})


@pytest.mark.parametrize("which", ["plain", "signed"])
def test_a_lock_reaches_the_car_and_its_row_says_so(
    simulator: SimulatorServer, request: pytest.FixtureRequest, which: str
) -> None:
    grant = request.getfixturevalue(which)
    command = issue(grant)
    assert (command.outcome, command.error) == ("succeeded", "")
    assert command.sent_at and command.ended_at
    assert executed(simulator, grant) == ["door_lock"]
    assert Event.objects.get(kind="command:ended").data["outcome"] == "succeeded"


CONTROLS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("unlock", {}, ["door_unlock"]),
    ("set_charge_limit", {"percent": 70}, ["set_charge_limit"]),
    ("set_amperage", {"charging_amps": 12}, ["set_charging_amps"]),
    ("open_charge_port", {}, ["charge_port_door_open"]),
    ("start_climate", {}, ["auto_conditioning_start"]),
    ("set_temperature", {"celsius": 21.0}, ["set_temps"]),
    ("start_defroster", {}, ["set_preconditioning_max"]),
    ("open_frunk", {}, ["actuate_trunk"]),
    ("open_trunk", {}, ["actuate_trunk"]),
    ("clear_pin", {}, ["clear_pin_to_drive_admin"]),
    ("set_pin", {"pin": "1234"}, ["clear_pin_to_drive_admin", "set_pin_to_drive"]),
    ("send_destination", {"latitude": 37.5, "longitude": -122.25, "timestamp_ms": 1}, ["navigation_request"]),
]


@pytest.mark.parametrize(("name", "arguments", "expected"), CONTROLS)
def test_every_control_works_on_a_car_that_wants_signatures(
    simulator: SimulatorServer,
    signed: VehicleGrant,
    name: str,
    arguments: dict[str, Any],
    expected: list[str],
) -> None:
    assert issue(signed, name, **arguments).outcome == "succeeded"
    assert executed(simulator, signed) == expected


def test_a_pin_is_never_stored(signed: VehicleGrant, simulator: SimulatorServer) -> None:
    command = issue(signed, "set_pin", pin="4711")
    row = Command.objects.values().get(pk=command.pk)
    # The mark is a keyed digest, in whose digits any four may stand by chance.
    assert "4711" not in str({name: value for name, value in row.items() if name != "fingerprint"})
    assert "4711" not in str(list(Event.objects.values()))


def test_a_second_command_needs_no_new_handshake(simulator: SimulatorServer, signed: VehicleGrant) -> None:
    issue(signed)
    before = len(simulator.world.calls.since(0))
    issue(signed, "unlock")
    assert len(simulator.world.calls.since(0)) == before + 1


def test_a_car_that_restarted_is_met_again_by_itself(
    simulator: SimulatorServer, signed: VehicleGrant
) -> None:
    issue(signed)
    car_of(simulator, signed).security.reboot(simulator.world.clock.now())
    issue(signed, "unlock")
    assert executed(simulator, signed) == ["door_lock", "door_unlock"]


def test_a_key_removed_in_between_is_noticed_by_the_command(
    simulator: SimulatorServer, signed: VehicleGrant
) -> None:
    issue(signed)
    car = car_of(simulator, signed)
    car.operators.clear()
    car.keys.clear()
    error = refused(signed)
    assert error.spec is errors.VIRTUAL_KEY_REQUIRED
    assert "/_ak/" in (error.resolution_url or "")
    assert Vehicle.objects.get().key == "absent"
    assert executed(simulator, signed) == ["door_lock"]


def test_without_the_key_nothing_is_sent_and_the_key_is_looked_for_once(
    simulator: SimulatorServer, sign_in: Any, anna: Any
) -> None:
    account = sign_in(anna)
    vehicle = Vehicle.objects.get(vin=anna.vehicles[0].vin)
    Vehicle.objects.update(key_observed_at=timezone.now() - timedelta(minutes=1))
    vehicle.refresh_from_db()
    grant = VehicleGrantFactory(account=account, vehicle=vehicle, requested=["control_security"])
    before = len(simulator.world.calls.since(0))
    assert refused(grant).spec is errors.VIRTUAL_KEY_REQUIRED
    paths = [call["path"] for call in simulator.world.calls.since(before)]
    assert paths[-1:] == ["/api/1/vehicles/fleet_status"]
    assert not Command.objects.exists()


def test_a_key_added_a_moment_ago_is_found_by_the_command(
    simulator: SimulatorServer, sign_in: Any, anna: Any
) -> None:
    account = sign_in(anna)
    vehicle = Vehicle.objects.get(vin=anna.vehicles[0].vin)
    assert simulator.world.operator
    car = simulator.world.car(vehicle.vin)
    assert car
    car.operators.add(simulator.world.operator.client_id)
    Vehicle.objects.update(key_observed_at=timezone.now() - timedelta(minutes=1))
    vehicle.refresh_from_db()
    grant = VehicleGrantFactory(account=account, vehicle=vehicle, requested=["control_security"])
    assert issue(grant).outcome == "succeeded"


def test_a_sleeping_car_is_woken_for_a_command_unless_the_application_does_not_want_it(
    simulator: SimulatorServer, plain: VehicleGrant
) -> None:
    car_of(simulator, plain).last_known_state = "asleep"
    plain.connection.application.wakes_for_commands = False
    assert refused(plain).spec is errors.ASLEEP
    plain.connection.application.wakes_for_commands = True
    assert issue(plain).outcome == "succeeded"
    assert executed(simulator, plain) == ["door_lock"]


@pytest.mark.parametrize(
    ("disturbance", "error", "outcome", "times"),
    [
        ({"status": 503, "effect_happens": True}, "UPSTREAM:NO_RESPONSE", "unknown", 1),
        ({"cut": True, "effect_happens": True}, "UPSTREAM:NO_RESPONSE", "unknown", 1),
        ({"status": 500}, "UPSTREAM:NO_RESPONSE", "unknown", 0),
        ({"status": 200, "body": "<html>"}, "UPSTREAM:NO_RESPONSE", "unknown", 0),
        ({"status": 429, "headers": {"Retry-After": "9"}}, "UPSTREAM:RATE_LIMIT", "failed", 0),
    ],
)
def test_what_is_known_after_a_disturbance_is_what_the_row_and_the_caller_are_told(
    simulator: SimulatorServer,
    plain: VehicleGrant,
    disturbance: dict[str, Any],
    error: str,
    outcome: str,
    times: int,
) -> None:
    fault(simulator, times=1, **disturbance)
    assert refused(plain).spec.name == error
    command = Command.objects.get()
    assert command.outcome == outcome
    assert len(executed(simulator, plain)) == times


def test_an_unknown_outcome_names_the_command(simulator: SimulatorServer, plain: VehicleGrant) -> None:
    fault(simulator, cut=True, effect_happens=True, times=1)
    assert refused(plain).command_id == str(Command.objects.get().pk)


def test_the_cars_own_refusal_is_told_as_the_state_that_prevents_it(
    simulator: SimulatorServer, plain: VehicleGrant
) -> None:
    car_of(simulator, plain).in_service = True
    assert refused(plain).spec.type == "VEHICLE_STATE"
    assert Command.objects.get().outcome == "failed"


def test_a_repeat_under_the_same_key_gets_the_first_answer_and_sends_nothing(
    simulator: SimulatorServer, plain: VehicleGrant
) -> None:
    first = issue(plain, key="abc")
    again = issue(plain, key="abc")
    assert first.pk == again.pk
    assert executed(simulator, plain) == ["door_lock"]


def test_a_repeat_of_an_unknown_outcome_is_not_sent_again(
    simulator: SimulatorServer, plain: VehicleGrant
) -> None:
    fault(simulator, cut=True, effect_happens=True, times=1)
    assert refused(plain, key="abc").spec is errors.UPSTREAM_NO_RESPONSE
    assert refused(plain, key="abc").spec is errors.UPSTREAM_NO_RESPONSE
    assert executed(simulator, plain) == ["door_lock"]


def test_the_same_key_for_another_command_is_refused_and_sends_nothing(
    simulator: SimulatorServer, plain: VehicleGrant
) -> None:
    issue(plain, key="abc")
    assert refused(plain, "unlock", key="abc").spec is errors.VALIDATION
    assert executed(simulator, plain) == ["door_lock"]


def test_a_refusal_before_anything_was_sent_does_not_use_up_the_key(
    simulator: SimulatorServer, signed: VehicleGrant
) -> None:
    car = car_of(simulator, signed)
    car.operators.clear()
    car.keys.clear()
    assert refused(signed, key="abc").spec is errors.VIRTUAL_KEY_REQUIRED
    assert simulator.world.operator
    car.operators.add(simulator.world.operator.client_id)
    Vehicle.objects.update(key="unknown", key_reason="stale")
    signed.connection.vehicle.refresh_from_db()
    assert issue(signed, key="abc").outcome == "succeeded"


def test_a_key_is_forgotten_after_a_day(simulator: SimulatorServer, plain: VehicleGrant) -> None:
    first = issue(plain, key="abc")
    Command.objects.filter(pk=first.pk).update(created_at=timezone.now() - timedelta(hours=25))
    assert issue(plain, key="abc").pk != first.pk
    assert executed(simulator, plain) == ["door_lock", "door_lock"]


def test_a_worker_killed_before_sending_leaves_a_failure_and_after_it_an_unknown() -> None:
    past = timezone.now() - timedelta(minutes=5)
    unsent = CommandFactory(outcome="pending", ended_at=None, created_at=past, deadline_at=past)
    sent = CommandFactory(outcome="pending", ended_at=None, created_at=past, deadline_at=past, sent_at=past)
    running = CommandFactory(outcome="pending", ended_at=None)
    assert rows.close_overdue(timezone.now()) == 2
    outcomes = {row.pk: row.outcome for row in Command.objects.all()}
    assert (outcomes[unsent.pk], outcomes[sent.pk], outcomes[running.pk]) == ("failed", "unknown", "pending")


def test_nothing_is_sent_after_the_deadline(
    simulator: SimulatorServer, plain: VehicleGrant, monkeypatch: Any
) -> None:
    monkeypatch.setattr(rows, "DEADLINE", timedelta(seconds=-1))
    assert refused(plain).spec is errors.UPSTREAM_NO_RESPONSE
    assert executed(simulator, plain) == []
    assert Command.objects.get().outcome == "failed"


def test_where_somebody_wants_to_go_is_never_stored(signed: VehicleGrant, simulator: SimulatorServer) -> None:
    command = issue(signed, "send_destination", latitude=48.137, longitude=11.575, timestamp_ms=1)
    assert "48.137" not in str(Command.objects.values().get(pk=command.pk))


def test_a_driver_commands_the_car_once_the_owners_key_is_on_it_and_not_before(
    simulator: SimulatorServer, sign_in: Any, clara: Any
) -> None:
    account = sign_in(clara)
    Vehicle.objects.update(key_observed_at=timezone.now() - timedelta(minutes=1))
    vehicle = Vehicle.objects.get()
    grant = VehicleGrantFactory(
        account=account, vehicle=vehicle, requested=["control_security"], access="DRIVER"
    )
    assert refused(grant).spec is errors.VIRTUAL_KEY_REQUIRED
    assert simulator.world.operator
    car_of(simulator, grant).operators.add(simulator.world.operator.client_id)
    Vehicle.objects.update(key_observed_at=timezone.now() - timedelta(minutes=1))
    vehicle.refresh_from_db()
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


@pytest.mark.parametrize(("kind", "source"), [("signed", "car_refusal"), ("plain", "api_denial")])
def test_a_car_without_mobile_access_is_remembered_and_served_again_once_it_is_on(
    simulator: SimulatorServer, request: pytest.FixtureRequest, kind: str, source: str
) -> None:
    grant = request.getfixturevalue(kind)
    car_of(simulator, grant).mobile_access = False
    assert refused(grant).spec is errors.REMOTE_ACCESS_DISABLED
    event = Event.objects.filter(kind="vehicle:changed").latest("pk")
    assert (event.data["after"], event.data["source"]) == ({"remote_access_disabled": True}, source)
    grant.refresh_from_db()
    assert (grant.verdict, grant.main_cause) == ("blocked", "remote_access_disabled")
    car_of(simulator, grant).mobile_access = True
    Vehicle.objects.update(listed_at=timezone.now() - timedelta(seconds=11))
    grant.connection.vehicle.refresh_from_db()
    assert issue(grant).outcome == "succeeded"
    assert VehicleGrant.objects.get().main_cause == ""


def sent(simulator: SimulatorServer, since: int) -> list[tuple[str, int]]:
    """What kind of command Tesla was asked for since then, and how it answered."""
    asked = [call for call in simulator.world.calls.since(0)[since:] if "command" in call["path"]]
    return [("signed" if "signed_command" in call["path"] else "plain", call["status"]) for call in asked]


def test_a_car_that_takes_no_signatures_is_sent_none_from_then_on(
    simulator: SimulatorServer, signed: VehicleGrant
) -> None:
    car_of(simulator, signed).protocol_required = False
    car_of(simulator, signed).protocol_supported = False
    began = len(simulator.world.calls.since(0))
    assert issue(signed).outcome == "succeeded"
    assert sent(simulator, began) == [("signed", 422), ("plain", 200)]
    again = VehicleGrant.objects.get(pk=signed.pk)
    assert issue(again, "unlock").outcome == "succeeded"
    assert sent(simulator, began)[2:] == [("plain", 200)]
    assert executed(simulator, signed) == ["door_lock", "door_unlock"]


def test_a_car_that_demands_signatures_gets_them_from_then_on(
    simulator: SimulatorServer, signed: VehicleGrant
) -> None:
    Vehicle.objects.filter(pk=signed.connection.vehicle_id).update(protocol_required=False)
    began = len(simulator.world.calls.since(0))
    assert issue(VehicleGrant.objects.get(pk=signed.pk)).outcome == "succeeded"
    assert sent(simulator, began)[0] == ("plain", 403)
    began = len(simulator.world.calls.since(0))
    assert issue(VehicleGrant.objects.get(pk=signed.pk), "unlock").outcome == "succeeded"
    assert {kind for kind, _ in sent(simulator, began)} == {"signed"}
    assert executed(simulator, signed) == ["door_lock", "door_unlock"]
