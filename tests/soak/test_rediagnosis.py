"""Re-diagnosis at scale: 4,000 grants, or as many as `SOAK_GRANTS` says, with how long it takes and what it costs.

The sample fleet is planted small and doubled inside the database, since planting a million cars takes an hour.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from tests.sample_audit import load
from tests.soak.conftest import Report, size
from vehicles.evidence import rediagnosis
from vehicles.models import Connection, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]

GRANTS = size("GRANTS", 4_000)
COLUMNS = ("verdict", "main_cause", "next_actor", "lacks_permissions")
MOST_PLANTED = 10_000
WRONG = ("ok", "in_service", "staff", True)
"""What no grant is diagnosed as."""


def test_every_verdict_of_a_large_fleet_is_made_right_in_sets(report: Report) -> None:
    planted = verdicts_of(fleet_of(GRANTS))
    sets, seconds = measured()
    report(f"{planted.total():,} grants diagnosed, {sets} parts, nothing to change: {seconds:.1f} s")
    assert verdicts_of(VehicleGrant.objects.all()) == planted

    VehicleGrant.objects.update(**dict(zip(COLUMNS, WRONG, strict=True)))
    sets, seconds = measured()
    report(f"{planted.total():,} grants diagnosed, {sets} parts, every verdict rewritten: {seconds:.1f} s")
    assert verdicts_of(VehicleGrant.objects.all()) == planted


def verdicts_of(grants: Any) -> Counter[tuple[Any, ...]]:
    return Counter(grants.values_list(*COLUMNS))


def measured() -> tuple[int, float]:
    began = time.monotonic()
    parts = sum(1 for _ in rediagnosis.rediagnose(timezone.now()))
    return parts, time.monotonic() - began


def fleet_of(grants: int) -> Any:
    """A sample fleet of about so many grants: four cars have five."""
    rounds, cars = 0, grants * 4 // 5
    while cars > MOST_PLANTED:
        cars = -(-cars // 2)
    load(cars)
    while VehicleGrant.objects.count() < 0.99 * grants:
        rounds += 1
        double(rounds)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return VehicleGrant.objects.all()


def double(number: int) -> None:
    """Copy every account and car with all that connects them; ids and VINs are made anew of the old ones."""

    def anew(column: str) -> str:
        made = f"MD5(CAST({column} AS text) || '{number}')"
        return f"CAST({made} AS uuid)" if connection.vendor == "postgresql" else made

    def text(column: str) -> str:
        return f"SUBSTR(MD5({column} || '{number}'), 1, 17)"

    fresh = "JOIN vehicles_connection old ON old.id = t.connection_id JOIN vehicles_connection fresh ON "
    fresh += f"fresh.application_id = old.application_id AND fresh.vehicle_id = {anew('old.vehicle_id')}"
    of_both = {"account_id": anew("t.account_id"), "vehicle_id": anew("t.vehicle_id")}
    copy(TeslaAccount, {"id": anew("t.id"), "sub": text("t.sub")})
    copy(Vehicle, {"id": anew("t.id"), "vin": text("t.vin")})
    copy(VehicleAccess, of_both)
    copy(Connection, {"vehicle_id": of_both["vehicle_id"], "public_id": anew("t.public_id")})
    given = {"id": anew("t.id"), "account_id": of_both["account_id"], "connection_id": "fresh.id"}
    copy(VehicleGrant, given, fresh)


def copy(model: type[Model], changed: dict[str, str], joined: str = "") -> None:
    """Every row of the table once more, with some columns changed; numbers count on by themselves."""
    columns = [field.column for field in model._meta.concrete_fields]
    columns = [name for name in columns if name != "id" or name in changed]
    values = ", ".join(changed.get(name, f"t.{name}") for name in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} t {joined}"  # noqa: S608
        )
