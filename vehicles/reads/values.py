"""Tesla's values as our API shows them: what was not sent never becomes a value, and units are the caller's.

Tesla answers in miles, degrees Celsius and bar (Fleet API: vehicle_data) and marks what it does not have by null, by
leaving the key out, or by the text `<invalid>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from vehicles import errors
from vehicles.errors import CatalogueError

KILOMETRES_PER_MILE: Final = 1.609344
KILOPASCALS_PER_BAR: Final = 100.0
PSI_PER_BAR: Final = 14.503774
_BEYOND_ANY_CAR: Final = 1e15
"""Infinity, what is no number, and what would become infinite in other units."""

Section = Mapping[str, Any]
Sections = Mapping[str, Section]


NOTHING: Final = "<invalid>"
"""Tesla's word for nothing, in fields that hold a word (Fleet API: vehicle_data)."""


@dataclass(frozen=True, slots=True)
class Units:
    """The caller's unit system."""

    imperial: bool

    def distance(self, miles: float) -> float:
        """Kilometres or miles; of a speed, per hour."""
        return round(miles if self.imperial else miles * KILOMETRES_PER_MILE, 2)

    def temperature(self, celsius: float) -> float:
        """Degrees Celsius or Fahrenheit."""
        return round(celsius * 9 / 5 + 32 if self.imperial else celsius, 2)

    def celsius(self, temperature: float) -> float:
        """The caller's temperature as Tesla wants it."""
        return round((temperature - 32) * 5 / 9 if self.imperial else temperature, 2)

    def pressure(self, bar: float) -> float:
        """Kilopascals or pounds per square inch."""
        return round(bar * (PSI_PER_BAR if self.imperial else KILOPASCALS_PER_BAR), 2)


@dataclass(frozen=True, slots=True)
class Terms(Units):
    """What a body depends on beside the car: the caller's unit system and the moment of asking."""

    now: datetime


def number(section: Section, field: str) -> float:
    """The number in a field that the body cannot go without. Raises UPSTREAM:INVALID_DATA."""
    value = number_or_none(section, field)
    if value is None:
        raise unusable(field)
    return value


def number_or_none(section: Section, field: str) -> float | None:
    """The number in a field, None for anything that is no number."""
    value = section.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _BEYOND_ANY_CAR:
        return None
    return value


def flag(section: Section, field: str) -> bool:
    """The yes or no in a field that the body cannot go without. Raises UPSTREAM:INVALID_DATA."""
    value = section.get(field)
    if not isinstance(value, bool):
        raise unusable(field)
    return value


def flag_or_none(section: Section, field: str) -> bool | None:
    """The yes or no in a field, None for anything else."""
    value = section.get(field)
    return value if isinstance(value, bool) else None


def text_or_none(section: Section, field: str) -> str | None:
    """The text in a field, None for an empty one and for Tesla's word for nothing."""
    value = section.get(field)
    return None if not isinstance(value, str) or is_nothing(value) else value


def is_nothing(text: str) -> bool:
    """Whether the text is empty or Tesla's word for a value that the car does not have, however it is written."""
    return text.strip().lower() in ("", "<invalid>")


def unusable(field: str) -> CatalogueError:
    """The error for a field that the body cannot go without."""
    return CatalogueError(errors.UPSTREAM_INVALID_DATA, reason=f"Tesla sent no usable {field}")


def mapping(section: object) -> Section:
    """The section, empty where Tesla sent none."""
    return section if isinstance(section, dict) else {}


def recorded_at(section: Section) -> datetime | None:
    """When the car recorded the section: epoch milliseconds (Fleet API: vehicle_data)."""
    stamp = section.get("timestamp")
    if isinstance(stamp, bool) or not isinstance(stamp, int) or stamp <= 0:
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def wire_time(moment: datetime) -> str:
    """`2026-01-31T08:15:00.123Z`: the only pattern that the Java SDK can read."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
