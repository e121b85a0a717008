"""The audit list held against the truth file: what comes out must be what was planted, row by row."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from django.core.management import call_command

from vehicles.diagnosis import RULES, Key, KeyReason
from vehicles.models import Vehicle

INSTALLATION_WIDE = {
    "operator_fault": "everybody's at once: planted, it would hide all others",
    "provider_incident": "the same, and the brake would hold the portal back",
}
NOT_PLANTED = INSTALLATION_WIDE | {"asleep": "a minute later nobody knows whether it still is"}
"""Causes that no sample shows, each with the reason."""


def load(vehicles: int, **options: Any) -> None:
    """Plant so many sample cars."""
    call_command("load_sample_data", vehicles=vehicles, verbosity=0, **options)


def audit_equals_truth(cars: int, folder: Path) -> None:
    """Plant so many cars and compare the audit with the truth file; every cause, key state and reason is there."""
    load(cars, truth=folder / "truth.jsonl")
    planted = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    out = io.StringIO()
    call_command("audit", format="csv", stdout=out)
    found = list(csv.reader(io.StringIO(out.getvalue())))
    columns = found.pop(0)
    assert len(found) == len(planted) > cars
    expected = sorted([row[column] for column in columns] for row in planted)
    different = [pair for pair in zip(expected, sorted(found), strict=True) if pair[0] != pair[1]]
    assert different[:3] == []

    # What a person chose, or what passes by itself, is never a main cause.
    causes = {rule.code for rule in RULES if not rule.silent} - set(NOT_PLANTED)
    assert {row[columns.index("cause")] for row in found} == {*causes, "not_connected", ""}
    assert set(Vehicle.objects.values_list("key", flat=True)) == set(Key)
    reasons = Vehicle.objects.filter(key="unknown").values_list("key_reason", flat=True)
    assert set(reasons) == set(KeyReason)
    assert {row[columns.index("access_types")] for row in found} == {"", "OWNER", "DRIVER", "OWNER DRIVER"}
