"""Who and what exists when the simulated Tesla starts: people, their cars and their keys, as data."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final, Literal

from vehicles.tesla.simulator.car.vehicle_numbers import with_check_digit

AccessType = Literal["OWNER", "DRIVER"]
KeyState = Literal["absent", "present", "not_required"]
Region = Literal["na", "eu", "cn"]
State = Literal["online", "asleep", "offline"]

PASSWORD: Final = "carport-demo"  # noqa: S105 - printed with the demo, opens nothing outside of it


@dataclass(frozen=True, slots=True)
class ScenarioVehicle:
    """One person's access to one car, and how that car starts. `key` is the operator's key on it."""

    vin: str
    access_type: AccessType
    key: KeyState
    note: str = ""
    name: str = ""
    state: State = "online"
    firmware: str = "2026.32.6"
    other_keys: int = 3
    """Keys on the car that are not the operator's: phones and cards."""
    in_service: bool = False
    mobile_access: bool = True


@dataclass(frozen=True, slots=True)
class ScenarioPerson:
    """One Tesla account. `consent` is what it has granted the operator at the start; None: nothing yet."""

    email: str
    password: str
    sub: str
    name: str
    region: Region
    vehicles: tuple[ScenarioVehicle, ...] = ()
    consent: tuple[str, ...] | None = None
    has_phone_key: bool = True
    """Whether this person's phone is a key of each of these cars."""
    uses_legacy_api: bool = False
    """Connected through the Owner API: the starting refresh token is one of that API."""
    takes_any_password: bool = False


def _sub(email: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}"))


def person(
    email: str, name: str, *vehicles: ScenarioVehicle, region: Region = "eu", uses_legacy_api: bool = False
) -> ScenarioPerson:
    """An account with the common password and an id that follows from the e-mail address."""
    return ScenarioPerson(
        email, PASSWORD, _sub(email), name, region, vehicles, uses_legacy_api=uses_legacy_api
    )


ANNAS_MODEL_3: Final = with_check_digit("5YJ3E7EA_KF000101")
ANNAS_MODEL_Y: Final = with_check_digit("7SAYGDEE_NF000202")
BERNDS_MODEL_S: Final = with_check_digit("5YJSA1E2_JF000303")
DIETERS_MODEL_3: Final = with_check_digit("5YJ3E7EB_LF000404")
EMMAS_MODEL_S: Final = with_check_digit("5YJSA1E2_HF000505")
EMMAS_MODEL_3: Final = with_check_digit("5YJ3E7EA_MF000606")

DEFAULT: Final = (
    person(
        "anna@owners.example",
        "Anna Albrecht",
        ScenarioVehicle(ANNAS_MODEL_3, "OWNER", "absent", "needs the key before commands work", "Kombi"),
        ScenarioVehicle(ANNAS_MODEL_Y, "OWNER", "absent", "a second car needs its own key", "Yeti"),
    ),
    person(
        "bernd@owners.example",
        "Bernd Berger",
        ScenarioVehicle(BERNDS_MODEL_S, "OWNER", "not_required", "built before 2021: no key exists for it"),
    ),
    person(
        "clara@owners.example",
        "Clara Conrad",
        ScenarioVehicle(ANNAS_MODEL_3, "DRIVER", "absent", "drives Anna's car; cannot add the key"),
    ),
    person(
        "dieter@owners.example",
        "Dieter Dorn",
        ScenarioVehicle(DIETERS_MODEL_3, "OWNER", "present", "the key is on the car already", "Dampfer"),
    ),
    person(
        "emma@owners.example",
        "Emma Ellis",
        ScenarioVehicle(EMMAS_MODEL_S, "OWNER", "not_required", "still connected through the legacy API"),
        ScenarioVehicle(EMMAS_MODEL_3, "OWNER", "absent", "legacy API: commands refused until it moves"),
        region="na",
        uses_legacy_api=True,
    ),
)

SCENARIOS: Final[dict[str, tuple[ScenarioPerson, ...]]] = {"default": DEFAULT, "empty": ()}
