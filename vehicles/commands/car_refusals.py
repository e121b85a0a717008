"""What a car's own words of refusal mean: facts collected from what public clients handle, each with where it is known.

Infotainment sends a text, vehicle security a number whose name counts as its text; Tesla's proxy puts a phrase before
either. All are brought to one form first (`word_of`), so that a row stands for every spelling.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from vehicles import errors
from vehicles.errors import ErrorSpec
from vehicles.tesla.vehicle_commands import COMMANDS

VEHICLE_COMMAND: Final = "teslamotors/vehicle-command"
FLEET_API: Final = "Teslemetry/python-tesla-fleet-api"
TESLAJSONPY: Final = "zabuldon/teslajsonpy"
EVCC: Final = "evcc-io/evcc"
TESLAMATE: Final = "teslamate-org/teslamate"
HOME_ASSISTANT: Final = "home-assistant/core"
TWC_MANAGER: Final = "ngardiner/TWCManager"
DOCUMENTED: Final = "Fleet API: vehicle commands"
UNTRACED: Final = "no public source traced"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason in its one form, the error it means, where it is known, and the sentence for a caller it needs."""

    word: str
    means: ErrorSpec
    known_to: str
    description: str | None = None


_COMFORT: Final = (
    "The vehicle answered that remote comfort settings are not enabled: it takes this only while the climate is on. "
    "Start the climate first."
)
_SPEED_LIMIT: Final = "The vehicle answered that its speed limit mode is active. Switch it off first."
_PARENTAL: Final = "The vehicle answered that its parental controls are active. Switch them off first."

_ROWS: Final = (
    Refusal("complete", errors.FULLY_CHARGED, EVCC),
    Refusal("disconnected", errors.CHARGING_PLUG_NOT_CONNECTED, DOCUMENTED),
    Refusal("cable_connected", errors.CHARGING_PLUG_CONNECTED, UNTRACED),
    Refusal("no_power", errors.CHARGE_FAULT, DOCUMENTED),
    Refusal("not_charging", errors.NOT_CHARGING, HOME_ASSISTANT),
    # The names of errors.proto, without their prefix.
    Refusal("closures_open", errors.DOOR_OPEN, VEHICLE_COMMAND),
    Refusal("vehicle_not_in_park", errors.IN_MOTION, VEHICLE_COMMAND),
    Refusal("already_on", errors.VEHICLE_STATE_UNKNOWN, VEHICLE_COMMAND),
    Refusal("disabled_for_user_command", errors.VEHICLE_STATE_UNKNOWN, VEHICLE_COMMAND),
    Refusal("unauthorized", errors.VEHICLE_STATE_UNKNOWN, VEHICLE_COMMAND),
    Refusal("not_allowed_over_transport", errors.VEHICLE_NOT_CAPABLE, VEHICLE_COMMAND),
    Refusal("unknown", errors.VEHICLE_STATE_UNKNOWN, VEHICLE_COMMAND),
    Refusal("parental_controls_active", errors.VEHICLE_STATE_UNKNOWN, VEHICLE_COMMAND, _PARENTAL),
    Refusal("speed_limit_mode_active", errors.VEHICLE_STATE_UNKNOWN, FLEET_API, _SPEED_LIMIT),
    Refusal("door_open", errors.DOOR_OPEN, UNTRACED),
    Refusal("not_in_park", errors.IN_MOTION, UNTRACED),
    Refusal("in_service", errors.VEHICLE_OFFLINE_FOR_SERVICE, UNTRACED),
    Refusal("vehicle_is_in_service", errors.VEHICLE_OFFLINE_FOR_SERVICE, UNTRACED),
    Refusal("vehicle_is_currently_in_service", errors.VEHICLE_OFFLINE_FOR_SERVICE, TESLAMATE),
    Refusal("vehicle_is_curently_in_service", errors.VEHICLE_OFFLINE_FOR_SERVICE, TESLAJSONPY),
    Refusal("mobile_access_disabled", errors.REMOTE_ACCESS_DISABLED, FLEET_API),
    Refusal("not_supported", errors.VEHICLE_NOT_CAPABLE, FLEET_API),
    Refusal("cabin_comfort_remote_settings_not_enabled", errors.VEHICLE_STATE_UNKNOWN, FLEET_API, _COMFORT),
    Refusal("could_not_wake_buses", errors.UNREACHABLE, TESLAJSONPY),
    Refusal("vehicle_unavailable", errors.UNREACHABLE, TESLAMATE),
    Refusal("vehicle_is_offline_or_asleep", errors.UNREACHABLE, EVCC),
    Refusal("vehicle_unavailable_vehicle_is_offline_or_asleep", errors.UNREACHABLE, VEHICLE_COMMAND),
    Refusal("vehicle_not_connected", errors.UNREACHABLE, VEHICLE_COMMAND),
    Refusal("vehicle_busy_or_finishing_wake_up", errors.UNREACHABLE, VEHICLE_COMMAND),
)
REFUSALS: Final[dict[str, Refusal]] = {row.word: row for row in _ROWS}
"""Every reason that is known, by its one form."""

ALREADY_SO: Final[dict[tuple[str, str], str]] = {
    ("charge_start", "is_charging"): EVCC,
    ("charge_start", "charging"): TWC_MANAGER,
    ("charge_start", "requested"): HOME_ASSISTANT,
    ("charge_stop", "not_charging"): HOME_ASSISTANT,
    ("charge_port_door_close", "already_closed"): UNTRACED,
    ("door_lock", "already_locked"): FLEET_API,
    ("auto_conditioning_start", "already_on"): VEHICLE_COMMAND,
    **{(name, "already_set"): HOME_ASSISTANT for name in COMMANDS},
}
"""Command and reason, and where that is known: the car is in the wanted state already, so the control succeeded."""

STILL_ASLEEP: Final = frozenset({"could_not_wake_buses", "vehicle_busy_or_finishing_wake_up"})
"""The car answered, but its computers are not up yet: nothing was done, and the same a moment later works (teslajsonpy
and TWCManager ask again)."""

_BEFORE: Final = re.compile(
    r"^(?:car|vcsec) could not execute command:? *|^genericerror[: _]*(?:genericerror_)?"
)
_BETWEEN: Final = re.compile(r"[^a-z0-9]+")


def word_of(reason: str) -> str:
    """The reason in its one form: small letters and digits with `_` between, without what Tesla's proxy adds."""
    text = reason.strip().lower()
    while (shorter := _BEFORE.sub("", text)) != text:
        text = shorter
    return _BETWEEN.sub("_", text).strip("_")


def is_already_so(command: str, reason: str) -> bool:
    """Whether the car refused because it is in the wanted state."""
    return (command, word_of(reason)) in ALREADY_SO


def meaning(reason: str) -> ErrorSpec:
    """The error that the car's words mean; VEHICLE_STATE:UNKNOWN for words that nobody knows."""
    row = REFUSALS.get(word_of(reason))
    return row.means if row else errors.VEHICLE_STATE_UNKNOWN


def description(reason: str) -> str | None:
    """The sentence in which the car's words are passed on, where the error's own would tell too little."""
    row = REFUSALS.get(word_of(reason))
    return row.description if row else None
