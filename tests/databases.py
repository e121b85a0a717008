"""The test's own database, for other processes that work on it too."""

from __future__ import annotations

from pathlib import Path

from django.db import connection


def database_url() -> str:
    """The `DATABASE_URL` of the database that the connection of this process leads to."""
    of = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(of['NAME'])}"
    login = f"{of['USER']}:{of['PASSWORD']}" if of["PASSWORD"] else of["USER"]
    return f"postgres://{login}@{of['HOST']}:{of['PORT']}/{of['NAME']}"
