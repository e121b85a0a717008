"""The other tests make tables from the models; here the migrations themselves run, and lead to the same place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def test_an_empty_database_migrates_to_the_models_of_today(tmp_path: Path) -> None:
    database = tmp_path / "fresh.sqlite3"
    manage("migrate", "--no-input", database=database)
    assert "[ ]" not in manage("showmigrations", database=database)
    assert "No changes" in manage("makemigrations", "--check", "--dry-run", database=database)
