"""Cars of one account are told apart by their colour, learnt where that costs little and wakes nobody."""

from __future__ import annotations

import pytest

from connect.templatetags import colours
from tests.connect.conftest import Journey
from vehicles.models import Vehicle
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer


@pytest.mark.parametrize(
    ("paint", "words"),
    [
        ("MidnightSilver", "dark grey"),
        ("PearlWhite", "white"),
        ("RedMulticoat", "red"),
        ("SolidBlack", "black"),
        ("UltraRed", "red"),
        ("GlacierBlue", "blue"),
        ("Custom", ""),
        ("", ""),
    ],
)
def test_paints_are_called_as_owners_call_them(paint: str, words: str) -> None:
    assert colours.in_words(paint) == words


def test_an_owner_of_several_cars_reads_the_colour_on_the_key_page(
    journey: Journey, anna: ScenarioPerson, simulator: SimulatorServer
) -> None:
    _repaint(simulator, anna, "RedMulticoat")
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()

    assert "Model 3, red, VIN ending 0101" in journey.look()


def test_a_sleeping_car_is_not_woken_for_its_colour(
    journey: Journey, anna: ScenarioPerson, simulator: SimulatorServer
) -> None:
    for vehicle in anna.vehicles:
        _car(simulator, vehicle.vin).set_state("asleep")
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()

    assert "Model 3, VIN ending 0101" in journey.look()
    assert not [call for call in simulator.world.calls.since(0) if "wake_up" in call["path"]]
    assert set(Vehicle.objects.values_list("colour", flat=True)) == {""}


def test_the_only_car_of_an_account_is_not_asked(
    journey: Journey, clara: ScenarioPerson, simulator: SimulatorServer
) -> None:
    journey.authorize()
    journey.sign_in(clara.email)
    journey.approve()

    assert not [call for call in simulator.world.calls.since(0) if "vehicle_data" in call["path"]]


def _car(simulator: SimulatorServer, vin: str) -> object:
    car = simulator.world.car(vin)
    assert car is not None
    return car


def _repaint(simulator: SimulatorServer, person: ScenarioPerson, paint: str) -> None:
    for vehicle in person.vehicles:
        _car(simulator, vehicle.vin).sections["vehicle_config"]["exterior_color"] = paint
