"""Grants: giving, and taking back, what a person allows an application to do with their cars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from vehicles import facts, history
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

USED_TO_THE: Final = timedelta(hours=1)


def application_user(application: Application, person: User) -> ApplicationUser:
    """The person as this application knows them, created on first sight with an id of its own."""
    row, _ = ApplicationUser.objects.get_or_create(application=application, person=person)
    return row


def give(
    *,
    application: Application,
    account: TeslaAccount,
    vehicles: Sequence[Vehicle],
    requested: Sequence[str],
    approved: Sequence[str],
    integration: str = Integration.FLEET,
    now: datetime,
) -> list[VehicleGrant]:
    """Write what the person approved for these cars, replacing what they approved earlier; one grant a car.

    However it is called, nothing is granted that was not asked for or that Tesla did not grant. Permissions that Tesla
    covers and the person left out count as declined.
    """
    asked = list(dict.fromkeys(requested))
    offered = covered_by(asked, account.granted_scopes) if integration == Integration.FLEET else asked
    given = [name for name in offered if name in set(approved)]
    declined = [name for name in offered if name not in set(approved)]
    with transaction.atomic():
        application_user(application, account.person)
        grants = [
            _give_one(application, account, vehicle, asked, given, declined, integration, now)
            for vehicle in vehicles
        ]
        facts.refresh_verdicts(VehicleGrant.objects.filter(pk__in=[grant.pk for grant in grants]), now)
        if integration == Integration.FLEET:
            move_to_fleet(application, account, now=now)
    return grants


def _give_one(
    application: Application,
    account: TeslaAccount,
    vehicle: Vehicle,
    requested: list[str],
    approved: list[str],
    declined: list[str],
    integration: str,
    now: datetime,
) -> VehicleGrant:
    connection, _ = Connection.objects.get_or_create(application=application, vehicle=vehicle)
    grant, _ = VehicleGrant.objects.update_or_create(
        connection=connection,
        account=account,
        mode=account.mode,
        defaults={
            "integration": integration,
            "requested": requested,
            "approved": approved,
            "declined": declined,
            "approved_at": now,
            "revoked_at": None,
        },
    )
    history.record(
        Kind.GRANT_GIVEN,
        actor=history.person(account.person),
        at=now,
        application=application,
        account=account,
        vehicle=vehicle,
        grant=grant,
        approved=approved,
        declined=declined,
        integration=str(integration),
    )
    return grant


def move_to_fleet(application: Application, account: TeslaAccount, *, now: datetime) -> list[VehicleGrant]:
    """Move what the account's person gave this application over the legacy API to the Fleet API; returns what moved.

    Call it once the person has signed in over Fleet, so that `account.granted_scopes` are Fleet's. Row, ids, tokens and
    history stay. What Tesla's scopes do not cover was never granted there, so it leaves the approved permissions and
    counts as missing at Tesla. Legacy grants of other applications stay as they are. Twice does no harm.
    """
    with transaction.atomic():
        rows = VehicleGrant.objects.filter(
            connection__application=application,
            account=account,
            integration=Integration.LEGACY,
            revoked_at=None,
        )
        moved = list(rows.select_related("connection__vehicle"))
        for grant in moved:
            _move_one(grant, application, account, now)
        facts.refresh_verdicts(VehicleGrant.objects.filter(pk__in=[grant.pk for grant in moved]), now)
    return moved


def _move_one(grant: VehicleGrant, application: Application, account: TeslaAccount, now: datetime) -> None:
    grant.integration = Integration.FLEET
    grant.approved = covered_by(grant.approved, account.granted_scopes)
    grant.save(update_fields=["integration", "approved"])
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
    )


def used(grant: VehicleGrant, now: datetime) -> None:
    """Remember that the application used the grant, to the hour: more would cost a write with every read."""
    if grant.last_used_at is None or now - grant.last_used_at > USED_TO_THE:
        VehicleGrant.objects.filter(pk=grant.pk).update(last_used_at=now)


def revoke(grant: VehicleGrant, *, actor: str, now: datetime) -> None:
    """End a grant: the application's tokens no longer reach this car. The row and its history stay."""
    with transaction.atomic():
        ended = VehicleGrant.objects.filter(pk=grant.pk, revoked_at=None).update(revoked_at=now)
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


def revoke_all(rows: QuerySet[VehicleGrant, Any], *, actor: str, now: datetime) -> list[Any]:
    """End all of these grants or none; returns them."""
    wanted = rows.select_related("account", "connection__application", "connection__vehicle")
    with transaction.atomic():
        ended = list(wanted)
        for grant in ended:
            revoke(grant, actor=actor, now=now)
    return ended
