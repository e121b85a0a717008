"""docs/moving-from-smartcar.md tells the truth, and the export that it speaks of makes a file that can be imported."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from django.test import Client

from tests.factories import (
    AccessTokenFactory,
    ApplicationFactory,
    VehicleGrantFactory,
)
from tests.runner import ROOT
from vehicles.management.connection_file import COLUMNS
from vehicles.models import Reservation

DOCUMENT = (ROOT / "docs" / "moving-from-smartcar.md").read_text()
ID = "36ab27d0-fd9d-4455-823a-ce30af709ffc"


def test_what_it_says_is_not_offered_is_not_there() -> None:
    listed = re.findall(r"^- `(GET|POST) (/\S+)`$", DOCUMENT, re.MULTILINE)
    assert listed
    for method, path in listed:
        answer = Client().generic(method, path.replace("{id}", ID).replace("{webhookId}", ID))
        assert (answer.status_code, answer.json()["type"]) == (404, "RESOURCE_NOT_FOUND"), path


@pytest.mark.django_db
def test_what_it_says_is_there_asks_for_a_token() -> None:
    told = re.findall(r"`(GET|POST) (/v2\.0/\S+)`", DOCUMENT)
    missing = set(re.findall(r"^- `(GET|POST) (/\S+)`$", DOCUMENT, re.MULTILINE))
    there = [each for each in told if each not in missing]
    assert there
    for method, path in there:
        answer = Client().generic(method, path.replace("{id}", ID).rstrip("…"))
        assert answer.status_code == 401, path


def test_its_commands_and_columns_exist() -> None:
    named = set(re.findall(r"manage\.py (\w+)", DOCUMENT))
    assert named == {"add_application", "audit", "import_connections"} <= set(get_commands())
    assert set(re.findall(r"^\| `(\w+)` \| (?:required|better|optional)", DOCUMENT, re.MULTILINE)) == set(
        COLUMNS
    )


def test_its_links_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    places = {"#" + re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    for link in re.findall(r"\]\(([^)]+)\)", DOCUMENT):
        assert link in places if link.startswith("#") else (ROOT / "docs" / link).exists(), link


def test_both_tables_of_addresses_agree() -> None:
    def auth_origins(text: str) -> str:
        return next(line for line in text.splitlines() if line.startswith("| `SMARTCAR_AUTH_ORIGIN`"))

    assert auth_origins(DOCUMENT) == auth_origins((ROOT / "docs" / "sdks.md").read_text())


@pytest.mark.django_db(transaction=True)
def test_an_export_through_the_official_sdk_can_be_imported(live_server: Any, tmp_path: Path) -> None:
    old = ApplicationFactory()
    grants = [VehicleGrantFactory(application=old, requested=["read_vin", "read_battery"]) for _ in range(3)]
    blind = VehicleGrantFactory(application=old, account=grants[0].account, requested=["read_battery"])
    tokens = [AccessTokenFactory(application=old, user=grant.account.person).raw for grant in grants]
    exported = subprocess.run(
        [sys.executable, ROOT / "docs" / "export_connections.py"],
        input="\n".join(tokens), capture_output=True, text=True, check=True,
        env=os.environ | {"SMARTCAR_API_ORIGIN": live_server.url},
    )  # fmt: skip
    assert f"{blind.connection.public_id} of user" in exported.stderr and "PERMISSION" in exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout)))
    assert {row["vehicle_id"] for row in rows} == {str(grant.connection.public_id) for grant in grants}
    assert {row["scopes"] for row in rows} == {"read_battery read_vin"}

    file = tmp_path / "connections.csv"
    file.write_text(exported.stdout)
    new = ApplicationFactory()
    call_command("import_connections", file, application=new.client_id, verbosity=0, stdout=io.StringIO())
    reserved = Reservation.objects.filter(application=new)
    assert {row.vin for row in reserved} == {grant.connection.vehicle.vin for grant in grants}
