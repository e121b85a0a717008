"""Sample people and cars: the same for the same seed, found without a search, and mixed like real ones."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.vehicles.tesla.simulator.visitors import Application, Control
from vehicles.tesla import paths, scopes
from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.car.vehicle_numbers import is_valid
from vehicles.tesla.simulator.login.tokens import starting_refresh_token
from vehicles.tesla.simulator.samples import sample_fleet
from vehicles.tesla.simulator.samples.sample_fleet import (
    CARS_IN_BLOCK,
    MOST_CARS,
    MOST_PEOPLE,
    PEOPLE_IN_BLOCK,
    SampleFleet,
    owner,
    people_of_vehicle,
    vehicle,
)
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.simulator.world import World

SEED = 1
BLOCKS = 100


def test_every_car_is_found_by_its_number_and_every_person_by_address_and_id() -> None:
    for index in (0, 1, 17, 999_999, 1_000_000, MOST_CARS - 1):
        found = vehicle(SEED, index)
        assert is_valid(found.vin) and sample_fleet.vehicle_number(SEED, found.vin) == index
    for index in (0, 1, 17, 999_999, 1_000_000, MOST_PEOPLE - 1):
        person = owner(SEED, index)
        assert sample_fleet.person_number(SEED, person.email) == index
        assert sample_fleet.person_number(SEED, person.sub) == index


def test_another_seed_makes_other_people_and_does_not_know_these() -> None:
    assert owner(SEED, 5).sub != owner(2, 5).sub
    assert sample_fleet.person_number(2, owner(SEED, 5).sub) is None


@pytest.mark.parametrize(
    "text",
    ["", "owner-1@sample.example", "owner-99999999@sample.example", "owner-00000001@other.example", "x" * 36],
)
def test_what_is_no_sample_person_is_not_found(text: str) -> None:
    assert sample_fleet.person_number(SEED, text) is None


def test_cars_and_people_agree_on_who_sees_what() -> None:
    seen: dict[str, dict[str, str]] = {}
    for index in range(BLOCKS * PEOPLE_IN_BLOCK):
        person = owner(SEED, index)
        for car in person.vehicles:
            seen.setdefault(car.vin, {})[person.email] = car.access_type
    expected = {
        vehicle(SEED, index).vin: people_of_vehicle(SEED, index) for index in range(BLOCKS * CARS_IN_BLOCK)
    }
    assert seen == expected
    assert all(list(people.values()).count("OWNER") == 1 for people in seen.values())


def test_the_mix_has_everything_that_audits_look_for() -> None:
    cars = [vehicle(SEED, index) for index in range(4000)]
    people = [owner(SEED, index) for index in range(4000)]
    assert set(Counter(car.key for car in cars)) == {"present", "absent", "not_required"}
    assert {car.state for car in cars} == {"online", "asleep", "offline"}
    assert {vins.model(car.vin) for car in cars} == {"Model S", "Model X", "Model 3", "Model Y", "Cybertruck"}
    assert any(car.other_keys == 20 for car in cars) and any(car.in_service for car in cars)
    assert all((car.key == "not_required") is not vins.takes_keys(car.vin) for car in cars)
    assert {person.region for person in people} == {"na", "eu"}
    assert any(person.consent is None for person in people) and any(
        person.uses_legacy_api for person in people
    )
    assert any(scopes.VEHICLE_CMDS not in person.consent for person in people if person.consent)
    assert any(car.access_type == "DRIVER" for person in people for car in person.vehicles)


def test_a_fleet_ends_where_it_was_told_to() -> None:
    fleet = SampleFleet(SEED, 6)
    assert fleet.vehicle(vehicle(SEED, 5).vin) is not None
    assert fleet.vehicle(vehicle(SEED, 6).vin) is None
    cut = fleet.person(owner(SEED, 5).email)
    assert cut is not None and [car.vin for car in cut.vehicles] == [vehicle(SEED, 5).vin]
    assert fleet.person(owner(SEED, 6).email) is None
    with pytest.raises(ValueError, match="sample fleet"):
        SampleFleet(SEED, MOST_CARS + 1)


def test_a_million_cars_exist_without_being_made(client: Client) -> None:
    world = World(clients=[client], scenario="empty", vehicles=1_000_000)
    assert (len(world.accounts), len(world.cars)) == (0, 0)
    last = vehicle(SEED, 999_999)
    car = world.car(last.vin)
    assert car is not None and car.state(0) == last.state
    assert len(world.cars) == 1


def test_a_sample_persons_starting_token_works_at_once(client: Client) -> None:
    index = next(i for i in range(100) if owner(SEED, i).consent and len(owner(SEED, i).vehicles) == 3)
    person = owner(SEED, index)
    with SimulatorServer(World(clients=[client], scenario="empty", vehicles=1_000_000)) as tesla:
        application = Application(tesla, client)
        token = starting_refresh_token(person.sub, person.region, uses_legacy_api=False)
        assert application.refresh(token).status == 200
        listed = application.call("GET", paths.VEHICLES)
        assert [car["vin"] for car in listed.json()["response"]] == [car.vin for car in person.vehicles]
        told = Control(tesla)("GET", f"/accounts/{person.email}")
        assert set(told["consents"][client.client_id]["scopes"]) == set(person.consent or ())
