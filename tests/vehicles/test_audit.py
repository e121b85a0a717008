"""The audit on the command line: the promised columns, row by row, narrowed, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import gc
import io
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.factories import (
    ApplicationFactory,
    ReservationFactory,
    TeslaAccountFactory,
    VehicleAccessFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.runner import ROOT
from vehicles import audit, facts
from vehicles.audit.formats import harmless
from vehicles.models import VehicleGrant

pytestmark = pytest.mark.django_db

COLUMNS = [
    "vin", "vehicle_id", "application", "verdict", "cause", "next_actor", "consent", "missing_permissions",
    "key", "provider", "access_types", "since", "last_checked",
]  # fmt: skip


def run(**options: Any) -> str:
    out = io.StringIO()
    call_command("audit", stdout=out, **options)
    return out.getvalue()


def csv_rows(**options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run(format="csv", **options))))


def diagnosed(now: datetime) -> None:
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)


def test_a_row_has_the_promised_columns_and_tells_the_whole_state(now: datetime) -> None:
    account = TeslaAccountFactory(granted_scopes=["vehicle_device_data", "vehicle_cmds"])
    grant = VehicleGrantFactory(
        application=ApplicationFactory(name="Charge Planner"),
        account=account,
        requested=["read_vin", "read_location", "control_security", "read_odometer"],
        approved=["read_vin", "control_security"],
        declined=["read_odometer"],
    )
    VehicleAccessFactory(vehicle=grant.connection.vehicle, access_type="DRIVER")
    diagnosed(now)
    assert run(format="csv").splitlines()[0] == ",".join(COLUMNS)
    [row] = csv_rows()
    assert row == {
        "vin": grant.connection.vehicle.vin,
        "vehicle_id": str(grant.connection.public_id),
        "application": "Charge Planner",
        "verdict": "degraded",
        "cause": "not_granted_at_tesla",
        "next_actor": "owner",
        "consent": "active",
        "missing_permissions": "read_location:not_granted_at_tesla read_odometer:declined_in_connect",
        "key": "absent",
        "provider": "fleet",
        "access_types": "OWNER DRIVER",
        "since": now.isoformat(timespec="seconds"),
        "last_checked": account.consent_observed_at.isoformat(timespec="seconds"),
    }


@pytest.mark.parametrize("key", ["unknown", "conflict"])
def test_a_key_that_nobody_saw_does_not_count_as_works(now: datetime, key: str) -> None:
    for wanted in (["read_vin", "control_security"], ["read_vin", "control_navigation"]):
        VehicleGrantFactory(vehicle=VehicleFactory(key=key), requested=wanted)
    diagnosed(now)
    rows = csv_rows()
    assert sorted((row["verdict"], row["cause"], row["key"]) for row in rows) == [
        ("ok", "", key),
        ("unproven", "", key),
    ]
    assert audit.counts().verdicts == {"ok": 1, "unproven": 1}


def test_it_is_narrowed_by_cause_and_by_application(now: datetime) -> None:
    application = ApplicationFactory()
    revoked = TeslaAccountFactory(consent="revoked")
    wanted = VehicleGrantFactory(application=application, account=revoked)
    VehicleGrantFactory(application=application)
    VehicleGrantFactory(account=revoked)
    diagnosed(now)
    assert len(csv_rows()) == 3
    assert len(csv_rows(cause="consent_revoked")) == 2
    assert len(csv_rows(application=application.client_id)) == 2
    for named in (application.client_id, str(application.pk)):
        [row] = csv_rows(cause="consent_revoked", application=named)
        assert row["vehicle_id"] == str(wanted.connection.public_id)


def test_an_ended_grant_is_no_longer_in_the_list(now: datetime) -> None:
    VehicleGrantFactory(revoked_at=now)
    assert csv_rows() == []
    assert json.loads(run(format="json")) == []


def test_an_unknown_cause_or_application_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(CommandError, match="key_absent"):
        call_command("audit", "--cause", "no_such_cause")
    with pytest.raises(CommandError, match="give its client id"):
        run(application="nobody")


def test_json_and_table_show_the_same_rows_as_csv(now: datetime) -> None:
    for name in ("One", "Two words"):
        VehicleGrantFactory(application=ApplicationFactory(name=name))
    diagnosed(now)
    rows = csv_rows()
    assert json.loads(run(format="json")) == rows
    first, *lines = run().splitlines()
    assert first.split() == COLUMNS
    for row, line in zip(rows, lines, strict=True):
        assert all(value in line for value in row.values())


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_value_runs_as_a_formula_in_a_spreadsheet(now: datetime, name: str) -> None:
    VehicleGrantFactory(application=ApplicationFactory(name=name))
    diagnosed(now)
    [row] = csv_rows()
    assert row["application"] == f"'{name.strip()}"


def test_a_value_of_several_lines_stays_on_one() -> None:
    assert harmless("a name\r\n=1") == "a name =1"


def test_the_number_of_queries_does_not_grow_with_the_list(
    now: datetime, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        VehicleGrantFactory()
    diagnosed(now)
    with django_assert_max_num_queries(3):
        assert len(list(audit.rows({}))) == 20


@pytest.mark.slow
def test_memory_does_not_grow_with_the_list(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vehicles.audit.listing._AT_ONCE", 20)
    application = ApplicationFactory()

    def peak(more: int) -> int:
        for _ in range(more):
            VehicleGrantFactory(application=application)
        list_of = audit.rows({})
        tracemalloc.start()
        for number, _ in enumerate(list_of):
            if number % 20 == 0:
                gc.collect()  # rows and what was prefetched for them refer to each other
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small = peak(60)
    assert peak(340) < small * 1.5


def test_a_reader_that_has_seen_enough_is_not_answered_with_a_trace() -> None:
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from unittest.mock import patch\n"
        "from vehicles import audit\n"
        "row = audit.AuditRow(*(['x' * 99] * 13))\n"
        "with patch.object(audit, 'rows', lambda conditions: (row for _ in range(99999))):\n"
        "    call_command('audit', format='csv')\n"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr
        assert process.stdout.readline().startswith("vin,")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_car_that_nobody_connected_yet_stands_in_the_list_with_what_is_known(now: datetime) -> None:
    row = ReservationFactory(created_at=now)
    VehicleGrantFactory(application=row.application)
    assert len(csv_rows(application=row.application.client_id)) == 2
    [listed] = csv_rows(cause="not_connected")
    assert listed == {
        "vin": row.vin,
        "vehicle_id": str(row.vehicle_public_id),
        "application": row.application.name,
        "verdict": "blocked",
        "cause": "not_connected",
        "next_actor": "application",
        "consent": "unknown",
        "missing_permissions": "control_security:not_requested read_vin:not_requested",
        "key": "unknown",
        "provider": "",
        "access_types": "",
        "since": now.isoformat(timespec="seconds"),
        "last_checked": "",
    }
    assert csv_rows(application=ApplicationFactory().client_id) == []
