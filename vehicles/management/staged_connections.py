"""The list on its way in: kept in a temporary file, so that rows can be compared with each other at any size.

SQLite deletes the file by itself when it is closed, whatever happens.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final, Self
from uuid import UUID

from vehicles.reservations import ReservationFault, Wanted

_COLUMNS: Final = "line, vehicle_id, user_id, vin, external_id, email_checksum, scopes"

_SAME_AGAIN: Final = """
    DELETE FROM rows WHERE line NOT IN (
        SELECT MIN(line) FROM rows
        GROUP BY vehicle_id, user_id, vin, external_id, email_checksum, scopes
    )
"""

_CONTRADICTIONS: Final = (
    (
        "vehicle_id",
        "is given to several cars in this file; an id names one car",
        ("vehicle_id", "COUNT(DISTINCT vin) > 1"),
    ),
    (
        "vehicle_id",
        "is not the only one in this file for this car and user; they have one",
        ("vin, user_id", "COUNT(DISTINCT vehicle_id) > 1"),
    ),
    (
        "line",
        "says something else about this vehicle and user than another line of this file",
        ("vehicle_id, user_id", "COUNT(*) > 1"),
    ),
    (
        "external_id",
        "is not the only one in this file for this user; a user has one",
        ("user_id", "COUNT(DISTINCT NULLIF(external_id, '')) > 1"),
    ),
)
"""What rows of one file can say against each other. Nobody can tell which of them is right, so all are refused."""


class StagedConnections:
    """The rows of one file. A context manager; nothing is left behind."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE rows (line INTEGER PRIMARY KEY, vehicle_id TEXT, user_id TEXT, vin TEXT, external_id TEXT, "
            "email_checksum TEXT, scopes TEXT)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._database.close()

    def add(self, row: Wanted) -> None:
        """Keep a row."""
        self._database.execute(
            f"INSERT INTO rows ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  (column names, no values)
            (
                row.line,
                str(row.vehicle_id),
                str(row.user_id),
                row.vin,
                row.external_id,
                row.email_checksum,
                json.dumps(row.scopes),
            ),
        )

    def refuse_contradictions(self) -> Iterator[ReservationFault]:
        """Drop rows that say the same again, and rows that contradict each other; tells the latter."""
        for columns in ("vehicle_id", "vin, user_id", "user_id"):
            self._database.execute(f"CREATE INDEX by_{columns.replace(', ', '_')} ON rows ({columns})")
        self._database.execute(_SAME_AGAIN)
        self._database.execute("CREATE TABLE refused (line INTEGER PRIMARY KEY, kind INTEGER)")
        # All are looked for before any is dropped: a row that is dropped may be what another contradicts.
        for kind, (_, _, (key, having)) in enumerate(_CONTRADICTIONS):
            self._database.execute(
                f"INSERT OR IGNORE INTO refused SELECT line, {kind} FROM rows "  # noqa: S608  (no values of the file)
                f"WHERE ({key}) IN (SELECT {key} FROM rows GROUP BY {key} HAVING {having})"
            )
        self._database.execute("DELETE FROM rows WHERE line IN (SELECT line FROM refused)")
        for line, kind in self._database.execute("SELECT line, kind FROM refused ORDER BY line"):
            column, message, _ = _CONTRADICTIONS[kind]
            yield ReservationFault(line, column, message)

    def __len__(self) -> int:
        return int(self._database.execute("SELECT COUNT(*) FROM rows").fetchone()[0])

    def batches(self, size: int) -> Iterator[list[Wanted]]:
        """The rows in batches of about that many, all rows of a car in the same one."""
        batch: list[Wanted] = []
        for _, of_car in groupby(self._by_car(), key=attrgetter("vin")):
            batch += of_car
            if len(batch) >= size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _by_car(self) -> Iterator[Wanted]:
        for line, vehicle, user, vin, external_id, email, scopes in self._database.execute(
            f"SELECT {_COLUMNS} FROM rows ORDER BY vin, line"  # noqa: S608  (column names, no values)
        ):
            yield Wanted(line, UUID(vehicle), UUID(user), vin, external_id, email, tuple(json.loads(scopes)))
