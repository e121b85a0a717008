"""The table of facts: a row for each field of `Facts`, with how it is read in Python and how the database tells it.

`gathering.facts_of` reads one grant with it, and `combination.with_combinations` compares grants in sets with it. So a
fact that decides can not be known to the one and unknown to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from vehicles.diagnosis import Access, Consent, Facts, Key, KeyReason, MissingReason, Provider
from vehicles.facts import condition
from vehicles.facts.coverage import missing_permissions, signed_over_fleet
from vehicles.facts.incidents import ActiveIncidents, holds_up
from vehicles.facts.observed import missing_observed, observed
from vehicles.models import IncidentKind, Integration, Mode, VehicleAccess, VehicleGrant

OWN_ACCESS: Final = "own_access_row"
"""Under this name the database side finds the relation of the grant's own account to the car."""


@dataclass(frozen=True)
class Loaded:
    """A grant with all that its facts are read from."""

    grant: VehicleGrant
    incidents: ActiveIncidents
    now: datetime

    @cached_property
    def missing(self) -> dict[str, MissingReason]:
        return missing_permissions(self.grant)

    @cached_property
    def key(self) -> tuple[Key, KeyReason | None]:
        return condition.key_of(self.grant.connection.vehicle, self.now)

    @cached_property
    def is_listed(self) -> bool:
        """Whether what Tesla's list said of the car is young enough to count."""
        return condition.was_listed_lately(self.grant.connection.vehicle, self.now)


Sql = Callable[[datetime], tuple[Any, ...]]
"""At a time: expressions over grants. The fact is the same for all grants for which they are."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A field of `Facts`: how it is read from loaded rows, and how the database tells it.

    A fact that decides no verdict column has no `sql`, and says in `undecided` why it does not.
    """

    name: str
    read: Callable[[Loaded], Any]
    sql: Sql | None = None
    undecided: str = ""


def _columns(*names: str) -> Sql:
    return lambda now: tuple(F(name) for name in names)


def _consent(given: Loaded) -> Consent:
    """The older login carries no consent to vehicle scopes: it lives or it does not."""
    if given.grant.integration == Integration.FLEET:
        return Consent(given.grant.account.consent)
    return Consent.SIGN_IN_NEEDED if given.grant.account.legacy_login_lost_at else Consent.ACTIVE


def _consent_sql(now: datetime) -> tuple[Any, ...]:
    return F("integration"), F("account__consent"), Q(account__legacy_login_lost_at__isnull=False)


def _key_sql(now: datetime) -> tuple[Any, ...]:
    return F(f"{_VEHICLE}key"), condition.is_stale_q(now, _VEHICLE)


def _key_reason_sql(now: datetime) -> tuple[Any, ...]:
    return F(f"{_VEHICLE}key_reason"), condition.is_stale_q(now, _VEHICLE)


def _provider(given: Loaded) -> Provider:
    if given.grant.integration == Integration.FLEET:
        return Provider.FLEET
    is_served = offers_legacy(given.grant.mode) and IncidentKind.LEGACY_CLOSED not in given.incidents
    return Provider.LEGACY if is_served else Provider.LEGACY_CLOSED


def offers_legacy(mode: str) -> bool:
    """Whether the operator serves the legacy API: live connections only where it was switched on."""
    return bool(settings.LEGACY_OWNER_API) or mode == Mode.SIMULATED


def _access_sql(now: datetime) -> tuple[Any, ...]:
    return (Coalesce(F(f"{OWN_ACCESS}__access_type"), Value("")),)


def _owner_connected(given: Loaded) -> bool:
    """Whether an owner's account is attached to the car here: the person's own, or for a driver another's."""
    access = given.grant.own_access
    if access is None or access.access_type == Access.OWNER:
        return True
    relations = given.grant.connection.vehicle.accesses.all()
    return any(row.access_type == Access.OWNER and row.missing_since is None for row in relations)


def _owner_connected_sql(now: datetime) -> tuple[Any, ...]:
    """Looked for only where a driver's grant makes it matter: it is a query of its own."""
    accesses = VehicleAccess.objects.filter(vehicle=OuterRef("connection__vehicle"))
    owners = Exists(accesses.filter(access_type=Access.OWNER, missing_since=None))
    is_drivers = Q(**{f"{OWN_ACCESS}__access_type": Access.DRIVER})
    return *_access_sql(now), is_drivers & Q(owners)


def _while_listed(name: str) -> tuple[Callable[[Loaded], bool], Sql]:
    """A condition of the car that Tesla's list tells, and that counts for as long as the list does."""

    def read(given: Loaded) -> bool:
        return given.is_listed and getattr(given.grant.connection.vehicle, name)

    def sql(now: datetime) -> tuple[Any, ...]:
        return (Q(**{f"{_VEHICLE}{name}": True}) & condition.was_listed_lately_q(now, _VEHICLE),)

    return read, sql


_VEHICLE: Final = "connection__vehicle__"
_INCIDENTS: Final = ("integration", "mode", "account__region")
"""Which incidents a grant is under follows from these: those that go on are the same for all."""

FACTS: Final = (
    Fact("granted", lambda given: frozenset(given.grant.granted), _columns("approved", "not_granted")),
    Fact(
        "missing",
        lambda given: given.missing,
        _columns(
            *("requested", "approved", "declined", "not_granted"), "integration", "account__granted_scopes"
        ),
    ),
    Fact("consent", _consent, _consent_sql),
    Fact("key", lambda given: given.key[0], _key_sql),
    Fact("key_reason", lambda given: given.key[1], _key_reason_sql),
    Fact("provider", _provider, _columns(*_INCIDENTS)),
    Fact(
        "fleet_signs",
        lambda given: signed_over_fleet(given.grant),
        _columns("integration", "approved", "account__granted_scopes", "account__consent"),
    ),
    Fact(
        "protocol_required",
        lambda given: given.grant.connection.vehicle.protocol_required,
        undecided="the key axis says whether commands must be signed; this is only told beside it",
    ),
    Fact("region", lambda given: given.grant.account.region, _columns("account__region")),
    Fact(
        "access",
        lambda given: Access(given.grant.own_access.access_type) if given.grant.own_access else None,
        _access_sql,
    ),
    Fact("owner_connected", _owner_connected, _owner_connected_sql),
    Fact(
        "vehicle_missing",
        lambda given: given.grant.own_access is not None and given.grant.own_access.missing_since is not None,
        lambda now: (Q(**{f"{OWN_ACCESS}__missing_since__isnull": False}),),
    ),
    Fact(
        "key_slots_full",
        lambda given: condition.key_slots_full(given.grant.connection.vehicle),
        lambda now: (Q(**{f"{_VEHICLE}total_keys__gte": condition.MOST_KEYS}),),
    ),
    Fact("remote_access_disabled", *_while_listed("remote_access_disabled")),
    Fact("in_service", *_while_listed("in_service")),
    Fact(
        "asleep",
        lambda given: condition.is_asleep(given.grant.connection.vehicle, given.now),
        undecided="it stops a single call for a moment, and no grant",
    ),
    Fact(
        "paused",
        lambda given: given.grant.connection.vehicle.paused or given.grant.connection.application.paused,
        lambda now: (Q(**{f"{_VEHICLE}paused": True}) | Q(connection__application__paused=True),),
    ),
    Fact(
        "operator_fault",
        lambda given: holds_up(IncidentKind.OPERATOR_FAULT, given.grant, given.incidents),
        _columns(*_INCIDENTS),
    ),
    Fact(
        "provider_incident",
        lambda given: holds_up(IncidentKind.MASS_REVOCATION, given.grant, given.incidents),
        _columns(*_INCIDENTS, "account__consent"),
    ),
    Fact(
        "observed",
        lambda given: observed(given.grant, given.incidents),
        undecided="since when and by whom something is known changes no answer",
    ),
    Fact(
        "missing_observed",
        lambda given: missing_observed(given.grant, given.missing),
        undecided="since when and by whom something is known changes no answer",
    ),
)
"""Every field of `Facts`."""
DECIDING: Final = tuple(fact for fact in FACTS if fact.sql)
"""Those that the verdict columns can depend on."""


def read_facts(given: Loaded) -> Facts:
    """All facts of a loaded grant."""
    return Facts(**{fact.name: fact.read(given) for fact in FACTS})
