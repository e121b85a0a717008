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


def facts_of(grant: VehicleGrant, now: datetime) -> Facts:
    """What is stored about the grant's account, car and permissions, as far as it is young enough to count."""
    return read_facts(Loaded(grant, incidents.active_over(grant), now))


def with_rows(grants: QuerySet[VehicleGrant]) -> QuerySet[VehicleGrant]:
    """The grants with everything that `facts_of` reads, in two queries however many there are."""
    accesses = Prefetch("connection__vehicle__accesses", queryset=VehicleAccess.objects.order_by("pk"))
    return (
        incidents.with_incidents(grants)
        .select_related("account", "connection__vehicle", "connection__application")
        .prefetch_related(accesses)
    )


def grants_of_account(account: TeslaAccount) -> QuerySet[VehicleGrant]:
    """The account's grants that have not ended."""
    return VehicleGrant.objects.active().filter(account=account)


def grants_of_vehicles(vehicle_ids: Collection[UUID]) -> QuerySet[VehicleGrant]:
    """The grants on these cars that have not ended, whoever gave them."""
    return VehicleGrant.objects.active().filter(connection__vehicle__in=vehicle_ids)
