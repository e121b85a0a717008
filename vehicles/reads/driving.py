"""What is read of where the car is and how it moves (Fleet API: vehicle_data, vehicle, recent_alerts)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from vehicles.reads.values import (
    Section,
    Sections,
    Terms,
    flag_or_none,
    mapping,
    number,
    text_or_none,
    wire_time,
)

_DIRECTIONS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_GEARS: Final[dict[str | None, str]] = {
    None: "PARK",
    "P": "PARK",
    "D": "DRIVE",
    "R": "REVERSE",
    "N": "NEUTRAL",
}
"""A parked car often tells no gear at all."""


def odometer(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The distance driven."""
    return {"distance": terms.distance(number(sections["vehicle_state"], "odometer"))}


def location(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The position in degrees."""
    drive = sections["drive_state"]
    return {"latitude": number(drive, "latitude"), "longitude": number(drive, "longitude")}


def compass(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Degrees clockwise from north, and the nearest of eight directions."""
    heading = number(sections["drive_state"], "heading") % 360
    return {"direction": _DIRECTIONS[round(heading / 45) % 8], "heading": heading}


def speed(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The speed; Tesla tells none of a car that stands."""
    drive = sections["drive_state"]
    stands = "speed" in drive and drive["speed"] is None
    return {"speed": 0.0 if stands else terms.distance(number(drive, "speed"))}


def status(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Whether the car is awake, in service, and in which gear; the gear is null while it cannot be asked."""
    listed, drive = sections["vehicle"], sections["drive_state"]
    gear = drive.get("shift_state", "")
    return {
        "status": (text_or_none(listed, "state") or "unknown").upper(),
        "inService": flag_or_none(listed, "in_service"),
        "gear": _GEARS.get(gear) if gear is None or isinstance(gear, str) else None,
    }


def alerts(sections: Sections, terms: Terms) -> dict[str, Any]:
    """What the car complained about of late; null where Tesla sends no list."""
    listed = sections["alerts"].get("recent_alerts")
    return {"alerts": [_alert(mapping(each)) for each in listed] if isinstance(listed, list) else None}


def _alert(alert: Section) -> dict[str, Any]:
    audience = alert.get("audience")
    return {
        "name": text_or_none(alert, "name"),
        "dateTime": _moment(text_or_none(alert, "time")),
        "audience": [each for each in audience if isinstance(each, str)]
        if isinstance(audience, list)
        else [],
        "userText": text_or_none(alert, "user_text"),
    }


def _moment(text: str | None) -> str | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return wire_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def profile(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The e-mail address of the Tesla account."""
    return {"email": text_or_none(sections["profile"], "email")}
