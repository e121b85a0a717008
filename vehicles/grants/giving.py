"""Grants: giving, and taking back, what a person allows an application to do with their cars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from vehicles import evidence, facts, history, reservations
from vehicles.facts.sources import Source
from vehicles.history import Kind
from vehicles.models import (
    Application,
    ApplicationUser,
    Connection,
    Integration,
    TeslaAccount,
    User,
    Vehicle,
    VehicleGrant,
)
from vehicles.permissions import covered_by
from vehicles.reservations import Claim

USED_TO_THE: Final = timedelta(hours=1)


def application_user(application: Application, person: User) -> ApplicationUser:
    """The person as this application knows them, created on first sight with an id of its own."""
    row, _ = ApplicationUser.objects.get_or_create(application=application, person=person)
    return row


def _recognised_user(application: Application, person: User, claim: Claim) -> ApplicationUser:
    """As `application_user`, under the id that is reserved for them, unless somebody took it in this moment."""
    if claim.user_id is None:
        return application_user(application, person)
    reserved = {"public_id": claim.user_id, "external_id": claim.external_id}
    try:
        return ApplicationUser.objects.get_or_create(
            application=application, person=person, defaults=reserved
        )[0]
    except IntegrityError:
        return application_user(application, person)


def _connection(application: Application, vehicle: Vehicle, claim: Claim) -> Connection:
    """The car as this application knows it, under the id that is reserved for it, if no other car has it."""
    reserved = claim.vehicle_id(vehicle)
    defaults = {"public_id": reserved} if reserved else {}
    found = Connection.objects.get_or_create
    try:
        row, _ = found(application=application, vehicle=vehicle, defaults=defaults)
    except IntegrityError:
        row, _ = found(application=application, vehicle=vehicle)
    row.application, row.vehicle = application, vehicle
    return row


def _name(user: ApplicationUser, told: str, claim: Claim) -> None:
    """Keep the application's own id for the person; the text `null` clears it (Smartcar: Connect, external_id).

    The user id in a reservation's link is no such id, whoever came through the link.
    """
    named = "" if told == "null" else told
    reserved = {str(row.user_public_id) for row in claim.rows}
    if told and named != user.external_id and named not in reserved | {str(user.public_id)}:
        user.external_id = named
        user.save(update_fields=["external_id"])


def give(
    *,
    application: Application,
    account: TeslaAccount,
    vehicles: Sequence[Vehicle],
    requested: Sequence[str],
    approved: Sequence[str],
    integration: str = Integration.FLEET,
    external_id: str = "",
    user: str = "",
    now: datetime,
) -> list[VehicleGrant]:
    """Write what the person approved for these cars, replacing what they approved earlier; one grant a car.

    However it is called, nothing is granted that was not asked for or that Tesla did not grant. Permissions that Tesla
    covers and the person left out count as declined. Ids that are reserved for the cars and the person come back here;
    `external_id` and `user` are how the application itself named the person in this run. Who has moved to the Fleet API
    stays there, also when more is given over the legacy API.
    """
    asked = list(dict.fromkeys(requested))
    if have_moved(application, account):
        integration = Integration.FLEET
    with transaction.atomic():
        claim = reservations.recognise(
            application, account, vehicles, told={external_id, user} - {"", "null"}
        )
        known = _recognised_user(application, account.person, claim)
        _name(known, external_id or user, claim)
        connections = [_connection(application, vehicle, claim) for vehicle in vehicles]
        reservations.complete(claim, known, connections, account, now)
        grants = [
            _give_what_is_covered(connection, account, asked, set(approved), integration, now)
            for connection in connections
        ]
        evidence.keys_reconsidered([vehicle.pk for vehicle in vehicles], now=now)
        facts.refresh_verdicts(VehicleGrant.objects.filter(pk__in=[grant.pk for grant in grants]), now)
        if integration == Integration.FLEET:
            move_to_fleet(application, account, now=now)
    return grants


def _give_what_is_covered(
    connection: Connection,
    account: TeslaAccount,
    requested: list[str],
    allowed: set[str],
    integration: str,
    now: datetime,
) -> VehicleGrant:
    offered = requested
    if integration == Integration.FLEET:
        offered = covered_by(requested, account.granted_scopes)
    approved = [name for name in offered if name in allowed]
    declined = [name for name in offered if name not in allowed]
    return _give_one(connection, account, requested, approved, declined, integration, now)


def have_moved(application: Application, account: TeslaAccount) -> bool:
    """Whether anything that the account's person gave this application goes over the Fleet API."""
    active = VehicleGrant.objects.active().filter(connection__application=application, account=account)
    return active.filter(integration=Integration.FLEET).exists()


def _give_one(
    connection: Connection,
    account: TeslaAccount,
    requested: list[str],
    approved: list[str],
    declined: list[str],
    integration: str,
    now: datetime,
    *,
    not_granted: Sequence[str] = (),
) -> VehicleGrant:
    grant, _ = VehicleGrant.objects.update_or_create(
        connection=connection,
        account=account,
        mode=account.mode,
        defaults={
            "integration": integration,
            "requested": requested,
            "approved": approved,
            "declined": declined,
            "not_granted": not_granted,
            "approved_at": now,
            "revoked_at": None,
        },
    )
    history.record(
        Kind.GRANT_GIVEN,
        actor=history.person(account.person),
        at=now,
        application=connection.application,
        account=account,
        vehicle=connection.vehicle,
        grant=grant,
        requested=requested,
        approved=approved,
        declined=declined,
        not_granted=not_granted,
        integration=str(integration),
        source=Source.CONNECT,
    )
    return grant


def move_to_fleet(application: Application, account: TeslaAccount, *, now: datetime) -> list[VehicleGrant]:
    """Move what the account's person gave this application over the legacy API to the Fleet API; returns what moved.

    Call it once the person has signed in over Fleet, so that `account.granted_scopes` are Fleet's. Row, ids, tokens,
    history and what was approved stay. What Tesla's scopes do not cover counts as never granted there, until it is.
    Legacy grants of other applications stay as they are. Twice does no harm.
    """
    with transaction.atomic():
        rows = VehicleGrant.objects.active().filter(
            connection__application=application, account=account, integration=Integration.LEGACY
        )
        moved = list(rows.select_related("connection__vehicle"))
        if not moved:
            return []
        for grant in moved:
            _move_one(grant, application, account, now)
        evidence.keys_reconsidered([grant.connection.vehicle_id for grant in moved], now=now)
        facts.refresh_verdicts(VehicleGrant.objects.filter(pk__in=[grant.pk for grant in moved]), now)
    return moved


def _move_one(grant: VehicleGrant, application: Application, account: TeslaAccount, now: datetime) -> None:
    covered = covered_by(grant.approved, account.granted_scopes)
    grant.integration, grant.moved_at = Integration.FLEET, now
    grant.not_granted = [name for name in grant.approved if name not in covered]
    grant.save(update_fields=["integration", "moved_at", "not_granted"])
    history.record(
        Kind.GRANT_MOVED,
        actor=history.person(account.person),
        at=now,
        application=application,
        account=account,
        vehicle=grant.connection.vehicle,
        grant=grant,
        before=str(Integration.LEGACY),
        after=str(Integration.FLEET),
        approved=grant.approved,
        not_granted=grant.not_granted,
        source=Source.LOGIN,
    )


def stand(application: Application, account: TeslaAccount, vehicle_ids: Iterable[UUID]) -> bool:
    """Whether anything that the account's person gave this application on these cars was not taken back."""
    given = VehicleGrant.objects.filter(connection__application=application, account=account)
    return given.filter(connection__vehicle__in=vehicle_ids, revoked_at=None).exists()


def widen(
    application: Application,
    account: TeslaAccount,
    *,
    requested: Sequence[str],
    approved: Sequence[str],
    now: datetime,
) -> None:
    """Add what the person approved in a later run to what they gave before, for the same cars. Takes nothing away.

    As in `give`, nothing is added that Tesla did not grant.
    """
    covered = covered_by([name for name in requested if name in set(approved)], account.granted_scopes)
    held = VehicleGrant.objects.active().filter(
        connection__application=application, account=account, integration=Integration.FLEET
    )
    with transaction.atomic():
        for grant in held.select_related("connection__vehicle", "connection__application"):
            given = list(dict.fromkeys([*grant.approved, *covered]))
            _give_one(
                grant.connection,
                account,
                list(dict.fromkeys([*grant.requested, *requested])),
                given,
                [name for name in grant.declined if name not in given],
                Integration.FLEET,
                now,
                not_granted=[name for name in grant.not_granted if name not in covered],
            )
        facts.refresh_verdicts(held, now)


def used(grant: VehicleGrant, now: datetime) -> None:
    """Remember that the application used the grant, to the hour: more would cost a write with every read."""
    if grant.last_used_at is None or now - grant.last_used_at > USED_TO_THE:
        VehicleGrant.objects.filter(pk=grant.pk).update(last_used_at=now)


def revoke(grant: VehicleGrant, *, actor: str, now: datetime) -> None:
    """End a grant: the application's tokens no longer reach this car. The row and its history stay."""
    with transaction.atomic():
        ended = VehicleGrant.objects.active().filter(pk=grant.pk).update(revoked_at=now)
        if ended:
            history.record(
                Kind.GRANT_REVOKED,
                actor=actor,
                at=now,
                application=grant.connection.application,
                account=grant.account,
                vehicle=grant.connection.vehicle,
                grant=grant,
            )
            evidence.keys_reconsidered([grant.connection.vehicle_id], now=now)


def revoke_all(rows: QuerySet[VehicleGrant, Any], *, actor: str, now: datetime) -> list[Any]:
    """End all of these grants or none; returns them."""
    wanted = rows.select_related("account", "connection__application", "connection__vehicle")
    with transaction.atomic():
        ended = list(wanted)
        for grant in ended:
            revoke(grant, actor=actor, now=now)
    return ended
