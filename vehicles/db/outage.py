"""Whether a failure means that the database is away for now, and not that we asked it something wrong."""

from __future__ import annotations

import sqlite3
from typing import Final

from django.db import InterfaceError, OperationalError

RETRY_SECONDS: Final = 5
"""What callers are told to wait: a restart takes about as long."""
_PASSING: Final = frozenset(
    (
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL,
    )
)  # fmt: skip
"""SQLite's primary codes for what is not the statement's fault: a missing table is an OperationalError there too."""


def is_database_away(failure: BaseException | None) -> bool:
    """Whether the database could not be reached or could not do its work: refused, gone, locked, full, read-only.

    PostgreSQL's operational errors all mean that; wrong statements and values are other exceptions there.
    """
    if not isinstance(failure, OperationalError | InterfaceError):
        return False
    code = getattr(failure.__cause__, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _PASSING
