"""People made for whatever e-mail address somebody signs in with, each with cars that follow from the address.

Any password is theirs. The forms of the address are those of Smartcar's simulated mode.
"""

from __future__ import annotations

import re
import uuid
import zlib
from collections.abc import Callable
from typing import Final

from vehicles.tesla import error_cars
from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.car.vehicle_numbers import with_check_digit
from vehicles.tesla.simulator.samples.scenarios import PASSWORD, KeyState, ScenarioPerson, ScenarioVehicle

MOST_CARS: Final = 50
"""As many cars as one such person can have, whatever number stands in the address."""
_LONGEST_ADDRESS: Final = 254
_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")
_MODEL_S, _MODEL_3, _MODEL_Y = "5YJSA1E2_JP", "5YJ3E7EA_LP", "7SAYGDEE_NP"


def person(email: str, *, without_keys: bool) -> ScenarioPerson | None:
    """The person behind this address; None for what is no address.

    With `without_keys` no car needs the key step, and an address without a form of its own has one car, not two.
    """
    if len(email) > _LONGEST_ADDRESS or not email.isprintable() or not _ADDRESS.fullmatch(email):
        return None
    samples = (_MODEL_S,) if without_keys else (_MODEL_S, _MODEL_3)
    found = ((make, re.fullmatch(form, email, re.IGNORECASE | re.ASCII)) for form, make in _FORMS)
    numbers = next((make(match, email) for make, match in found if match), _numbered(email, *samples))
    vehicles = tuple(_car(vin, without_keys=without_keys) for vin in numbers)
    sub = str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}"))
    return ScenarioPerson(
        email, PASSWORD, sub, email.partition("@")[0], "na", vehicles, takes_any_password=True
    )


def _car(vin: str, *, without_keys: bool) -> ScenarioVehicle:
    key: KeyState = "absent"
    if not vins.takes_keys(vin):
        key = "not_required"
    elif without_keys:
        key = "present"
    return ScenarioVehicle(vin, "OWNER", key, "made for a login", f"Sample {vins.model(vin) or 'car'}")


def _numbered(email: str, *patterns: str) -> list[str]:
    """A car of each of these patterns, whose serial number follows from the address."""
    return [
        with_check_digit(f"{pattern}{zlib.crc32(f'{number}:{email}'.encode()) % 1_000_000:06d}")
        for number, pattern in enumerate(patterns)
    ]


def _of_error(found: re.Match[str], email: str) -> list[str]:
    name = f"{found['type']}:{found['code']}".upper()
    return [error_cars.vin_of(name.removesuffix(":NULL"))]


def _of_connect(found: re.Match[str], email: str) -> list[str]:
    return [error_cars.vin_of(found["error"].lower().replace("-", "_"))]


def _so_many(found: re.Match[str], email: str) -> list[str]:
    models = (_MODEL_S, _MODEL_3, _MODEL_Y)
    return _numbered(email, *(models[number % 3] for number in range(min(int(found["number"]), MOST_CARS))))


def _of_vin(found: re.Match[str], email: str) -> list[str]:
    return [found["vin"].upper()]


_FORMS: Final[tuple[tuple[str, Callable[[re.Match[str], str], list[str]]], ...]] = (
    (
        rf"(?P<type>{'|'.join(error_cars.TYPES)})\.(?P<code>\w+)@smartcar\.com",
        _of_error,
    ),
    (r"smartcar@(?P<error>invalid-subscription|vehicle-incompatible)\.com", _of_connect),
    (r"(?P<number>\d{1,6})-vehicles@.+", _so_many),
    (r"(?P<vin>[A-HJ-NPR-Z0-9]{17})@.+", _of_vin),
)
