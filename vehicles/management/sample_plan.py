"""What the sample fleet looks like from our side: for each simulated person, the states that are planted.

Follows from a seed and a number alone, agrees with what the simulated Tesla knows of the same people and cars, and
decides nothing: whether a planted state is a fault is for `vehicles.diagnosis` to say.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vehicles.diagnosis import Consent, Key, KeyReason
from vehicles.permissions import covered_by, tesla_scopes_for
from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.login.tokens import starting_refresh_token
from vehicles.tesla.simulator.samples.sample_fleet import CARS_IN_BLOCK, PEOPLE_IN_BLOCK, SampleFleet, owner
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson, ScenarioVehicle
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
LEGACY_CLOSED_IN: Final = "na"
"""The region in which the legacy API is planted as closed, so that legacy grants of both kinds are there."""
_UNSURE: Final = (
    (0.020, Key.UNKNOWN, KeyReason.NEVER_CHECKED),
    (0.030, Key.UNKNOWN, KeyReason.STALE),
    (0.035, Key.UNKNOWN, KeyReason.PROVIDER_ERROR),
    (0.040, Key.CONFLICT, None),
)
"""Of the keys that the owner's Fleet login could tell, how many it does not (shares add up), and why not."""
_NAMESPACE: Final = uuid.UUID("3a7c0a6e-6f57-4f0e-9c55-0d0c5f1f5a11")


def stable_id(*parts: object) -> uuid.UUID:
    """The same id for the same thing on every run."""
    return uuid.uuid5(_NAMESPACE, ":".join(map(str, parts)))


@dataclass(frozen=True, slots=True)
class PlannedVehicle:
    """A car as stored: what Tesla would say, or why we do not know. The same for everybody who sees it."""

    car: ScenarioVehicle
    key: Key
    key_reason: KeyReason | None
    paused: bool
    access_types: frozenset[str]
    """Of all accounts that list it."""
    observed_before: timedelta
    began_before: timedelta
    """How long ago the key state was observed last, and began."""

    @property
    def needs_key(self) -> bool:
        """Whether its commands must be signed."""
        return vins.takes_keys(self.car.vin)

    @property
    def total_keys(self) -> int | None:
        """How many keys it holds; None where it takes none."""
        return self.car.other_keys + (self.car.key == "present") if self.needs_key else None


@dataclass(frozen=True, slots=True)
class PlannedAccess:
    """One person's relation to one car; `missing_before` says how long ago it left their account."""

    vehicle: PlannedVehicle
    access_type: str
    missing_before: timedelta | None


@dataclass(frozen=True, slots=True)
class PlannedGrant:
    """What one person gave one application on one car; `application` is a place in the list of applications."""

    vin: str
    application: int
    requested: tuple[str, ...]
    approved: tuple[str, ...]
    declined: tuple[str, ...]
    not_granted: tuple[str, ...]
    """Approved over the legacy API, and not granted at Tesla since it moved to the Fleet API."""
    given_before: timedelta
    moved_before: timedelta | None
    """How long ago it moved; None where it did not."""

    @property
    def granted(self) -> set[str]:
        """What was approved and at some time granted at Tesla."""
        return set(self.approved) - set(self.not_granted)


@dataclass(frozen=True, slots=True)
class PlannedReservation:
    """A car that an application knew before it moved here, and that its person has not connected to it yet."""

    vin: str
    application: int
    scopes: tuple[str, ...]
    made_before: timedelta


@dataclass(frozen=True, slots=True)
class PlannedPerson:
    """A simulated person with their account's state and grants. `refresh_token` is empty where the login is dead."""

    person: ScenarioPerson
    consent: Consent
    scopes: tuple[str, ...]
    refresh_token: str
    changed_before: timedelta
    accesses: tuple[PlannedAccess, ...]
    grants: tuple[PlannedGrant, ...]
    reservations: tuple[PlannedReservation, ...]

    @property
    def lost_legacy_login(self) -> bool:
        """Whether their login at the legacy API died."""
        return self.person.uses_legacy_api and not self.refresh_token


def people(count: int, *, seed: int = SAMPLE_SEED, applications: int = 2) -> Iterator[PlannedPerson]:
    """Everybody who connected one of the first `count` sample cars, with grants to that many applications, in order."""
    fleet = SampleFleet(seed, count)
    for block in range(-(-count // CARS_IN_BLOCK)):
        numbers = range(block * PEOPLE_IN_BLOCK, (block + 1) * PEOPLE_IN_BLOCK)
        known = [fleet.person(owner(seed, number).email) for number in numbers]
        yield from _connected([person for person in known if person is not None], applications)


def _connected(block: Sequence[ScenarioPerson], applications: int) -> Iterator[PlannedPerson]:
    """The people of a block, which nobody outside shares a car with. Some owners left it to their car's driver."""
    driven = {car.vin for person in block for car in person.vehicles if car.access_type == "DRIVER"}
    came = [person for person in block if not _stayed_away(person, driven)]
    accesses = _accesses(came)
    for person in came:
        yield _planned_person(person, tuple(accesses[person.sub]), applications)


def _stayed_away(person: ScenarioPerson, driven: set[str]) -> bool:
    cars = {car.vin for car in person.vehicles if car.access_type == "OWNER"}
    return len(cars) == 1 and cars <= driven and _dice("comes", person.sub).random() < 0.3


def _accesses(people: Sequence[ScenarioPerson]) -> dict[str, list[PlannedAccess]]:
    """What each person (by Tesla id) has to do with each of their cars."""
    seen: dict[str, list[tuple[ScenarioPerson, ScenarioVehicle]]] = defaultdict(list)
    for person in people:
        for car in person.vehicles:
            seen[car.vin].append((person, car))
    accesses: dict[str, list[PlannedAccess]] = defaultdict(list)
    for by in seen.values():
        missing = {person.sub: _missing(person, car) for person, car in by}
        listed = {car.access_type for person, car in by if missing[person.sub] is None}
        on_fleet = {car.access_type for person, car in by if not person.uses_legacy_api}
        vehicle = _vehicle(by[0][1], on_fleet, frozenset(listed))
        for person, car in by:
            accesses[person.sub].append(PlannedAccess(vehicle, car.access_type, missing[person.sub]))
    return accesses


def _missing(person: ScenarioPerson, car: ScenarioVehicle) -> timedelta | None:
    dice = _dice("missing", f"{person.sub}:{car.vin}")
    return _ago(dice, days=30) if dice.random() < 0.01 else None


def _vehicle(car: ScenarioVehicle, on_fleet: Collection[str], listed: frozenset[str]) -> PlannedVehicle:
    dice = _dice("car", car.vin)
    key, reason = _key(car, on_fleet, dice.random())
    paused = dice.random() < 0.005
    observed = _ago(dice, days=60, at_least=8) if reason is KeyReason.STALE else _ago(dice, days=6)
    return PlannedVehicle(car, key, reason, paused, listed, observed, observed + _ago(dice, days=60))


def _key(car: ScenarioVehicle, on_fleet: Collection[str], fortune: float) -> tuple[Key, KeyReason | None]:
    """The key as the logins that see the car can tell it."""
    if car.key == "not_required":
        return Key.NOT_REQUIRED, None
    if "OWNER" not in on_fleet:
        return Key.UNKNOWN, KeyReason.DRIVER_ONLY if on_fleet else KeyReason.LEGACY_ONLY
    unsure = ((key, reason) for limit, key, reason in _UNSURE if fortune < limit)
    return next(unsure, (Key(car.key), None))


def _planned_person(
    person: ScenarioPerson, accesses: tuple[PlannedAccess, ...], applications: int
) -> PlannedPerson:
    dice = _dice("person", person.sub)
    consent, scopes = _consent(person, dice)
    was_granted = ALL_SCOPES if _lost_later(person, dice) else scopes
    signed_in = consent not in (Consent.REVOKED, Consent.SIGN_IN_NEEDED)
    if person.uses_legacy_api:
        signed_in = dice.random() >= 0.05
    token = starting_refresh_token(person.sub, person.region, uses_legacy_api=person.uses_legacy_api)
    chosen = _applications(dice, applications)
    return PlannedPerson(
        person=person,
        consent=consent,
        scopes=scopes,
        refresh_token=token if signed_in else "",
        changed_before=_ago(dice, days=30),
        accesses=accesses,
        grants=tuple(
            _grant(person, car, application, was_granted, dice)
            for car in person.vehicles
            for application in chosen
        ),
        reservations=_reservations(person, [place for place in range(applications) if place not in chosen]),
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
    moved_before = _moved_before(person, application)
    began_on_legacy = person.uses_legacy_api or moved_before is not None
    offered = asked if began_on_legacy else tuple(covered_by(asked, scopes))
    declined = tuple(name for name in offered if name == "read_location" and dice.random() < 0.06)
    approved = tuple(name for name in offered if name not in declined)
    return PlannedGrant(
        vin=car.vin,
        application=application,
        requested=asked,
        approved=approved,
        declined=declined,
        not_granted=() if moved_before is None else _not_covered(approved, scopes),
        given_before=_ago(dice, days=400, at_least=60),
        moved_before=moved_before,
    )


def _moved_before(person: ScenarioPerson, application: int) -> timedelta | None:
    """How long ago the person moved all that they had given the application over the legacy API, if they had."""
    dice = _dice("moved", f"{person.sub}:{application}")
    return None if person.uses_legacy_api or dice.random() >= 0.1 else _ago(dice, days=60)


def _not_covered(names: Sequence[str], scopes: Collection[str]) -> tuple[str, ...]:
    covered = covered_by(names, scopes)
    return tuple(name for name in names if name not in covered)


def _reservations(person: ScenarioPerson, elsewhere: Sequence[int]) -> tuple[PlannedReservation, ...]:
    """Cars of which an application that the person has not connected here knows the ids from before it moved."""
    dice = _dice("moving", person.sub)
    if not elsewhere or dice.random() >= 0.03:
        return ()
    application, scopes = dice.choice(elsewhere), (READS, READS + CONTROLS)[dice.randrange(2)]
    return tuple(
        PlannedReservation(car.vin, application, scopes, _ago(dice, days=90))
        for car in person.vehicles
        if car.access_type == "OWNER"
    )


def _dice(kind: str, name: str) -> random.Random:
    return random.Random(f"{kind}:{name}")  # noqa: S311 - sample data, the same on every run


def _ago(dice: random.Random, *, days: int, at_least: int = 0) -> timedelta:
    return timedelta(days=at_least, minutes=dice.randrange((days - at_least) * 24 * 60))
