"""Asking: one read of our API, from the decision whether it may go to Tesla to the body in the caller's units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from vehicles import pairing
from vehicles.models import VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.reads import together
from vehicles.reads.values import Sections, Terms, mapping, recorded_at

METRIC: Final = "metric"
IMPERIAL: Final = "imperial"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a read found: the body as the API answers it, when the car recorded it, when we fetched it.

    `data_age` is None where the car told no time; `unit_system` is None where the body carries no unit.
    """

    body: dict[str, Any]
    data_age: datetime | None
    fetched_at: datetime
    unit_system: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """A read of our API: its permission, the sections it needs (the first tells the time), and the conversion.

    `ask` gets the grant, the sections and the permission's Tesla scope; what it does not find may be left out.
    """

    permission: str
    sections: tuple[str, ...]
    convert: Callable[[Sections, Terms], dict[str, Any]]
    has_unit: bool = False
    ask: Callable[[VehicleGrant, Sequence[str], str], Mapping[str, Any]] = together.vehicle_data


def ask(grant: VehicleGrant, row: Read, *, imperial: bool, now: datetime) -> Reading:
    """Ask Tesla for one read. Raises `CatalogueError`, first what the diagnosis says stands in the way."""
    pairing.require_key(grant, row.permission, now)
    answer = row.ask(grant, row.sections, PERMISSIONS[row.permission].tesla_scope)
    sections = {section: mapping(answer.get(section)) for section in row.sections}
    return Reading(
        body=row.convert(sections, Terms(imperial, now)),
        data_age=recorded_at(sections[row.sections[0]]),
        fetched_at=now,
        unit_system=(IMPERIAL if imperial else METRIC) if row.has_unit else None,
    )
