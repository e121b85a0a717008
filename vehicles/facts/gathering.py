"""The facts of one grant: its stored rows as `diagnosis` wants them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from vehicles.diagnosis import Facts
from vehicles.facts import incidents
from vehicles.facts.table import Loaded, read_facts
from vehicles.models import TeslaAccount, VehicleAccess, VehicleGrant


def facts_of(grant: VehicleGrant, access: VehicleAccess | None, now: datetime) -> Facts:
    """What is stored about the grant's account, car and permissions, as far as it is young enough to count.

    `access` is the account's relation to the car, None when the account never listed it.
    """
    return read_facts(Loaded(grant, access, incidents.standing_over(grant), now))


def with_rows(grants: QuerySet[VehicleGrant]) -> QuerySet[VehicleGrant]:
    """The grants with everything that `facts_of` and `access_of` read, in two queries however many there are."""
    accesses = Prefetch("connection__vehicle__accesses", queryset=VehicleAccess.objects.order_by("pk"))
    return (
        incidents.with_incidents(grants)
        .select_related("account", "connection__vehicle", "connection__application")
        .prefetch_related(accesses)
    )


def access_of(grant: VehicleGrant) -> VehicleAccess | None:
    """The relation of the grant's own account to the car (prefetched by `with_rows`)."""
    return grant.own_access


def grants_of_account(account: TeslaAccount) -> QuerySet[VehicleGrant]:
    """The account's grants that have not ended."""
    return VehicleGrant.objects.active().filter(account=account)


def grants_of_vehicles(vehicle_ids: Collection[UUID]) -> QuerySet[VehicleGrant]:
    """The grants on these cars that have not ended, whoever gave them."""
    return VehicleGrant.objects.active().filter(connection__vehicle__in=vehicle_ids)
