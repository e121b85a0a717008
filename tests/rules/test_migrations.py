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
        for statement in ("UPDATE vehicles_event SET kind = 'b'", "DELETE FROM vehicles_event"):
            with pytest.raises(sqlite3.IntegrityError, match="Events cannot be"):
                connection.execute(statement)


def test_the_newest_migrations_can_be_taken_back(migrated: Path) -> None:
    manage("migrate", "vehicles", "0007", "--no-input", database=migrated)
    manage("migrate", "--no-input", database=migrated)
    assert "[ ]" not in manage("showmigrations", database=migrated)
