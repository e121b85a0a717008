"""One odd answer of Tesla is noise: a car is not lost by it, nothing fails for it that need not, nothing breaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import VehicleGrantFactory
from tests.vehicles.commanding import EVERY_CONTROL, car_of, executed, issue, refused
from vehicles import errors, pairing, sync
from vehicles.commands import delivery, preconditions, reconciliation
from vehicles.commands.rows import PendingCommand
from vehicles.errors import CatalogueError
from vehicles.models import Command, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import scopes
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import calls

pytestmark = pytest.mark.django_db

LISTS = "/api/1/vehicles"
NOT_FOUND = {"error": "not_found"}
BODIES = [
    NOT_FOUND,
    {"error": "5YJ3E7EB7KF000000 not_found"},
    {"response": None, "error": ""},
    "<html>404 Not Found</html>",
    [],
    None,
]


@pytest.fixture
def grant(plain: VehicleGrant) -> VehicleGrant:
    """Everything on Bernd's Model S."""
    return plain


def fault(simulator: SimulatorServer, path: str, **what: Any) -> None:
    simulator.world.faults.add({"match": {"path": path}, "times": 1, **what})


def is_lost(grant: VehicleGrant) -> bool:
    return VehicleAccess.objects.get(vehicle=grant.connection.vehicle).missing_since is not None


ASKED: dict[str, tuple[str, Callable[[VehicleGrant], Any]]] = {
    "alerts": ("*/recent_alerts", lambda grant: calls.recent_alerts(grant, scopes.VEHICLE_DEVICE_DATA)),
    "data": ("*/vehicle_data", lambda grant: calls.vehicle_data(grant, ("vehicle_state",))),
    "state": (f"{LISTS}/*", calls.vehicle_state),
    "listed": (f"{LISTS}/*", calls.listed_vehicle),
    "wake": ("*/wake_up", calls.wake_up),
    "history": ("*/charging/history", lambda grant: calls.charging_history(grant, {}, scopes.VEHICLE_CHARGING_CMDS)),
    "command": ("*/command/door_lock", issue),
    "key page": (f"{LISTS}/*", lambda grant: calls.state_of(grant.account, grant.connection.vehicle)),
}  # fmt: skip
"""What can be asked of a car: the path, and how it is asked."""


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("body", BODIES)
def test_one_404_on_any_path_with_any_body_is_looked_into_and_the_call_goes_on(
    simulator: SimulatorServer, grant: VehicleGrant, asked: str, body: Any
) -> None:
    path, ask = ASKED[asked]
    fault(simulator, path, status=404, body=body)
    ask(grant)
    assert not is_lost(grant)


@pytest.mark.parametrize("asked", ASKED)
def test_a_404_that_stays_while_the_car_is_listed_is_teslas_problem(
    simulator: SimulatorServer, grant: VehicleGrant, asked: str
) -> None:
    path, ask = ASKED[asked]
    fault(simulator, path, status=404, body=NOT_FOUND, times=None)
    with pytest.raises(CatalogueError) as raised:
        ask(grant)
    assert raised.value.spec is errors.UPSTREAM_UNKNOWN_ISSUE
    assert not is_lost(grant)
    simulator.world.faults.clear()
    assert issue(VehicleGrant.objects.get()).outcome == "succeeded"


@pytest.mark.parametrize("asked", [name for name in ASKED if name != "history"])
def test_a_car_that_is_gone_from_the_list_too_is_lost(
    simulator: SimulatorServer, grant: VehicleGrant, asked: str
) -> None:
    car = car_of(simulator, grant)
    car.people.clear()
    account = simulator.world.account("bernd@owners.example")
    assert account
    account.access.pop(car.vin)
    with pytest.raises(CatalogueError) as raised:
        ASKED[asked][1](grant)
    assert raised.value.spec is errors.VEHICLE_MISSING
    assert is_lost(grant)
    assert VehicleGrant.objects.get().main_cause == "vehicle_missing"


@pytest.mark.parametrize(
    ("status", "spec"),
    [(503, errors.UPSTREAM_NO_RESPONSE), (404, errors.VEHICLE_MISSING), (429, errors.UPSTREAM_RATE_LIMIT)],
)
def test_where_the_list_cannot_be_had_nothing_is_believed(
    simulator: SimulatorServer, grant: VehicleGrant, status: int, spec: errors.ErrorSpec
) -> None:
    fault(simulator, "*/recent_alerts", status=404, body=NOT_FOUND)
    fault(simulator, LISTS, status=status)
    with pytest.raises(CatalogueError) as raised:
        ASKED["alerts"][1](grant)
    assert raised.value.spec is spec
    assert not is_lost(grant)
    assert issue(VehicleGrant.objects.get()).outcome == "succeeded"


def test_a_404_to_what_is_not_about_a_car_says_nothing_of_one(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/api/1/users/me", status=404, body=NOT_FOUND)
    with pytest.raises(CatalogueError) as raised:
        calls.profile(grant, scopes.USER_DATA)
    assert raised.value.spec is errors.UPSTREAM_UNKNOWN_ISSUE


@pytest.mark.parametrize("again", [False, True])
def test_a_list_that_once_lacks_a_car_is_read_a_second_time(
    simulator: SimulatorServer, grant: VehicleGrant, again: bool
) -> None:
    fault(simulator, LISTS, status=200, body={"response": [], "count": 0}, times=2 if again else 1)
    sync.vehicles_of(grant.account, timezone.now())
    assert is_lost(grant) is again


@pytest.mark.parametrize("grant", ["plain", "signed"], indirect=True)
@pytest.mark.parametrize(
    "stumble",
    [
        {"status": 408, "effect_happens": True},
        {"status": 408, "effect_happens": False},
        {"status": 503},
        {"status": 500, "body": "<html>oops</html>"},
        {"cut": True, "effect_happens": True},
        {"status": 200, "body": "<html>hello</html>"},
        {"status": 404, "body": NOT_FOUND},
        {"status": 429, "headers": {"RateLimit-Reset": "1"}},
    ],
)
def test_waking_may_stumble(
    simulator: SimulatorServer, grant: VehicleGrant, stumble: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    monkeypatch.setattr(delivery, "WAKE_AGAIN_SECONDS", 0.02)
    car_of(simulator, grant).set_state("asleep")
    fault(simulator, "*/wake_up", **stumble)
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


@pytest.mark.parametrize("path", [f"{LISTS}/5*", "*command*"])
def test_what_stumbles_while_the_car_comes_up_is_asked_again(
    simulator: SimulatorServer, grant: VehicleGrant, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look whether it is up fails, or it is up and does not take the command yet."""
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    car_of(simulator, grant).set_state("asleep")
    fault(simulator, path, status=408, body={"error": "vehicle unavailable"}, times=2)
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


def test_a_car_that_never_takes_it_is_given_up_and_woken_no_more_than_tesla_allows(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    monkeypatch.setattr(delivery, "WAKE_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(delivery, "WAKE_SECONDS", 0.3)
    car_of(simulator, grant).set_state("asleep")
    fault(simulator, "*/wake_up", status=408, times=None)
    assert refused(grant).spec is errors.ASLEEP
    assert executed(simulator, grant) == []
    wakes = [call for call in simulator.world.calls.since(0) if "wake_up" in call["path"]]
    assert 1 < len(wakes) <= 3


def test_waking_that_is_refused_for_good_is_not_tried_again(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    car_of(simulator, grant).set_state("asleep")
    fault(simulator, "*/wake_up", status=405, body={"error": "vehicle is currently in service"}, times=None)
    assert refused(grant).spec is errors.VEHICLE_OFFLINE_FOR_SERVICE
    assert len([call for call in simulator.world.calls.since(0) if "wake_up" in call["path"]]) == 1


@pytest.mark.parametrize(
    "reason", ["could_not_wake_buses", "car could not execute command: could_not_wake_buses"]
)
def test_a_car_whose_computers_are_still_asleep_is_asked_again(
    simulator: SimulatorServer, grant: VehicleGrant, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    answer = {"response": {"result": False, "reason": reason}}
    fault(simulator, "*command*", status=200, body=answer)
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


IN_SERVICE = [
    {"status": 405, "body": {"error": "vehicle is currently in service"}},
    {"status": 405, "body": {"error": "Vehicle is curently in service"}},
    {"status": 200, "body": {"response": None, "error": "vehicle is currently in service"}},
]


@pytest.mark.parametrize("told", IN_SERVICE)
@pytest.mark.parametrize("asked", ["alerts", "data", "command"])
def test_a_car_in_service_is_that_cause_and_served_again_once_it_is_back(
    simulator: SimulatorServer, grant: VehicleGrant, told: dict[str, Any], asked: str, time_machine: Any
) -> None:
    path, ask = ASKED[asked]
    fault(simulator, path, **told)
    with pytest.raises(CatalogueError) as raised:
        ask(grant)
    assert raised.value.spec is errors.VEHICLE_OFFLINE_FOR_SERVICE
    assert VehicleGrant.objects.get().main_cause == "in_service"
    Vehicle.objects.update(listed_at=None)
    assert issue(VehicleGrant.objects.get()).outcome == "succeeded"
    assert VehicleGrant.objects.get().main_cause == ""


@pytest.mark.parametrize("kind", ["plain", "signed"])
def test_a_car_that_says_itself_that_it_is_in_service_is_that_cause_too(
    simulator: SimulatorServer, request: pytest.FixtureRequest, kind: str
) -> None:
    grant = request.getfixturevalue(kind)
    car_of(simulator, grant).in_service = True
    assert refused(grant, "start_climate").spec is errors.VEHICLE_OFFLINE_FOR_SERVICE
    assert VehicleGrant.objects.get().main_cause == "in_service"


@pytest.mark.parametrize(
    "headers", [{"RateLimit-Reset": "9"}, {"ratelimit-reset": "8.4"}, {"X-RateLimit-Reset": "9"}]
)
def test_the_wait_is_passed_on_however_tesla_tells_it(
    simulator: SimulatorServer, grant: VehicleGrant, headers: dict[str, str]
) -> None:
    fault(simulator, "*command*", status=429, headers=headers)
    assert refused(grant).retry_after == 9


def test_a_driver_who_finds_no_key_state_does_not_stand_in_the_owners_way(
    simulator: SimulatorServer, sign_in: Any, anna: Any, clara: Any
) -> None:
    """A driver's look fails, the car then says that the key is missing, and the owner adds it."""
    fault(simulator, "/api/1/vehicles/fleet_status", status=404, body=NOT_FOUND)
    driver = sign_in(clara)
    vehicle = Vehicle.objects.get()
    grant = VehicleGrantFactory(account=driver, vehicle=vehicle, requested=list(EVERY_CONTROL))
    fault(simulator, "/api/1/vehicles/fleet_status", status=404, body=NOT_FOUND, times=None)
    assert refused(grant).spec is errors.VIRTUAL_KEY_REQUIRED
    simulator.world.faults.clear()
    car_of(simulator, grant).operators.add(simulator.world.operator.client_id)  # type: ignore[union-attr]
    owner = sign_in(anna)
    vehicle.refresh_from_db()
    assert vehicle.key == "present"
    assert pairing.refresh_key(vehicle, owner, timezone.now()).key == "present"
    assert issue(VehicleGrant.objects.get(pk=grant.pk)).outcome == "succeeded"


def test_a_look_before_a_command_survives_a_car_that_is_only_just_up(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_WAKE_POLL_SECONDS", 0.01)
    car_of(simulator, grant).set_state("asleep")
    simulator.world.faults.add(
        {
            "match": {"path": "*/vehicle_data"},
            "status": 408,
            "body": {"error": "vehicle unavailable"},
            "times": 2,
        }
    )
    asked = {"temperature": 21.0, "imperial": False}
    assert preconditions.resolve(PendingCommand(grant, "set_temperature", asked, timezone.now()), asked)


@pytest.mark.parametrize(
    "odd",
    [
        {"response": {"key_paired_vins": [{}], "unpaired_vins": 5, "vehicle_info": []}},
        {"response": {"key_paired_vins": None, "vehicle_info": {"x": 1}}},
        {"response": [{"vin": ["x"], "id": {}, "display_name": {}, "state": "s" * 300, "in_service": "no"}]},
        {"response": [None, 5, {}], "pagination": {"pages": "many"}},
        {"response": "AAA"},
        {"response": 5, "error": {"a": 1}},
        {},
    ],
)
def test_an_answer_of_another_shape_breaks_nothing(
    simulator: SimulatorServer, grant: VehicleGrant, odd: dict[str, Any]
) -> None:
    asks: list[Callable[[], Any]] = [
        lambda: sync.vehicles_of(grant.account, timezone.now()),
        lambda: calls.vehicle_data(grant, ("vehicle_state",)),
        lambda: issue(grant),
        lambda: calls.listed_vehicle(grant),
    ]
    for ask in asks:
        simulator.world.faults.clear()
        fault(simulator, "/api/1/vehicles", status=200, body=odd, times=None)
        with suppress(CatalogueError):  # The only way in which it may fail.
            ask()


def low_current(simulator: SimulatorServer, grant: VehicleGrant) -> list[int]:
    """The currents that the car was told, and last the one it has."""
    car = car_of(simulator, grant)
    told = [item.arguments["charging_amps"] for item in car.executed]
    return [*told, car.sections["charge_state"]["charge_amps"]]


@pytest.mark.parametrize("grant", ["plain", "signed"], indirect=True)
@pytest.mark.parametrize(
    ("amps", "expected"), [(16, [16, 16]), (5, [5, 5]), (4, [4, 4, 4]), (1, [1, 1, 1]), (0, [0, 0, 0])]
)
def test_a_low_current_is_said_twice_under_one_row(
    simulator: SimulatorServer, grant: VehicleGrant, amps: int, expected: list[int]
) -> None:
    assert issue(grant, "set_amperage", charging_amps=amps).outcome == "succeeded"
    assert low_current(simulator, grant) == expected
    assert Command.objects.count() == 1


@pytest.mark.parametrize("grant", ["plain", "signed"], indirect=True)
@pytest.mark.parametrize(
    ("disturbance", "outcome"),
    [
        ({"status": 503, "effect_happens": True}, "unknown"),
        ({"cut": True, "effect_happens": True}, "unknown"),
        ({"status": 200, "body": {"response": {"result": False, "reason": "disconnected"}}}, "failed"),
        ({"status": 429}, "failed"),
    ],
)
def test_a_low_current_is_said_again_only_after_the_first_succeeded(
    simulator: SimulatorServer, grant: VehicleGrant, disturbance: dict[str, Any], outcome: str
) -> None:
    if Vehicle.objects.get().protocol_required and "body" in disturbance:
        pytest.skip("what a car signs cannot be made up")
    issue(grant, "set_amperage", charging_amps=10)
    Command.objects.all().delete()
    car_of(simulator, grant).executed.clear()
    fault(simulator, "*command*", **disturbance)
    refused(grant, "set_amperage", charging_amps=3)
    assert Command.objects.get().outcome == outcome
    assert len(car_of(simulator, grant).executed) == disturbance.get("effect_happens", 0)


def test_the_second_of_a_low_current_may_be_the_one_that_is_lost(
    simulator: SimulatorServer, grant: VehicleGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = delivery.send

    def losing_the_second(*given: Any) -> Any:
        result = send(*given)
        fault(simulator, "*command*", cut=True)
        return result

    monkeypatch.setattr(delivery, "send", losing_the_second)
    refused(grant, "set_amperage", charging_amps=3)
    assert Command.objects.get().outcome == "unknown"
    assert low_current(simulator, grant) == [3, 5]
    Command.objects.update(sent_at=timezone.now() - reconciliation.QUIET * 2)
    assert reconciliation.reconcile(timezone.now()) == 1
    assert Command.objects.get().outcome == "failed"


@pytest.mark.parametrize("name", ["Red \ud83d", "\udc00", "Nul\x00", "\u202egnorw", "x" * 5000, "\x1b[31m"])
def test_a_name_that_no_page_can_show_is_cleaned_before_it_is_kept(
    simulator: SimulatorServer, grant: VehicleGrant, name: str
) -> None:
    car = car_of(simulator, grant)
    car.name = car.sections["vehicle_state"]["vehicle_name"] = name
    sync.vehicles_of(grant.account, timezone.now())
    kept = Vehicle.objects.get().display_name
    told = calls.vehicle_data(grant, ("vehicle_state",))["vehicle_state"]["vehicle_name"]
    for text in (kept, told):
        assert text.encode().decode() == text
        assert not text or text.isprintable()
    assert len(kept) <= 128
