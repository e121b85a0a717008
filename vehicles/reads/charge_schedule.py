"""When the car charges by itself: a start time, or a departure time by which it is done; never both.

Cars up to firmware 2024.20 have one such time, in `charge_state`. From 2024.26 they have a list of schedules; ours is
the one with our number, and the older fields are no longer kept (Fleet API: vehicle commands).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from vehicles.reads.values import Section, Sections, Terms, mapping, number_or_none

SCHEDULE_NUMBER: Final = 2024026
"""Our schedule on every car: setting it again replaces it, so that schedules do not pile up."""
START_TIME: Final = "START_TIME"
DEPARTURE_TIME: Final = "DEPARTURE_TIME"
NAMES: Final[dict[str, str]] = {DEPARTURE_TIME: "departureTime", START_TIME: "startTime"}
"""The two kinds of time and their keys in a body."""
_MODES: Final[dict[str, str]] = {"StartAt": START_TIME, "DepartBy": DEPARTURE_TIME}
_DAY: Final = 24 * 60


def body(kind: str | None, minutes: dict[str, float | None]) -> dict[str, Any]:
    """Both times as the API shows them: `minutes` after midnight by kind, `kind` being the one that is switched on."""
    return {
        key: {"enabled": kind == name, "time": clock_time(minutes.get(name))} for name, key in NAMES.items()
    }


def clock_time(minutes: float | None) -> str | None:
    """`HH:mm` for minutes after midnight."""
    if minutes is None:
        return None
    hours, rest = divmod(int(minutes) % _DAY, 60)
    return f"{hours:02d}:{rest:02d}"


def schedule(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Both times; from the car's list where it has one, else from the older fields."""
    listed = _ours_or_first(sections["charge_schedule_data"].get("charge_schedules"))
    return _from_list(listed) if listed else _from_charge_state(sections)


def _ours_or_first(schedules: object) -> Section:
    """Our schedule, or the first that the owner made and switched on, since that is what the car will do."""
    found = [mapping(each) for each in schedules] if isinstance(schedules, Iterable) else []
    active = [each for each in found if each.get("enabled") is True]
    ours = [each for each in found if each.get("id") == SCHEDULE_NUMBER]
    return next(iter([each for each in ours if each in active] or active or ours or [{}]))


def _from_list(listed: Section) -> dict[str, Any]:
    starts, ends = listed.get("start_enabled") is True, listed.get("end_enabled") is True
    kind = START_TIME if starts else DEPARTURE_TIME if ends else None
    minutes = {
        START_TIME: number_or_none(listed, "start_time") if starts else None,
        DEPARTURE_TIME: number_or_none(listed, "end_time") if ends else None,
    }
    return body(kind if listed.get("enabled") is True else None, minutes)


def _from_charge_state(sections: Sections) -> dict[str, Any]:
    state = sections["charge_state"]
    kind = _MODES.get(str(state.get("scheduled_charging_mode")))
    return body(
        kind,
        {
            START_TIME: _start_minutes(state, sections["vehicle_config"]),
            DEPARTURE_TIME: number_or_none(state, "scheduled_departure_time_minutes"),
        },
    )


def _start_minutes(state: Section, config: Section) -> float | None:
    """Minutes after midnight where the car is; an older car tells the moment only in epoch seconds."""
    told = number_or_none(state, "scheduled_charging_start_time_minutes")
    moment = number_or_none(state, "scheduled_charging_start_time")
    if told is not None or moment is None:
        return told
    return (moment + (number_or_none(config, "utc_offset") or 0)) // 60 % _DAY
