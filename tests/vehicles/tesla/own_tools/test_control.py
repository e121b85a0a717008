"""Tesla's own `tesla-control`, unchanged, drives a simulated car from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import public_key_pem
from tests.vehicles.tesla.own_tools.programs import Control
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db

NOT_PAIRED = "your public key has not been paired with the vehicle"


def test_it_drives_the_car(control: Control, car: Car, simulator: SimulatorServer) -> None:
    for order in ("unlock", "lock", "climate-on", "climate-set-temp 21C", "charging-set-limit 70", "honk"):
        assert control.run(*order.split()) == (0, "")
    assert [(done.command, done.arguments) for done in car.executed] == [
        ("door_unlock", {}),
        ("door_lock", {}),
        ("auto_conditioning_start", {}),
        ("set_temps", {"driver_temp": 21.0, "passenger_temp": 21.0}),
        ("set_charge_limit", {"percent": 70}),
        ("honk_horn", {}),
    ]
    handshakes = 2
    signed = [call for call in simulator.world.calls.since(0) if call["path"].endswith("/signed_command")]
    assert len(signed) == handshakes + len(car.executed)


def test_it_reads_sessions_and_answers(control: Control, car: Car, tmp_path: Path) -> None:
    assert control.run("ping") == (0, "")
    key_file = tmp_path / "public-key.pem"
    key_file.write_text(public_key_pem(control.key_file))
    for computer, counter in [("vcsec", None), ("infotainment", 1)]:
        status, said = control.run("session-info", key_file, computer)
        assert status == 0 and "epoch:" in said
        assert ("counter:1 " in said) is (counter == 1)
    status, said = control.run("product-info")
    assert status == 0 and car.vin in said
    status, said = control.run("get", f"api/1/vehicles/{car.vin}")
    assert status == 0 and car.vin in said
    assert car.executed == []


def test_it_tells_what_the_car_refuses(control: Control) -> None:
    assert control.run("charging-set-limit", "70") == (0, "")
    status, said = control.run("charging-set-limit", "70")
    assert status == 1 and said.endswith("already_set")


def test_it_ends_valet_mode_without_a_pin(control: Control, car: Car) -> None:
    assert control.run("valet-mode-on", "1234") == (0, "")
    assert car.sections["vehicle_state"]["valet_mode"] is True
    for _ in range(2):
        assert control.run("valet-mode-off") == (0, "")
        assert car.sections["vehicle_state"]["valet_mode"] is False


def test_it_sets_both_front_seats_in_one_message(control: Control, car: Car) -> None:
    assert control.run("climate-on") == (0, "")
    assert control.run("auto-seat-and-climate", "LR", "on") == (0, "")
    climate = car.sections["climate_state"]
    assert (climate["auto_seat_climate_left"], climate["auto_seat_climate_right"]) == (True, True)


def test_a_key_that_is_removed_in_between_no_longer_works(control: Control, car: Car) -> None:
    assert control.run("lock") == (0, "")
    car.remove_keys()
    for _ in range(2):
        status, said = control.run("lock")
        assert status == 1 and NOT_PAIRED in said
        control.forget()
    assert len(car.executed) == 1


def test_a_sleeping_car_has_to_be_woken(control: Control, car: Car) -> None:
    assert control.run("lock") == (0, "")
    car.set_state("asleep")
    status, said = control.run("unlock")
    assert status == 1 and said.endswith("vehicle unavailable: vehicle is offline or asleep")
    assert control.run("wake") == (0, "")
    assert control.run("unlock") == (0, "")
