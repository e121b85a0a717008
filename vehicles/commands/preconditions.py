"""Preconditions: what has to be seen of a car before a control is sent to it, and what then is sent.

Some Tesla commands toggle, some are cut down by the car without a word, some depend on its firmware. For these the
car's state is read first, and the arguments are made from it; a car that is as wanted already is sent nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from vehicles import errors, pairing
from vehicles.commands import delivery, rows
from vehicles.commands.controls import WAS, Arguments
from vehicles.commands.rows import DEADLINE, PendingCommand
from vehicles.db.connections import let_go_of_database
from vehicles.errors import CatalogueError, invalid
from vehicles.permissions import PERMISSIONS
from vehicles.reads import charge_schedule
from vehicles.reads.body import firmware
from vehicles.reads.charging import must_be_plugged_in
from vehicles.reads.values import (
    Section,
    Sections,
    Units,
    flag_or_none,
    mapping,
    number,
    number_or_none,
)
from vehicles.upstream import calls

_POLL_SECONDS: Final = 0.1
_DATA_SCOPE: Final = PERMISSIONS["read_charge"].tesla_scope
_COLDEST, _WARMEST = 15.0, 28.0
"""Degrees Celsius, for a car that does not tell its own limits (Fleet API: vehicle_data)."""
_LISTS_SCHEDULES: Final = (2024, 26)
"""From this firmware on a car keeps a list of schedules; the older command would add one more with each call."""


@dataclass(frozen=True, slots=True)
class Precondition:
    """Sections to read, and `prepare`: what to send in that state, None for nothing, or a `CatalogueError`."""

    sections: tuple[str, ...]
    prepare: Callable[[Sections, Arguments], Arguments | None]


def resolve(pending: PendingCommand, asked: Arguments) -> Arguments | None:
    """The arguments with which to send a control of `PRECONDITIONS`, None when the car is as wanted already.

    Wakes the car as a command does. Raises `CatalogueError`: the diagnosis' error, a state that forbids it, VALIDATION
    for a value that this car does not take.
    """
    precondition = PRECONDITIONS[pending.name]
    pairing.require_key(pending.grant, pending.control.permission, pending.at)
    # While somebody's command that toggles something on this car is under way, its state would tell nothing.
    while pending.control.toggles and rows.moved_since(pending.vehicle, timezone.now()):
        let_go_of_database()
        time.sleep(_POLL_SECONDS)
    return precondition.prepare(_read_state(pending, precondition.sections), asked)


def _read_state(pending: PendingCommand, names: tuple[str, ...]) -> Sections:
    grant = pending.grant
    try:
        answer = calls.vehicle_data(grant, names, _DATA_SCOPE)
    except CatalogueError as error:
        if error.spec is not errors.ASLEEP:
            raise
        answer = delivery.once_awake(
            grant, pending.at + DEADLINE, lambda: calls.vehicle_data(grant, names, _DATA_SCOPE)
        )
    return {name: mapping(answer.get(name)) for name in names}


def _amperage(sections: Sections, asked: Arguments) -> Arguments:
    """The car takes no more than cable and charger give, and says nothing of it; the caller is told."""
    state = must_be_plugged_in(sections)
    most = number(state, "charge_current_request_max")
    offered = number_or_none(state, "charger_pilot_current")
    return {"charging_amps": int(min(asked["amperage"], most, offered or most))}


def _charge_schedule(sections: Sections, asked: Arguments) -> Arguments:
    position = sections["drive_state"]
    latitude, longitude = number_or_none(position, "latitude"), number_or_none(position, "longitude")
    if not _lists_schedules(sections) or latitude is None or longitude is None:
        return _OLDER[asked["type"]](sections["charge_state"], asked)
    starts, minutes, on = asked["type"] == charge_schedule.START_TIME, asked["minutes"], asked["enabled"]
    body = {
        "id": charge_schedule.SCHEDULE_NUMBER,
        "days_of_week": "All",
        "enabled": on,
        "start_enabled": starts,
        "start_time": minutes if starts else 0,
        "end_enabled": not starts,
        "end_time": 0 if starts else minutes,
        "one_time": False,
        # A schedule only counts where it was made for.
        "lat": latitude,
        "lon": longitude,
    }
    return {"command": "add_charge_schedule", "body": body}


def _lists_schedules(sections: Sections) -> bool:
    year, _, rest = firmware(sections["vehicle_state"]).partition(".")
    week = rest.partition(".")[0]
    return year.isdecimal() and week.isdecimal() and (int(year), int(week)) >= _LISTS_SCHEDULES


def _older_start(state: Section, asked: Arguments) -> Arguments:
    body = {"enable": asked["enabled"], "time": asked["minutes"]}
    return {"command": "set_scheduled_charging", "body": body}


def _older_departure(state: Section, asked: Arguments) -> Arguments:
    """Tesla's command sets everything about departures at once; what was not asked for stays as it is."""
    end = number_or_none(state, "off_peak_hours_end_time")
    body = {
        "enable": asked["enabled"],
        "departure_time": asked["minutes"],
        "preconditioning_enabled": flag_or_none(state, "preconditioning_enabled") or False,
        "preconditioning_weekdays_only": state.get("preconditioning_times") == "weekdays",
        "off_peak_charging_enabled": flag_or_none(state, "off_peak_charging_enabled") or False,
        "off_peak_charging_weekdays_only": state.get("off_peak_charging_times") == "weekdays",
        "end_off_peak_time": int(asked["minutes"] if end is None else end),
    }
    return {"command": "set_scheduled_departure", "body": body}


_OLDER: Final[dict[str, Callable[[Section, Arguments], Arguments]]] = {
    charge_schedule.START_TIME: _older_start,
    charge_schedule.DEPARTURE_TIME: _older_departure,
}


def _cabin(sections: Sections, asked: Arguments) -> Arguments:
    """The temperature to set, within the car's limits; without one, the temperature as it stands."""
    climate = sections["climate_state"]
    seen = {"is_on": flag_or_none(climate, "is_climate_on")}
    wanted = asked.get("temperature")
    if wanted is None:
        return {**seen, "celsius": number_or_none(climate, "driver_temp_setting"), "sets_temperature": False}
    units = Units(asked["imperial"])
    coldest = number_or_none(climate, "min_avail_temp") or _COLDEST
    warmest = number_or_none(climate, "max_avail_temp") or _WARMEST
    celsius = units.celsius(wanted)
    if not coldest <= celsius <= warmest:
        limits = f"{units.temperature(coldest):g} and {units.temperature(warmest):g}"
        raise invalid("temperature", f"must be between {limits} for this vehicle")
    was = number_or_none(climate, "driver_temp_setting")
    return {**seen, WAS: was, "celsius": celsius, "sets_temperature": True}


def _wheel(wanted: bool) -> Callable[[Sections, Arguments], Arguments | None]:
    """A car with its climate off often tells nothing of the heater, as one without it: the command finds out."""

    def prepare(sections: Sections, asked: Arguments) -> Arguments | None:
        return None if flag_or_none(sections["climate_state"], "steering_wheel_heater") is wanted else {}

    return prepare


def _open_trunk(sections: Sections, asked: Arguments) -> Arguments | None:
    if sections["vehicle_config"].get("can_actuate_trunks") is False:
        raise CatalogueError(errors.VEHICLE_NOT_CAPABLE, reason="the trunks have no actuator")
    return None if number(sections["vehicle_state"], "rt") else {}


def _close_trunk(sections: Sections, asked: Arguments) -> Arguments | None:
    """Only a power lift gate closes by itself; on any other trunk the command would do nothing, or open it."""
    if not number(sections["vehicle_state"], "rt"):
        return None
    if flag_or_none(sections["vehicle_config"], "plg") is False:
        raise CatalogueError(errors.VEHICLE_NOT_CAPABLE, reason="no power lift gate")
    return {}


def _open_frunk(sections: Sections, asked: Arguments) -> Arguments | None:
    return None if number(sections["vehicle_state"], "ft") else {}


_CLIMATE: Final = ("climate_state",)
_TRUNKS: Final = ("vehicle_state", "vehicle_config")

PRECONDITIONS: Final[dict[str, Precondition]] = {
    "set_amperage": Precondition(("charge_state",), _amperage),
    "set_charge_schedule": Precondition(
        ("charge_state", "vehicle_state", "drive_state", "location_data"), _charge_schedule
    ),
    "start_climate": Precondition(_CLIMATE, _cabin),
    "stop_climate": Precondition(_CLIMATE, _cabin),
    "set_temperature": Precondition(_CLIMATE, _cabin),
    "start_steering_wheel": Precondition(_CLIMATE, _wheel(True)),
    "stop_steering_wheel": Precondition(_CLIMATE, _wheel(False)),
    "open_trunk": Precondition(_TRUNKS, _open_trunk),
    "close_trunk": Precondition(_TRUNKS, _close_trunk),
    "open_frunk": Precondition(_TRUNKS, _open_frunk),
}
"""The controls that are never sent before the car's state was read, by name."""
