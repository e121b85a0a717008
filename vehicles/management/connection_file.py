"""Reading an application's list of connections: CSV with a header, or JSON Lines. Each line is a row of its own.

A line that cannot be read is told and does not spoil the others, whatever stands in it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from vehicles.client_credentials import checksum
from vehicles.permissions import PERMISSIONS, REQUIRED_PREFIX
from vehicles.reservations import ReservationFault, Wanted

COLUMNS: Final = ("vehicle_id", "user_id", "vin", "external_id", "email", "scopes")
REQUIRED: Final = COLUMNS[:3]
MANUFACTURERS: Final = ("5YJ", "7SA", "7G2", "LRW", "XP7", "SFZ")
"""What Teslas' VINs begin with."""
_LONGEST_LINE: Final = 32_768
_LONGEST_EXTERNAL_ID: Final = 255
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")
"""JSON can escape half of a character, which no UTF-8 can hold."""
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")


_Reader = Callable[[str], Mapping[str, str]]
"""Takes a line apart into values by column. Raises `_Wrong`."""


class BadFile(Exception):
    """The file as a whole cannot be read; the text says what would be right."""


class Line(NamedTuple):
    """What one line came to: a row, or what is wrong with it. `position` is how far the file was read, in bytes."""

    row: Wanted | None
    problem: ReservationFault | None
    position: int


class _Wrong(Exception):
    """A value that cannot be taken: its column, and what would be right."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(column)
        self.column, self.message = column, message


def read_lines(file: Path) -> Iterator[Line]:
    """The file's rows in order, reading as it goes. Raises `BadFile` for a file that is no such list."""
    values_of: _Reader | None = None
    for number, (text, position) in enumerate(_lines(file), 1):
        if values_of is None and text.startswith("{"):
            values_of = _json_values
        if values_of is None:
            values_of = _csv_reader(text)
        elif text.strip():
            yield _line(number, text, values_of, position)
    if values_of is None:
        raise BadFile(f"The file is empty. It needs the columns {', '.join(REQUIRED)}.")


def _lines(file: Path) -> Iterator[tuple[str, int]]:
    """Each line, cut off where it is longer than any row can be, and how far the file was read, in bytes."""
    with file.open("rb") as opened:
        while raw := opened.readline(_LONGEST_LINE):
            rest = raw
            while rest and not rest.endswith(b"\n"):
                rest = opened.readline(_LONGEST_LINE)
            encoding = "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
            yield raw.decode(encoding, errors="replace").strip("\r\n"), opened.tell()


def _line(number: int, text: str, values_of: _Reader, position: int) -> Line:
    try:
        return Line(_row(number, values_of(text)), None, position)
    except _Wrong as wrong:
        return Line(None, ReservationFault(number, wrong.column, wrong.message), position)


def _csv_reader(header: str) -> _Reader:
    """How lines under this header are read. Spreadsheets of some countries write semicolons."""
    delimiter = ";" if header.count(";") > header.count(",") else ","
    try:
        names = [_column(name) for name in next(csv.reader([header], delimiter=delimiter))]
    except csv.Error:
        raise BadFile(
            f"The first line cannot be read: lines must end with a line feed. It names {', '.join(REQUIRED)}."
        ) from None
    if missing := [name for name in REQUIRED if name not in names]:
        raise BadFile(
            f"The first line must name the columns; {', '.join(missing)} is missing. "
            f"Known columns: {', '.join(COLUMNS)}."
        )

    def values_of(text: str) -> Mapping[str, str]:
        try:
            values = next(csv.reader([text], delimiter=delimiter, strict=True))
        except csv.Error:
            raise _Wrong("line", "must be one row of CSV; a quotation mark is not closed") from None
        if len(values) > len(names):
            raise _Wrong("line", f"has {len(values)} values, the first line names {len(names)} columns")
        return dict(zip(names, values, strict=False))

    return values_of


def _column(name: str) -> str:
    """`vehicleId`, `Vehicle ID` and `vehicle_id` are the same column."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return next((column for column in COLUMNS if column.replace("_", "") == plain), name)


def _json_values(text: str) -> Mapping[str, str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise _Wrong("line", 'must be one JSON object, like {"vehicle_id": "…", "user_id": "…", "vin": "…"}')
    return {_column(name): _as_text(value) for name, value in values.items()}


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _row(number: int, values: Mapping[str, str]) -> Wanted:
    given = {column: values.get(column, "").strip() for column in COLUMNS}
    for column, value in given.items():
        if "\N{REPLACEMENT CHARACTER}" in value or "\0" in value or _HALF_CHARACTER.search(value):
            raise _Wrong(column, "must be text in UTF-8")
    return Wanted(
        line=number,
        vehicle_id=_uuid(given, "vehicle_id"),
        user_id=_uuid(given, "user_id"),
        vin=_vin(given["vin"]),
        external_id=_external_id(given["external_id"]),
        email_checksum=_email_checksum(given["email"]),
        scopes=_scopes(given["scopes"]),
    )


def _uuid(given: Mapping[str, str], column: str) -> UUID:
    text = given[column]
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text:
        raise _Wrong(column, "must be a UUID of 36 characters in small letters, as the API answered it")
    return found


def _vin(text: str) -> str:
    vin = text.upper()
    if not _VIN.fullmatch(vin):
        raise _Wrong("vin", "must be a VIN: 17 letters and digits, none of them I, O or Q")
    if not vin.startswith(MANUFACTURERS):
        raise _Wrong("vin", f"must be a Tesla's, which begin with {', '.join(MANUFACTURERS)}")
    return vin


def _external_id(text: str) -> str:
    if len(text) > _LONGEST_EXTERNAL_ID:
        raise _Wrong("external_id", f"must have at most {_LONGEST_EXTERNAL_ID} characters")
    return text


def _email_checksum(text: str) -> str:
    if not text:
        return ""
    if not _EMAIL.fullmatch(text):
        raise _Wrong("email", "must be the e-mail address of the Tesla account, or empty")
    return checksum(text.lower())


def _scopes(text: str) -> tuple[str, ...]:
    names = [name.removeprefix(REQUIRED_PREFIX) for name in re.split(r"[\s,;|]+", text) if name]
    if unknown := sorted(set(names) - set(PERMISSIONS)):
        raise _Wrong("scopes", f"must be permission names separated by spaces; unknown: {', '.join(unknown)}")
    return tuple(dict.fromkeys(names))
