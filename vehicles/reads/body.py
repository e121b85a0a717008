"""What is read of locks, openings, tires and equipment (Fleet API: vehicle_data)."""

from __future__ import annotations

import re
from typing import Any, Final

from vehicles.reads.values import Section, Sections, Terms, flag, flag_or_none, number, text_or_none

_MILLIMETRES_PER_INCH: Final = 25.4
_TIRES: Final[dict[str, str]] = {
    "frontLeft": "tpms_pressure_fl",
    "frontRight": "tpms_pressure_fr",
    "backLeft": "tpms_pressure_rl",
    "backRight": "tpms_pressure_rr",
}


def security(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Locks, and what stands open."""
    body, charge = sections["vehicle_state"], sections["charge_state"]
    return {
        "isLocked": flag(body, "locked"),
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


def tires(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The pressure of each tire."""
    body = sections["vehicle_state"]
    return {place: terms.pressure(number(body, field)) for place, field in _TIRES.items()}


def equipment(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Software, trim and looks; what Tesla does not tell is null."""
    body, config = sections["vehicle_state"], sections["vehicle_config"]
    return {
        "firmwareVersion": firmware(body) or None,
        "trimBadging": text_or_none(config, "trim_badging"),
        "efficiencyPackage": text_or_none(config, "efficiency_package"),
        "performancePackage": text_or_none(config, "performance_package"),
        "nickname": text_or_none(body, "vehicle_name"),
        "driverAssistVersion": text_or_none(config, "driver_assist"),
        # Only streaming cars tell whether they stand at home.
        "atHome": None,
        "sentryMode": {
            "available": flag_or_none(body, "sentry_mode_available"),
            "enabled": flag_or_none(body, "sentry_mode"),
        },
        "style": {
            "exteriorColor": text_or_none(config, "exterior_color"),
            "exteriorTrim": text_or_none(config, "exterior_trim"),
            "interiorTrim": text_or_none(config, "interior_trim_type"),
        },
        "wheel": _wheel(text_or_none(config, "wheel_type")),
        "driveUnit": {
            "front": text_or_none(config, "front_drive_unit"),
            "rear": text_or_none(config, "rear_drive_unit"),
        },
    }


def firmware(body: Section) -> str:
    """The version in `car_version`, which a checksum may follow (`2026.32.6 0123456789ab`); empty for none."""
    return (text_or_none(body, "car_version") or "").partition(" ")[0]


def _wheel(kind: str | None) -> dict[str, Any]:
    """Tesla writes the diameter in inches behind the name (`Pinwheel18`)."""
    inches = re.search(r"\d\d(?=[A-Za-z]*$)", kind or "")
    return {"style": kind, "diameter": round(int(inches[0]) * _MILLIMETRES_PER_INCH, 1) if inches else None}
