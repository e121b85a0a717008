"""A car's words of refusal mean the same in every spelling in which they come, and each is known from somewhere."""

from __future__ import annotations

import pytest

from tests.vehicles.commanding import car_of, executed, issue, refused
from vehicles import errors
from vehicles.commands import car_refusals
from vehicles.errors import ErrorSpec
from vehicles.models import VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.vehicle_commands import COMMANDS


@pytest.mark.parametrize(
    "reason",
    [
        "closures_open",
        "CLOSURES_OPEN",
        " closures open ",
        "car could not execute command: closures_open",
        "vcsec could not execute command: genericError:GENERICERROR_CLOSURES_OPEN",
        "GENERICERROR_CLOSURES_OPEN",
    ],
)
def test_a_reason_is_one_whoever_passed_it_on(reason: str) -> None:
    assert car_refusals.word_of(reason) == "closures_open"
    assert car_refusals.meaning(reason) is errors.DOOR_OPEN


def test_every_row_can_be_met_and_says_where_it_is_known() -> None:
    for word, row in car_refusals.REFUSALS.items():
        assert word == car_refusals.word_of(word)
        assert row.known_to
    for (command, word), known_to in car_refusals.ALREADY_SO.items():
        assert command in COMMANDS
        assert word == car_refusals.word_of(word)
        assert known_to


@pytest.mark.parametrize("reason", ["", "  ", "car could not execute command: ", "something new", "🚗" * 300])
def test_words_that_nobody_knows_are_an_unknown_state(reason: str) -> None:
    assert car_refusals.meaning(reason) is errors.VEHICLE_STATE_UNKNOWN
    assert not car_refusals.is_already_so("charge_start", reason)


def answer(simulator: SimulatorServer, reason: str, times: int | None = None) -> None:
    body = {"response": {"result": False, "reason": reason}}
    simulator.world.faults.add(
        {"match": {"path": "*/command/*"}, "status": 200, "body": body, "times": times}
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("start_charge", "charging"),
        ("start_charge", "is_charging"),
        ("start_charge", "requested"),
        ("stop_charge", "car could not execute command: not_charging"),
        ("lock", "already_locked"),
        ("lock", "already_set"),
    ],
)
def test_a_car_that_is_as_wanted_has_done_it(
    simulator: SimulatorServer, plain: VehicleGrant, name: str, reason: str
) -> None:
    answer(simulator, reason)
    assert issue(plain, name).outcome == "succeeded"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reason", "spec"),
    [
        ("vehicle is currently in service", errors.VEHICLE_OFFLINE_FOR_SERVICE),
        ("vehicle_not_in_park", errors.IN_MOTION),
        ("car could not execute command: no_power", errors.CHARGE_FAULT),
        ("disconnected", errors.CHARGING_PLUG_NOT_CONNECTED),
        ("not_supported", errors.VEHICLE_NOT_CAPABLE),
        ("x" * 300, errors.VEHICLE_STATE_UNKNOWN),
        ("", errors.VEHICLE_STATE_UNKNOWN),
    ],
)
def test_what_a_car_refuses_for_is_told_as_the_state_it_means(
    simulator: SimulatorServer, plain: VehicleGrant, reason: str, spec: ErrorSpec
) -> None:
    answer(simulator, reason)
    assert refused(plain, "start_charge").spec is spec
    assert executed(simulator, plain) == []


@pytest.mark.django_db
@pytest.mark.parametrize("grant", ["plain", "signed"])
def test_a_wheel_that_the_car_does_not_heat_while_its_climate_is_off_is_told_in_its_words(
    simulator: SimulatorServer, request: pytest.FixtureRequest, grant: str
) -> None:
    found = request.getfixturevalue(grant)
    error = refused(found, "start_steering_wheel")
    assert error.spec is errors.VEHICLE_STATE_UNKNOWN
    assert "remote comfort settings are not enabled" in error.description
    assert car_of(simulator, found).executed == []
