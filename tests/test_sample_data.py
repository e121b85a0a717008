"""The sample fleet: planted once, true to the simulated Tesla, and with something of everything in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db.models import F

from tests.factories import ApplicationFactory
from tests.sample_audit import INSTALLATION_WIDE, NOT_PLANTED, audit_equals_truth, load
from vehicles import facts
from vehicles.diagnosis import RULES, MissingReason
from vehicles.facts.table import DECIDING
from vehicles.management import sample_truth
from vehicles.models import Connection, Reservation, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla.simulator.samples.sample_fleet import SampleFleet
from vehicles.tesla.simulator.world import SAMPLE_SEED
from vehicles.tokens import store

pytestmark = pytest.mark.django_db

FACTS_NOT_PLANTED = INSTALLATION_WIDE | {"fleet_signs": "a sample person has one login, not both"}
"""Facts that are the same for all of a sample, each with the reason."""


def test_every_planted_car_is_one_that_the_simulated_tesla_knows() -> None:
    load(30)
    fleet = SampleFleet(SAMPLE_SEED, 30)
    assert Vehicle.objects.count() == 30
    for access in VehicleAccess.objects.select_related("vehicle", "account"):
        known = fleet.vehicle(access.vehicle.vin)
        assert known is not None
        assert known[1][access.account.email] == access.access_type


def test_a_second_run_adds_nothing_and_changes_nothing() -> None:
    load(25)
    before = list(VehicleGrant.objects.order_by("pk").values())
    load(25)
    assert list(VehicleGrant.objects.order_by("pk").values()) == before
    assert Vehicle.objects.count() == 25


def test_a_larger_run_adds_what_is_missing_to_people_who_were_there() -> None:
    load(17)
    load(30)
    assert Vehicle.objects.count() == 30
    assert set(Vehicle.objects.values_list("pk")) == set(Connection.objects.values_list("vehicle").distinct())


def test_the_verdict_columns_are_what_the_diagnosis_says(now: Any) -> None:
    load(100)
    columns = ("verdict", "main_cause", "next_actor", "lacks_permissions")
    planted = {grant.pk: [getattr(grant, name) for name in columns] for grant in VehicleGrant.objects.all()}
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    diagnosed = {grant.pk: [getattr(grant, name) for name in columns] for grant in VehicleGrant.objects.all()}
    assert planted == diagnosed


def test_two_hundred_cars_show_every_state() -> None:
    load(200)
    assert set(TeslaAccount.objects.values_list("consent", flat=True)) >= {
        "active", "revoked", "sign_in_needed", "unknown",
    }  # fmt: skip
    assert {"present", "absent", "not_required", "unknown"} <= set(
        Vehicle.objects.values_list("key", flat=True)
    )
    assert set(VehicleGrant.objects.values_list("verdict", flat=True)) == {
        "ok", "unproven", "degraded", "blocked",
    }  # fmt: skip
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"fleet", "legacy"}
    causes = set(VehicleGrant.objects.values_list("main_cause", flat=True))
    assert causes >= {
        "key_absent",
        "not_granted_at_tesla",
        "withdrawn_at_tesla",
        "consent_revoked",
        "legacy_cannot_sign",
        "legacy_closed",
    }


def test_every_cause_is_planted_and_told_by_the_truth_file(now: Any, tmp_path: Path) -> None:
    load(300, truth=tmp_path / "truth.jsonl")
    grants = facts.with_rows(VehicleGrant.objects.all())
    known = [facts.facts_of(grant, now) for grant in grants]
    causes = {rule.code for rule in RULES} - set(NOT_PLANTED)
    shown = {rule.code for rule in RULES if any(map(rule.stops, known))}
    assert shown == causes, "plant it (sample_plan, sample_rows), or say in NOT_PLANTED why not"
    told: set[str] = set()
    for line in (tmp_path / "truth.jsonl").read_text().splitlines():
        row = json.loads(line)
        reasons = (each.split(":")[1] for each in row["missing_permissions"].split())
        told.update(row["planted"]["faults"], *([reason] for reason in reasons))
    expected = {*causes, "not_connected", MissingReason.NOT_REQUESTED}
    assert told == expected, "write it once more in vehicles/management/sample_truth.py"

    for fact in DECIDING:
        values = [getattr(each, fact.name) for each in known]
        assert any(value != values[0] for value in values) or fact.name in FACTS_NOT_PLANTED, fact.name
        for column in (part.name for part in fact.sql(now) if isinstance(part, F)):
            values = list(VehicleGrant.objects.values_list(column, flat=True))
            # All rows of a sample are of one mode.
            assert any(value != values[0] for value in values) or column == "mode", column


@pytest.mark.slow
def test_the_audit_says_row_by_row_what_was_planted(tmp_path: Path) -> None:
    audit_equals_truth(2_000, tmp_path)


def test_the_truth_file_asks_nobody_who_could_be_wrong_with_the_audit() -> None:
    source = Path(sample_truth.__file__).read_text()
    imported = re.findall(r"^(?:from|import) (\S+)", source, re.MULTILINE)
    assert [name for name in imported if name.startswith("vehicles")] == [
        "vehicles.management.sample_plan",
        "vehicles.permissions",
    ]


def test_the_truth_file_tells_what_was_planted(tmp_path: Path) -> None:
    load(20, truth=tmp_path / "truth.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert len(rows) == VehicleGrant.objects.count() + Reservation.objects.count()
    for row in rows:
        if row["cause"] != "not_connected":
            connection = Connection.objects.get(
                public_id=row["vehicle_id"], application__name=row["application"]
            )
            assert (connection.vehicle.vin, connection.vehicle.key) == (row["vin"], row["key"])


def test_planted_logins_open_at_the_vault() -> None:
    load(10)
    account = TeslaAccount.objects.filter(consent="active").first()
    assert account is not None
    stored = store.load(account, "fleet")
    assert stored is not None
    assert stored.refresh_token


def test_the_cars_can_be_given_to_applications_of_ones_own() -> None:
    application = ApplicationFactory()
    load(10, application=[application.client_id])
    assert set(Connection.objects.values_list("application", flat=True)) == {application.pk}


def test_an_unknown_application_is_refused() -> None:
    with pytest.raises(CommandError, match="no application nobody"):
        load(10, application=["nobody"])
