"""Writes the planned sample fleet in bulk. Every row has a stable id, so that a second run adds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.hashers import make_password
from django.db import transaction

from vehicles import facts
from vehicles.diagnosis import Facts, diagnose
from vehicles.evidence import incidents
from vehicles.facts.table import DECIDING
from vehicles.management.sample_plan import (
    LEGACY_CLOSED_IN,
    PlannedAccess,
    PlannedGrant,
    PlannedPerson,
    PlannedReservation,
    PlannedVehicle,
    stable_id,
)
from vehicles.models import (
    Application,
    ApplicationUser,
    Connection,
    Incident,
    IncidentKind,
    Integration,
    Mode,
    Reservation,
    TeslaAccount,
    TeslaToken,
    User,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
)
from vehicles.tesla import vin as vins
from vehicles.tokens import store

BATCH: Final = 1000


@dataclass(slots=True)
class Batch:
    """Rows of some people, in the order in which they refer to each other."""

    mode: Mode
    now: datetime
    users: list[User] = field(default_factory=list)
    accounts: dict[str, TeslaAccount] = field(default_factory=dict)
    tokens: list[TeslaToken] = field(default_factory=list)
    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    accesses: dict[tuple[str, str], VehicleAccess] = field(default_factory=dict)
    application_users: list[ApplicationUser] = field(default_factory=list)
    connections: dict[tuple[Any, str], Connection] = field(default_factory=dict)
    grants: list[VehicleGrant] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)


Verdicts = dict[tuple[object, ...], tuple[str, str, str, bool]]


def close_legacy_api(mode: Mode, now: datetime) -> Incident | None:
    """The incident that the simulated legacy API is closed in one region: standing already, or begun now.

    None for live rows: the real Tesla's interface is not closed by a sample.
    """
    if mode == Mode.LIVE:
        return None
    kind, region = IncidentKind.LEGACY_CLOSED, LEGACY_CLOSED_IN
    incidents.begin(kind, mode, now, region=region)
    return Incident.objects.active().get(kind=kind, mode=mode, region=region)


def let_verdicts_follow(incident: Incident) -> None:
    """Rewrite the verdicts that the incident concerns, as of its beginning."""
    facts.refresh_verdicts(incidents.concerned(incident), incident.began_at)


def write(
    people: Iterable[PlannedPerson],
    applications: Sequence[Application],
    mode: Mode,
    now: datetime,
    verdicts: Verdicts,
) -> Batch:
    """Store these people with their cars and grants; what is there already stays as it is.

    `verdicts` remembers the diagnosis of each distinct combination of facts from batch to batch.
    """
    batch = Batch(mode, now)
    for planned in people:
        _add_person(batch, planned)
        for grant in planned.grants:
            _add_grant(batch, planned, grant, applications[grant.application])
        for reserved in planned.reservations:
            _add_reservation(batch, planned, reserved, applications[reserved.application])
    with transaction.atomic():
        _save(batch, verdicts)
    return batch


def _add_person(batch: Batch, planned: PlannedPerson) -> None:
    person, mode = planned.person, batch.mode
    user = User(id=stable_id(mode, "user", person.sub), username=f"person-{person.sub}", is_person=True)
    user.password = make_password(None)
    since = batch.now - planned.changed_before
    account = TeslaAccount(
        id=stable_id(mode, "account", person.sub),
        person=user,
        mode=mode,
        sub=person.sub,
        email=person.email,
        region=person.region,
        granted_scopes=list(planned.scopes),
        consent=planned.consent,
        consent_source="token",
        consent_since=since,
        consent_observed_at=batch.now,
        vehicles_listed_at=batch.now,
        legacy_login_lost_at=since if planned.lost_legacy_login else None,
    )
    batch.users.append(user)
    batch.accounts[person.sub] = account
    if planned.refresh_token:
        batch.tokens.append(_token(account, planned, since))
    for access in planned.accesses:
        _add_access(batch, account, access)


def _add_access(batch: Batch, account: TeslaAccount, access: PlannedAccess) -> None:
    vin, missing = access.vehicle.car.vin, access.missing_before
    stored = batch.vehicles.setdefault(vin, _vehicle(access.vehicle, batch.mode, batch.now))
    batch.accesses[account.sub, vin] = VehicleAccess(
        account=account,
        vehicle=stored,
        access_type=access.access_type,
        seen_at=batch.now - (missing or timedelta()),
        missing_since=None if missing is None else batch.now - missing,
    )


def _token(account: TeslaAccount, planned: PlannedPerson, since: datetime) -> TeslaToken:
    integration = _integration(planned)
    row = TeslaToken(id=stable_id(account.pk, integration), account=account, integration=integration)
    row.refresh_token = store.encrypt_refresh_token(row.pk, planned.refresh_token)
    row.expires_at = row.refreshed_at = since
    return row


def _integration(planned: PlannedPerson) -> Integration:
    return Integration.LEGACY if planned.person.uses_legacy_api else Integration.FLEET


def _vehicle(planned: PlannedVehicle, mode: Mode, now: datetime) -> Vehicle:
    car = planned.car
    observed = now - planned.observed_before
    row = Vehicle(
        id=stable_id(mode, "vehicle", car.vin),
        mode=mode,
        vin=car.vin,
        model=vins.model(car.vin),
        year=vins.year(car.vin),
        display_name=car.name,
        key=planned.key,
        key_reason=planned.key_reason or "",
        key_source="fleet_status",
        key_since=now - planned.began_before,
        key_observed_at=observed,
        protocol_required=planned.needs_key,
        total_keys=planned.total_keys,
        firmware=car.firmware,
        listed_at=now,
        in_service=car.in_service,
        remote_access_disabled=not car.mobile_access,
        paused=planned.paused,
    )
    facts.date_conditions(row, dict.fromkeys(facts.conditions(row), False), now - planned.began_before)
    return row


def _add_grant(batch: Batch, planned: PlannedPerson, grant: PlannedGrant, application: Application) -> None:
    account, stored = batch.accounts[planned.person.sub], batch.vehicles[grant.vin]
    public_id = stable_id(application.client_id, "user", account.person_id)
    batch.application_users.append(
        ApplicationUser(application=application, person=account.person, public_id=public_id)
    )
    connection = batch.connections.setdefault(
        (application.pk, grant.vin),
        Connection(
            application=application,
            vehicle=stored,
            public_id=stable_id(application.client_id, "vehicle", stored.pk),
        ),
    )
    batch.grants.append(
        VehicleGrant(
            id=stable_id(application.client_id, account.pk, stored.pk),
            connection=connection,
            account=account,
            mode=batch.mode,
            integration=_integration(planned),
            requested=list(grant.requested),
            approved=list(grant.approved),
            declined=list(grant.declined),
            not_granted=list(grant.not_granted),
            moved_at=None if grant.moved_before is None else batch.now - grant.moved_before,
            approved_at=batch.now - grant.given_before,
            verdict_since=batch.now - planned.changed_before,
        )
    )


def _add_reservation(
    batch: Batch, planned: PlannedPerson, reserved: PlannedReservation, application: Application
) -> None:
    person = stable_id(batch.mode, "user", planned.person.sub)
    batch.reservations.append(
        Reservation(
            id=stable_id(application.client_id, "reservation", batch.mode, reserved.vin),
            application=application,
            mode=batch.mode,
            vehicle_public_id=stable_id(
                application.client_id, "vehicle", stable_id(batch.mode, "vehicle", reserved.vin)
            ),
            user_public_id=stable_id(application.client_id, "user", person),
            vin=reserved.vin,
            scopes=list(reserved.scopes),
            created_at=batch.now - reserved.made_before,
        )
    )


def _save(batch: Batch, verdicts: Verdicts) -> None:
    _insert(User, batch.users)
    _insert(TeslaAccount, batch.accounts.values())
    _insert(TeslaToken, batch.tokens)
    _insert(Vehicle, batch.vehicles.values())
    _insert(VehicleAccess, batch.accesses.values())
    _insert(ApplicationUser, batch.application_users)
    _insert(Connection, batch.connections.values())
    stored = Connection.objects.filter(vehicle__in=[row.pk for row in batch.vehicles.values()])
    by_public_id = {row.public_id: row.pk for row in stored}
    for connection in batch.connections.values():
        connection.pk = by_public_id[connection.public_id]
    for grant in batch.grants:
        grant.connection = grant.connection  # takes over the key that the database gave the connection
        grant.own_access = batch.accesses[grant.account.sub, grant.connection.vehicle.vin]
        known = facts.facts_of(grant, batch.now)
        grant.verdict, grant.main_cause, grant.next_actor, grant.lacks_permissions = _verdict(known, verdicts)
    _insert(VehicleGrant, batch.grants)
    _insert(Reservation, batch.reservations)


def _insert(model: Any, rows: Iterable[Any]) -> None:
    model.objects.bulk_create(list(rows), batch_size=BATCH, ignore_conflicts=True)


def _verdict(known: Facts, verdicts: Verdicts) -> tuple[str, str, str, bool]:
    """The verdict columns of these facts, diagnosed once for each combination. Times do not change a verdict."""
    values = (getattr(known, fact.name) for fact in DECIDING)
    key = tuple(frozenset(value.items()) if hasattr(value, "items") else value for value in values)
    if key not in verdicts:
        verdicts[key] = facts.verdict_columns(diagnose(known))
    return verdicts[key]
