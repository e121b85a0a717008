"""Reads: live values of a car in the shape and units of our API. One row of `READS` per endpoint.

Tesla answers in miles (Fleet API: vehicle_data) and marks what it does not have by null, by leaving the key out, or by
the text `<invalid>`; none of these ever reaches a caller as a value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from vehicles import access, errors, upstream
from vehicles.errors import CatalogueError
from vehicles.models import VehicleGrant
from vehicles.permissions import PERMISSIONS

METRIC: Final = "metric"
IMPERIAL: Final = "imperial"
KILOMETRES_PER_MILE: Final = 1.609344

Sections = Mapping[str, Mapping[str, Any]]


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
    """A read of our API: its permission, the Tesla sections it needs (the first tells the time), and the conversion.

    `convert` gets the sections and how long a mile is in the caller's unit.
    """

    permission: str
    sections: tuple[str, ...]
    convert: Callable[[Sections, float], dict[str, Any]]
    has_unit: bool = False


def read(grant: VehicleGrant, name: str, *, imperial: bool, now: datetime) -> Reading:
    """Ask the car for one of `READS` (`battery`, `charge`, `odometer`, `location`, `security`); never wakes it.

    Raises `CatalogueError`: what the diagnosis says stands in the way, VEHICLE_STATE:ASLEEP, UPSTREAM errors, and
    UPSTREAM:INVALID_DATA when Tesla leaves out a value that the body cannot go without.
    """
    row = READS[name]
    access.require(grant, row.permission)
    answer = upstream.vehicle_data(grant, row.sections, PERMISSIONS[row.permission].tesla_scope)
    sections = {section: _mapping(answer.get(section)) for section in row.sections}
    mile = 1.0 if imperial else KILOMETRES_PER_MILE
    return Reading(
        body=row.convert(sections, mile),
        data_age=_recorded_at(sections[row.sections[0]]),
        fetched_at=now,
        unit_system=(IMPERIAL if imperial else METRIC) if row.has_unit else None,
    )


def _battery(sections: Sections, mile: float) -> dict[str, Any]:
    charge = sections["charge_state"]
    return {
        "percentRemaining": round(_number(charge, "battery_level") / 100, 4),
        "range": round(_number(charge, "battery_range") * mile, 2),
    }


CHARGING_STATES: Final[dict[str, str]] = {
    "Charging": "CHARGING",
    "Starting": "CHARGING",
    "Complete": "FULLY_CHARGED",
    "Stopped": "NOT_CHARGING",
    "NoPower": "NOT_CHARGING",
    "Disconnected": "NOT_CHARGING",
}
"""Tesla's `charging_state` as our API names it."""


def _charge(sections: Sections, mile: float) -> dict[str, Any]:
    state = sections["charge_state"].get("charging_state")
    if not isinstance(state, str) or state not in CHARGING_STATES:
        raise _invalid("charging_state")
    return {"isPluggedIn": state != "Disconnected", "state": CHARGING_STATES[state]}


def _odometer(sections: Sections, mile: float) -> dict[str, Any]:
    return {"distance": round(_number(sections["vehicle_state"], "odometer") * mile, 2)}


def _location(sections: Sections, mile: float) -> dict[str, Any]:
    drive = sections["drive_state"]
    return {"latitude": _number(drive, "latitude"), "longitude": _number(drive, "longitude")}


def _security(sections: Sections, mile: float) -> dict[str, Any]:
    body, charge = sections["vehicle_state"], sections["charge_state"]
    if not isinstance(body.get("locked"), bool):
        raise _invalid("locked")
    return {
        "isLocked": body["locked"],
        "doors": _by_seat(sections, driver="df", passenger="pf", behind_driver="dr", behind_passenger="pr"),
        "windows": _by_seat(
            sections,
            driver="fd_window",
            passenger="fp_window",
            behind_driver="rd_window",
            behind_passenger="rp_window",
        ),
        "sunroof": _sunroof(body.get("sun_roof_state")),
        "storage": [
            {"type": "front", "status": _opening(body.get("ft"))},
            {"type": "rear", "status": _opening(body.get("rt"))},
        ],
        "chargingPort": [{"type": "chargingPort", "status": _opening(charge.get("charge_port_door_open"))}],
    }


def _by_seat(
    sections: Sections, *, driver: str, passenger: str, behind_driver: str, behind_passenger: str
) -> list[dict[str, str]]:
    """Tesla names doors and windows by who sits there; our API by side, which depends on where the wheel is."""
    body = sections["vehicle_state"]
    left, right = (driver, behind_driver), (passenger, behind_passenger)
    if sections["vehicle_config"].get("rhd") is True:
        left, right = right, left
    places = {"frontLeft": left[0], "frontRight": right[0], "backLeft": left[1], "backRight": right[1]}
    return [{"type": place, "status": _opening(body.get(field))} for place, field in places.items()]


def _opening(value: object) -> str:
    """0 or false is closed; other numbers are degrees of open."""
    if not isinstance(value, int):
        return "UNKNOWN"
    return "OPEN" if value else "CLOSED"


SUNROOF_STATES: Final[dict[str, str]] = {
    "closed": "CLOSED",
    "open": "OPEN",
    "vent": "OPEN",
    "unknown": "UNKNOWN",
}
"""Cars without a movable roof have another text, or none."""


def _sunroof(state: object) -> list[dict[str, str]]:
    status = SUNROOF_STATES.get(state) if isinstance(state, str) else None
    return [{"type": "sunroof", "status": status}] if status else []


READS: Final[dict[str, Read]] = {
    "battery": Read("read_battery", ("charge_state",), _battery, has_unit=True),
    "charge": Read("read_charge", ("charge_state",), _charge),
    "odometer": Read("read_odometer", ("vehicle_state",), _odometer, has_unit=True),
    # The position stands in `drive_state`, and only when `location_data` is asked for as well.
    "location": Read("read_location", ("drive_state", "location_data"), _location),
    "security": Read("read_security", ("vehicle_state", "charge_state", "vehicle_config"), _security),
}


def _mapping(section: object) -> Mapping[str, Any]:
    return section if isinstance(section, dict) else {}


def _number(section: Mapping[str, Any], field: str) -> float:
    value = section.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(field)
    return value


def _invalid(field: str) -> CatalogueError:
    return CatalogueError(errors.UPSTREAM_INVALID_DATA, reason=f"Tesla sent no usable {field}")


def _recorded_at(section: Mapping[str, Any]) -> datetime | None:
    """When the car recorded the section: epoch milliseconds (Fleet API: vehicle_data)."""
    stamp = section.get("timestamp")
    if isinstance(stamp, bool) or not isinstance(stamp, int) or stamp <= 0:
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
