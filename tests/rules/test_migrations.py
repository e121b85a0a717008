"""The other tests make tables from the models; here the migrations themselves run, and lead to the same place."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.runner import ROOT


def manage(*arguments: str, database: Path) -> str:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database that every migration ran on."""
    database = tmp_path_factory.mktemp("migrations") / "fresh.sqlite3"
    manage("migrate", "--no-input", database=database)
    return database


def test_an_empty_database_migrates_to_the_models_of_today(migrated: Path) -> None:
    assert "[ ]" not in manage("showmigrations", database=migrated)
    assert "No changes" in manage("makemigrations", "--check", "--dry-run", database=migrated)


def test_a_migrated_database_refuses_to_change_or_delete_events(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as connection:
        connection.execute(
            "INSERT INTO vehicles_event (kind, at, actor, request_id, data) VALUES ('a', '2026-01-01', 'b', '', '{}')"
        )
        for statement in (
            "UPDATE vehicles_event SET kind = 'b'",
            "DELETE FROM vehicles_event",
            "INSERT OR REPLACE INTO vehicles_event SELECT * FROM vehicles_event",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="Events cannot be"):
                connection.execute(statement)


GRANTS_THAT_WORKED = {
    "seen": ("present", ["control_security"], [], None, "ok"),
    "never looked": ("unknown", ["read_vin", "control_security"], [], None, "unproven"),
    "disagreed": ("conflict", ["control_trunk"], [], None, "unproven"),
    "reads": ("unknown", ["read_vin", "control_navigation"], [], None, "ok"),
    "not granted since it moved": ("unknown", ["read_vin", "control_charge"], ["control_charge"], None, "ok"),
    "ended": ("unknown", ["control_security"], [], "2026-01-01", "ok"),
}


def test_grants_that_were_called_working_are_unproven_where_nobody_saw_the_key(migrated: Path) -> None:
    manage("migrate", "vehicles", "0009", "--no-input", database=migrated)
    manage("shell", "-c", PLANT.format(rows=GRANTS_THAT_WORKED), database=migrated)
    manage("migrate", "--no-input", database=migrated)
    with closing(sqlite3.connect(migrated)) as connection:
        found = dict(connection.execute("SELECT main_cause, verdict FROM vehicles_vehiclegrant"))
    assert found == {name: verdict for name, (*_, verdict) in GRANTS_THAT_WORKED.items()}
    manage("migrate", "vehicles", "0009", "--no-input", database=migrated)
    with closing(sqlite3.connect(migrated)) as connection:
        assert {each for (each,) in connection.execute("SELECT verdict FROM vehicles_vehiclegrant")} == {"ok"}
        connection.execute("DELETE FROM vehicles_vehiclegrant")
        connection.commit()
    manage("migrate", "--no-input", database=migrated)


PLANT = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
apps = MigrationExecutor(connection).loader.project_state([("vehicles", "0009_moved_grants")]).apps
make = lambda model, **values: apps.get_model("vehicles", model).objects.create(**values)
now = timezone.now()
person = make("User", username="one")
account = make("TeslaAccount", person=person, mode="live", sub="one")
application = make("Application", name="one", client_id="one")
for number, (name, (key, approved, not_granted, ended, _)) in enumerate({rows!r}.items()):
    vehicle = make("Vehicle", mode="live", vin=str(number), key=key)
    given = make("Connection", application=application, vehicle=vehicle)
    make("VehicleGrant", connection=given, account=account, mode="live", requested=approved, approved=approved,
         not_granted=not_granted, approved_at=now, revoked_at=ended and now, verdict="ok", main_cause=name)
"""
"""Plants the grants with the models of before, each named by its main cause."""


def test_the_newest_migrations_can_be_taken_back(migrated: Path) -> None:
    manage("migrate", "vehicles", "0007", "--no-input", database=migrated)
    manage("migrate", "--no-input", database=migrated)
    assert "[ ]" not in manage("showmigrations", database=migrated)
