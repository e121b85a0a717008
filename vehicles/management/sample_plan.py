"""What the sample fleet looks like from our side: for each simulated person, the states that are planted.

Follows from a seed and a number alone, agrees with what the simulated Tesla knows of the same people and cars, and
decides nothing: whether a planted state is a fault is for `vehicles.diagnosis` to say.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vehicles.diagnosis import Consent, Key, KeyReason
from vehicles.permissions import covered_by, tesla_scopes_for
from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.sample_fleet import CARS_IN_BLOCK, PEOPLE_IN_BLOCK, SampleFleet, owner
from vehicles.tesla.simulator.scenarios import ScenarioPerson, ScenarioVehicle
from vehicles.tesla.simulator.tokens import starting_refresh_token
from vehicles.tesla.simulator.world import SAMPLE_SEED

READS: Final = (
    "read_vehicle_info",
    "read_vin",
    "read_battery",
    "read_charge",
    "read_odometer",
    "read_location",
)
CONTROLS: Final = ("control_security", "control_charge")
ALL_SCOPES: Final = tuple(tesla_scopes_for((*READS, *CONTROLS, "read_user_profile")))
_NAMESPACE: Final = uuid.UUID("3a7c0a6e-6f57-4f0e-9c55-0d0c5f1f5a11")


def stable_id(*parts: object) -> uuid.UUID:
    """The same id for the same thing on every run."""
    return uuid.uuid5(_NAMESPACE, ":".join(map(str, parts)))


@dataclass(frozen=True, slots=True)
class PlannedVehicle:
    """A car as stored: what Tesla would say, or why we do not know."""

    car: ScenarioVehicle
    key: Key
    key_reason: KeyReason | None
    paused: bool
    seen_before: timedelta
    """How long ago the key state was observed and began."""

    @property
    def needs_key(self) -> bool:
        """Whether its commands must be signed."""
        return vins.takes_keys(self.car.vin)


@dataclass(frozen=True, slots=True)
class PlannedGrant:
    """What one person gave one application on one car; `application` is a place in the list of applications."""

    vin: str
    application: int
    requested: tuple[str, ...]
    approved: tuple[str, ...]
    declined: tuple[str, ...]
    given_before: timedelta


@dataclass(frozen=True, slots=True)
class PlannedPerson:
    """A simulated person with their account's state and grants. `refresh_token` is empty where the login is dead."""

    person: ScenarioPerson
    consent: Consent
    scopes: tuple[str, ...]
    refresh_token: str
    changed_before: timedelta
    grants: tuple[PlannedGrant, ...]


def people(count: int, *, seed: int = SAMPLE_SEED, applications: int = 2) -> Iterator[PlannedPerson]:
    """Everybody who sees one of the first `count` sample cars, with grants to that many applications, in order."""
    blocks = -(-count // CARS_IN_BLOCK)
    fleet = SampleFleet(seed, count)
    for number in range(blocks * PEOPLE_IN_BLOCK):
        if (person := fleet.person(owner(seed, number).email)) is not None:
            yield _planned_person(person, applications)


def vehicle(car: ScenarioVehicle) -> PlannedVehicle:
    """How the portal last saw this car. The same for everybody who sees it."""
    dice = _dice("car", car.vin)
    key, reason = _key(car, dice.random())
    return PlannedVehicle(car, key, reason, dice.random() < 0.005, _ago(dice, days=60))


def _key(car: ScenarioVehicle, fortune: float) -> tuple[Key, KeyReason | None]:
    if car.key == "not_required":
        return Key.NOT_REQUIRED, None
    unsure = ((0.02, Key.UNKNOWN, KeyReason.NEVER_CHECKED), (0.03, Key.UNKNOWN, KeyReason.STALE))
    for limit, key, reason in unsure:
        if fortune < limit:
            return key, reason
    return (Key.CONFLICT, None) if fortune < 0.035 else (Key(car.key), None)


def _planned_person(person: ScenarioPerson, applications: int) -> PlannedPerson:
    dice = _dice("person", person.sub)
    consent, scopes = _consent(person, dice)
    was_granted = ALL_SCOPES if _lost_later(person, dice) else scopes
    signed_in = consent not in (Consent.REVOKED, Consent.SIGN_IN_NEEDED)
    token = starting_refresh_token(person.sub, person.region, uses_legacy_api=person.uses_legacy_api)
    chosen = _applications(dice, applications)
    return PlannedPerson(
        person=person,
        consent=consent,
        scopes=scopes,
        refresh_token=token if signed_in else "",
        changed_before=_ago(dice, days=30),
        grants=tuple(
            _grant(person, car, application, was_granted, dice)
            for car in person.vehicles
            for application in chosen
        ),
    )


def _consent(person: ScenarioPerson, dice: random.Random) -> tuple[Consent, tuple[str, ...]]:
    """The account's consent and scopes. Whom the simulated Tesla does not know any more has revoked."""
    if person.uses_legacy_api:
        return Consent.UNKNOWN, ()
    if person.consent is None:
        return Consent.REVOKED, ALL_SCOPES
    rare = dice.choices((Consent.ACTIVE, Consent.SIGN_IN_NEEDED, Consent.SUSPECTED), (96, 3, 1))[0]
    return rare, person.consent


def _lost_later(person: ScenarioPerson, dice: random.Random) -> bool:
    """Whether missing scopes were there at approval; without any vehicle scope there was nothing to approve."""
    vehicle_scopes = set(person.consent or ()) - {"openid", "offline_access"}
    return person.uses_legacy_api or not vehicle_scopes or dice.random() < 0.5


def _applications(dice: random.Random, count: int) -> list[int]:
    if count == 1:
        return [0]
    return sorted(dice.sample(range(count), k=dice.choices((1, 2), (85, 15))[0]))


def _grant(
    person: ScenarioPerson,
    car: ScenarioVehicle,
    application: int,
    scopes: tuple[str, ...],
    dice: random.Random,
) -> PlannedGrant:
    asked = READS + CONTROLS if dice.random() < 0.8 else READS
    offered = asked if person.uses_legacy_api else tuple(covered_by(asked, scopes))
    declined = tuple(name for name in offered if name == "read_location" and dice.random() < 0.06)
    approved = tuple(name for name in offered if name not in declined)
    return PlannedGrant(car.vin, application, asked, approved, declined, _ago(dice, days=400, at_least=60))


def _dice(kind: str, name: str) -> random.Random:
    return random.Random(f"{kind}:{name}")  # noqa: S311 - sample data, the same on every run


def _ago(dice: random.Random, *, days: int, at_least: int = 0) -> timedelta:
    return timedelta(days=at_least, minutes=dice.randrange((days - at_least) * 24 * 60))
