"""The audit list as text: CSV for spreadsheets, JSON for programs, a table for eyes. Written row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from vehicles.audit.listing import COLUMNS, AuditRow

_BEGINS_FORMULA: Final = ("=", "+", "-", "@")
_WIDTHS: Final = {
    "vin": 17, "vehicle_id": 36, "application": 24, "verdict": 8, "cause": 20, "next_actor": 11, "consent": 14,
    "missing_permissions": 20, "key": 12, "provider": 13, "access_types": 12, "since": 25, "last_checked": 25,
}  # fmt: skip
"""Characters that each column of a table takes at least; longer values push the rest to the right."""


def as_csv(rows: Iterable[AuditRow]) -> Iterator[str]:
    """Lines of CSV, the column names first. No value begins in a way that a spreadsheet runs as a formula."""
    yield _csv_line(COLUMNS)
    for row in rows:
        yield _csv_line([harmless(value) for value in row])


def harmless(value: str) -> str:
    """The value on one line, with an apostrophe in front where a spreadsheet would take it for a formula."""
    flat = " ".join(value.split())
    return f"'{flat}" if flat.startswith(_BEGINS_FORMULA) else flat


def _csv_line(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def as_json(rows: Iterable[AuditRow]) -> Iterator[str]:
    """One JSON array, an object a line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row._asdict())
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_table(rows: Iterable[AuditRow]) -> Iterator[str]:
    """Columns side by side, their names first."""
    yield _table_line(COLUMNS)
    for row in rows:
        yield _table_line(row)


def _table_line(values: Iterable[str]) -> str:
    cells = [value.ljust(width) for value, width in zip(values, _WIDTHS.values(), strict=True)]
    return "  ".join(cells).rstrip() + "\n"


FORMATS: Final[dict[str, Callable[[Iterable[AuditRow]], Iterator[str]]]] = {
    "table": as_table,
    "csv": as_csv,
    "json": as_json,
}
"""What a list can be written as."""
