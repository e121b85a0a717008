"""Whether a car's state shows that a control took effect. The one place that compares what was told with what is so.

A car keeps a number in its own precision and steps, cuts it to its limits, and names states on the way. What proves
neither is None, and the outcome stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from vehicles.commands.controls import ASKED, WAS, Arguments
from vehicles.reads import charge_schedule
from vehicles.reads.values import Section, Sections, Terms, mapping, number_or_none, text_or_none

_FLOAT: Final = 0.01
"""What float32 and one or two decimals make of a number of the sizes that cars are told."""
_STEP: Final = 0.56
"""The coarsest step in which a car keeps temperatures: one degree Fahrenheit, in degrees Celsius."""
_HALF: Final = 0.5
_DAY: Final = 24 * 60

Shows = Callable[[Sections, Arguments], bool | None]


@dataclass(frozen=True, slots=True)
class ObservableEffect:
    """The sections to read, and what they show: that it took effect, that it did not, or neither."""

    sections: tuple[str, ...]
    shows: Shows


def shows(name: str, arguments: Arguments, seen: Mapping[str, Any]) -> bool | None:
    """Whether the state `seen` of a car shows the effect of this control of `EFFECTS`; None: it proves nothing."""
    row = EFFECTS[name]
    return row.shows({section: mapping(seen.get(section)) for section in row.sections}, arguments)


def _temperature(sections: Sections, arguments: Arguments) -> bool | None:
    climate = sections["climate_state"]
    kept, wanted = number_or_none(climate, "driver_temp_setting"), number_or_none(arguments, "celsius")
    if kept is None or wanted is None:
        return None
    wanted = _within(wanted, climate, "min_avail_temp", "max_avail_temp")
    before, apart = number_or_none(arguments, WAS), abs(kept - wanted)
    if apart <= _FLOAT:
        return True
    if before is None:
        return apart <= _STEP / 2 + _FLOAT
    # A car may round as it likes; that it moved next to the wanted value tells. One that stands there anyway does not.
    moved = abs(kept - before) > _FLOAT
    return apart <= _STEP if moved or apart > _STEP else None


def _within(wanted: float, section: Section, least: str, most: str) -> float:
    """What the car makes of a value beyond its own limits, without a word."""
    lowest, highest = number_or_none(section, least), number_or_none(section, most)
    wanted = wanted if lowest is None else max(lowest, wanted)
    return wanted if highest is None else min(highest, wanted)


def _whole(kept: float | None, wanted: float) -> bool | None:
    """Whether it is the same whole number, however the car writes it."""
    return None if kept is None else abs(kept - wanted) < _HALF


def _limit(sections: Sections, arguments: Arguments) -> bool | None:
    charge, wanted = sections["charge_state"], number_or_none(arguments, "percent")
    if wanted is None:
        return None
    wanted = _within(wanted, charge, "charge_limit_soc_min", "charge_limit_soc_max")
    return _whole(number_or_none(charge, "charge_limit_soc"), wanted)


def _current(sections: Sections, arguments: Arguments) -> bool | None:
    charge, wanted = sections["charge_state"], number_or_none(arguments, "charging_amps")
    if wanted is None:
        return None
    kept = number_or_none(charge, "charge_amps")
    kept = number_or_none(charge, "charge_current_request") if kept is None else kept
    return _whole(kept, _within(wanted, charge, "", "charge_current_request_max"))


_CHARGES: Final = {"charging": True, "starting": True, "stopped": False, "disconnected": False}
_CHARGES_NO_MORE: Final = {**_CHARGES, "complete": False, "nopower": False}


def _charging(wanted: bool, states: Mapping[str, bool]) -> Shows:
    """Of a start, `Complete` and `NoPower` prove nothing: it may have begun and ended, or wait for current."""

    def shows(sections: Sections, arguments: Arguments) -> bool | None:
        charges = states.get((text_or_none(sections["charge_state"], "charging_state") or "").lower())
        return None if charges is None else charges is wanted

    return shows


_WORDS: Final = {"open": True, "opening": True, "closed": False, "closing": False, "on": True, "off": False}
"""States as words, those on the way too: a car that is a minute later still on the way has taken the command."""


def _yes_or_no(value: object) -> bool | None:
    if isinstance(value, bool | int):
        return bool(value)
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None


def _is(wanted: bool, section: str, *fields: str) -> ObservableEffect:
    """The first of the fields that tells yes or no decides."""

    def shows(sections: Sections, arguments: Arguments) -> bool | None:
        told = (_yes_or_no(sections[section].get(field)) for field in fields)
        found = next((value for value in told if value is not None), None)
        return None if found is None else found is wanted

    return ObservableEffect((section,), shows)


def _schedule(sections: Sections, arguments: Arguments) -> bool | None:
    """Our schedule in the car's list, or the older fields, as the command sent was for one or the other."""
    asked = mapping(arguments.get(ASKED))
    minutes = number_or_none(asked, "minutes")
    name = charge_schedule.NAMES.get(str(asked.get("type")))
    if minutes is None or name is None:
        return None
    if arguments.get("command") == "add_charge_schedule":
        listed = sections["charge_schedule_data"].get("charge_schedules")
        if not isinstance(listed, list):
            return None
        ours = [each for each in listed if mapping(each).get("id") == charge_schedule.SCHEDULE_NUMBER]
        if not ours:
            return False
        sections = {**sections, "charge_schedule_data": {"charge_schedules": ours}}
    elif text_or_none(sections["charge_state"], "scheduled_charging_mode") is None:
        return None
    shown = charge_schedule.schedule(sections, _NO_UNITS)[name]
    if not asked.get("enabled"):
        return shown["enabled"] is False
    return shown["enabled"] is True and _same_time(shown["time"], minutes)


_NO_UNITS: Final = Terms(imperial=False, now=datetime.fromtimestamp(0, UTC))


def _same_time(shown: str | None, minutes: float) -> bool:
    """Whether the clock time is that many minutes after midnight, one more or less."""
    if shown is None:
        return False
    hours, _, rest = shown.partition(":")
    apart = abs(int(hours) * 60 + int(rest) - minutes) % _DAY
    return min(apart, _DAY - apart) <= 1


_HEATER: Final = ("climate_state", "steering_wheel_heater", "steering_wheel_heat_level")
_PORT: Final = ("charge_state", "charge_port_door_open")

EFFECTS: Final[dict[str, ObservableEffect]] = {
    "lock": _is(True, "vehicle_state", "locked"),
    "unlock": _is(False, "vehicle_state", "locked"),
    "start_charge": ObservableEffect(("charge_state",), _charging(True, _CHARGES)),
    "stop_charge": ObservableEffect(("charge_state",), _charging(False, _CHARGES_NO_MORE)),
    "set_charge_limit": ObservableEffect(("charge_state",), _limit),
    "set_amperage": ObservableEffect(("charge_state",), _current),
    "open_charge_port": _is(True, *_PORT),
    "close_charge_port": _is(False, *_PORT),
    "set_charge_schedule": ObservableEffect(
        ("charge_state", "charge_schedule_data", "vehicle_config"), _schedule
    ),
    "start_climate": _is(True, "climate_state", "is_climate_on"),
    "stop_climate": _is(False, "climate_state", "is_climate_on"),
    "set_temperature": ObservableEffect(("climate_state",), _temperature),
    "start_defroster": _is(True, "climate_state", "defrost_mode"),
    "stop_defroster": _is(False, "climate_state", "defrost_mode"),
    "start_steering_wheel": _is(True, *_HEATER),
    "stop_steering_wheel": _is(False, *_HEATER),
}
"""The controls whose effect a car's state can show. What toggles is not among them: its state was never certain."""
