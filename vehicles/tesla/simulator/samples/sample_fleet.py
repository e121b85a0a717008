"""Any number of sample people and cars that need no storage: number i follows from the seed and i alone.

Ten cars share a block with eight people: five own one car each, one owns two, one owns three, and the eighth only
drives one of the others' cars. So every e-mail address, account id and VIN leads back to its number without a search.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.car.vehicle_numbers import is_valid, with_check_digit
from vehicles.tesla.simulator.samples.sample_mix import (
    CONSENTS,
    FIRMWARES,
    FIRST_NAMES,
    LAST_NAMES,
    MODELS,
    REGIONS,
    STATES,
    Dice,
)
from vehicles.tesla.simulator.samples.scenarios import PASSWORD, KeyState, ScenarioPerson, ScenarioVehicle

CARS_IN_BLOCK: Final = 10
PEOPLE_IN_BLOCK: Final = 8
_OWNED: Final = ((0,), (1,), (2,), (3,), (4,), (5, 6), (7, 8, 9))
_DRIVER: Final = 7
_OWNER_OF_PLACE: Final = {place: slot for slot, places in enumerate(_OWNED) for place in places}

_CARS_PER_PLANT: Final = 1_000_000
_PLANTS: Final = "ABCGHJKLMNPRSTUVWXYZ"
MOST_CARS: Final = _CARS_PER_PLANT * len(_PLANTS)
"""How many cars the numbering has room for."""
MOST_PEOPLE: Final = MOST_CARS // CARS_IN_BLOCK * PEOPLE_IN_BLOCK


def vehicle(seed: int, index: int) -> ScenarioVehicle:
    """Sample car number `index`, as its owner sees it. Raises `ValueError` beyond `MOST_CARS`."""
    if not 0 <= index < MOST_CARS:
        raise ValueError(f"there is no sample car number {index}")
    dice = Dice(seed, "car", index)
    number = f"{dice.pick(MODELS)}{_PLANTS[index // _CARS_PER_PLANT]}{index % _CARS_PER_PLANT:06d}"
    vin = with_check_digit(number)
    key: KeyState = "not_required"
    if vins.takes_keys(vin):
        key = "present" if dice.happens(62) else "absent"
    return ScenarioVehicle(
        vin=vin,
        access_type="OWNER",
        key=key,
        name=f"{vins.model(vin)} {index}",
        state=dice.pick(STATES),
        firmware=dice.pick(FIRMWARES),
        other_keys=20 if key == "absent" and dice.happens(4) else 2 + dice.below(5),
        in_service=dice.happens(1),
        mobile_access=not dice.happens(1),
    )


def owner(seed: int, index: int) -> ScenarioPerson:
    """Sample person number `index` with every car they see; each eighth person only drives somebody else's.

    Raises `ValueError` beyond `MOST_PEOPLE`.
    """
    if not 0 <= index < MOST_PEOPLE:
        raise ValueError(f"there is no sample person number {index}")
    block, slot = divmod(index, PEOPLE_IN_BLOCK)
    dice = Dice(seed, "person", index)
    uses_legacy_api = dice.happens(6)
    consent = dice.pick(CONSENTS)
    return ScenarioPerson(
        email=_email(block, slot),
        password=PASSWORD,
        sub=_sub(seed, index),
        name=f"{FIRST_NAMES[dice.below(len(FIRST_NAMES))]} {LAST_NAMES[dice.below(len(LAST_NAMES))]}",
        region=Dice(seed, "block", block).pick(REGIONS),
        vehicles=tuple(_seen(seed, index, place) for place in _places(seed, block, slot)),
        consent=None if uses_legacy_api else consent,
        has_phone_key=not dice.happens(5),
        uses_legacy_api=uses_legacy_api,
    )


def people_of_vehicle(seed: int, index: int) -> dict[str, str]:
    """Who sees sample car number `index`: e-mail address to `OWNER` or `DRIVER`."""
    block, place = divmod(index, CARS_IN_BLOCK)
    people = {_email(block, _OWNER_OF_PLACE[place]): "OWNER"}
    if _driven_place(seed, block) == place:
        people[_email(block, _DRIVER)] = "DRIVER"
    return people


def vehicle_number(seed: int, vin: str) -> int | None:
    """The number of the sample car with that VIN; None if it is no sample car of this seed."""
    plant = _PLANTS.find(vin[10:11]) if is_valid(vin) else -1
    if plant < 0 or not vin[11:].isdigit():
        return None
    index = plant * _CARS_PER_PLANT + int(vin[11:])
    return index if vehicle(seed, index).vin == vin else None


def person_number(seed: int, email_or_sub: str) -> int | None:
    """The number of the sample person with that e-mail address or account id; None if there is none."""
    name, _, domain = email_or_sub.partition("@")
    if domain == "sample.example" and name.startswith("owner-") and name[6:].isdigit():
        index = int(name[6:])
        return (
            index if index < MOST_PEOPLE and email_or_sub == _email(*divmod(index, PEOPLE_IN_BLOCK)) else None
        )
    try:
        index = int(email_or_sub[-12:], 16)
    except ValueError:
        return None
    return index if index < MOST_PEOPLE and _sub(seed, index) == email_or_sub else None


@dataclass(frozen=True, slots=True)
class SampleFleet:
    """The first `count` sample cars of a seed, and the people who see any of them."""

    seed: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= MOST_CARS:
            raise ValueError(f"a sample fleet has 0 to {MOST_CARS} cars")

    def vehicle(self, vin: str) -> tuple[ScenarioVehicle, dict[str, str]] | None:
        """The car with that VIN, and who sees it; None if it is not in the fleet."""
        index = vehicle_number(self.seed, vin) if self.count else None
        if index is None or index >= self.count:
            return None
        return vehicle(self.seed, index), people_of_vehicle(self.seed, index)

    def person(self, email_or_sub: str) -> ScenarioPerson | None:
        """The person with that e-mail address or account id; None if they see no car of the fleet."""
        index = person_number(self.seed, email_or_sub) if self.count else None
        if index is None:
            return None
        found = owner(self.seed, index)
        inside = tuple(
            car for car in found.vehicles if (vehicle_number(self.seed, car.vin) or 0) < self.count
        )
        return replace(found, vehicles=inside) if inside else None


def _sub(seed: int, index: int) -> str:
    digest = hashlib.blake2b(f"{seed}:sub:{index}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[12:15]}-8{digest[15:18]}-{index:012x}"


def _email(block: int, slot: int) -> str:
    return f"owner-{block * PEOPLE_IN_BLOCK + slot:08d}@sample.example"


def _driven_place(seed: int, block: int) -> int:
    return Dice(seed, "driver", block).below(CARS_IN_BLOCK)


def _places(seed: int, block: int, slot: int) -> tuple[int, ...]:
    """The numbers of the cars that a person sees."""
    places = (_driven_place(seed, block),) if slot == _DRIVER else _OWNED[slot]
    return tuple(block * CARS_IN_BLOCK + place for place in places)


def _seen(seed: int, person_index: int, index: int) -> ScenarioVehicle:
    car = vehicle(seed, index)
    return replace(car, access_type="DRIVER") if person_index % PEOPLE_IN_BLOCK == _DRIVER else car
