"""The controls of our API as data: the permission each needs, and the Tesla commands it becomes.

Arguments arrive validated by the API edge. A control that only repeats a state is harmless to repeat; one that toggles
is never sent again by itself. Command names and bodies follow Fleet API: vehicle commands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Arguments = Mapping[str, Any]

ASKED: Final = "asked"
"""Among the arguments of a command that the car's state decided on: what the caller asked, before that."""


@dataclass(frozen=True, slots=True)
class Step:
    """One Tesla command of a control. `may_refuse`: the car's refusal of this step does not end the control."""

    command: str
    arguments: Arguments
    may_refuse: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """How a later look at the car's state tells whether the control took effect: section, field, wanted value.

    Numbers agree within `tolerance`, since the car stores them as 32-bit floats and in its own steps. `also` are values
    that show the same, `not_so` those that show that nothing happened; where the field is a word, any other one tells
    nothing.
    """

    section: str
    field: str
    wanted: Callable[[Arguments], Any]
    tolerance: float = 0.0
    also: frozenset[str] = frozenset()
    not_so: frozenset[str] = frozenset()

    def took_effect(self, data: Mapping[str, Any], arguments: Arguments) -> bool | None:
        """Whether the car's state (`vehicle_data`, by section) shows the effect; None where it does not tell."""
        section = data.get(self.section)
        seen = section.get(self.field) if isinstance(section, Mapping) else None
        wanted = self.wanted(arguments)
        if isinstance(wanted, bool):
            return seen is wanted if isinstance(seen, bool) else None
        if isinstance(wanted, int | float):
            if isinstance(seen, bool) or not isinstance(seen, int | float) or not math.isfinite(seen):
                return None
            return abs(seen - wanted) <= self.tolerance
        if not isinstance(seen, str):
            return None
        return True if seen == wanted or seen in self.also else False if seen in self.not_so else None


@dataclass(frozen=True, slots=True)
class Control:
    """One row: `steps` builds the Tesla commands from the arguments, in the order in which they are sent."""

    permission: str
    steps: Callable[[Arguments], tuple[Step, ...]]
    toggles: bool = False
    settled: Settled | None = None
    private: tuple[str, ...] = ()
    """Arguments that are never stored: a PIN, and where the car or its person is."""


def _plain(command: str, **fixed: Any) -> Callable[[Arguments], tuple[Step, ...]]:
    return lambda arguments: (Step(command, {**fixed, **arguments}),)


def _destination(arguments: Arguments) -> tuple[Step, ...]:
    # Tesla's servers resolve the text and hand it to the car, so this needs no signature on any car.
    # Always as decimals: a float near zero would be written with an exponent, which no map understands.
    text = f"{arguments['latitude']:.6f},{arguments['longitude']:.6f}"
    body = {
        "type": "share_ext_content_raw",
        "locale": "en-US",
        "timestamp_ms": arguments["timestamp_ms"],
        "value": {"android.intent.extra.TEXT": text},
    }
    return (Step("navigation_request", body),)


def _set_pin(arguments: Arguments) -> tuple[Step, ...]:
    # The car keeps an old PIN even while the feature is off, and ignores a new one until the old one is cleared.
    return (
        Step("clear_pin_to_drive_admin", {}, may_refuse=True),
        Step("set_pin_to_drive", {"on": True, "password": arguments["pin"]}),
    )


def _fixed(command: str, **body: Any) -> Callable[[Arguments], tuple[Step, ...]]:
    """For controls whose arguments tell more than Tesla is sent (see `looks`)."""
    return lambda arguments: (Step(command, body),)


_TAKES_AT_ONCE: Final = 5
"""Amperes; the car takes a lower current only with the second of two equal commands (teslajsonpy: car.py)."""


def _set_amperage(arguments: Arguments) -> tuple[Step, ...]:
    step = Step("set_charging_amps", {"charging_amps": arguments["charging_amps"]})
    return (step,) if arguments["charging_amps"] >= _TAKES_AT_ONCE else (step, step)


def _set_temperature(arguments: Arguments) -> tuple[Step, ...]:
    celsius = arguments["celsius"]
    return (Step("set_temps", {"driver_temp": celsius, "passenger_temp": celsius}),)


def _start_climate(arguments: Arguments) -> tuple[Step, ...]:
    first = _set_temperature(arguments) if arguments.get("sets_temperature") else ()
    return (*first, Step("auto_conditioning_start", {}))


def _always(value: Any) -> Callable[[Arguments], Any]:
    return lambda arguments: value


def _given(name: str) -> Callable[[Arguments], Any]:
    return lambda arguments: arguments[name]


def _locked(value: bool) -> Settled:
    return Settled("vehicle_state", "locked", _always(value))


CONTROLS: Final[dict[str, Control]] = {
    "lock": Control("control_security", _plain("door_lock"), settled=_locked(True)),
    "unlock": Control("control_security", _plain("door_unlock"), settled=_locked(False)),
    "start_charge": Control(
        "control_charge",
        _plain("charge_start"),
        settled=Settled(
            "charge_state",
            "charging_state",
            _always("Charging"),
            also=frozenset({"Starting", "Complete"}),
            not_so=frozenset({"Stopped", "Disconnected", "NoPower"}),
        ),
    ),
    "stop_charge": Control(
        "control_charge",
        _plain("charge_stop"),
        settled=Settled(
            "charge_state",
            "charging_state",
            _always("Stopped"),
            also=frozenset({"Complete", "Disconnected"}),
            not_so=frozenset({"Charging", "Starting"}),
        ),
    ),
    "set_charge_limit": Control(
        "control_charge",
        _plain("set_charge_limit"),
        settled=Settled("charge_state", "charge_limit_soc", _given("percent"), tolerance=0.5),
    ),
    "set_amperage": Control(
        "control_charge",
        _set_amperage,
        settled=Settled("charge_state", "charge_amps", _given("charging_amps"), tolerance=0.5),
    ),
    "open_charge_port": Control(
        "control_charge",
        _plain("charge_port_door_open"),
        settled=Settled("charge_state", "charge_port_door_open", _always(True)),
    ),
    "close_charge_port": Control(
        "control_charge",
        _plain("charge_port_door_close"),
        settled=Settled("charge_state", "charge_port_door_open", _always(False)),
    ),
    # Which Tesla command it is depends on the car's firmware (see `looks`).
    "set_charge_schedule": Control(
        "control_charge", lambda given: (Step(given["command"], given["body"]),), private=("body",)
    ),
    "start_climate": Control(
        "control_climate",
        _start_climate,
        settled=Settled("climate_state", "is_climate_on", _always(True)),
    ),
    "stop_climate": Control(
        "control_climate",
        _fixed("auto_conditioning_stop"),
        settled=Settled("climate_state", "is_climate_on", _always(False)),
    ),
    "set_temperature": Control(
        "control_climate",
        _set_temperature,
        settled=Settled("climate_state", "driver_temp_setting", _given("celsius"), tolerance=0.3),
    ),
    "start_defroster": Control(
        "control_climate", _plain("set_preconditioning_max", on=True, manual_override=False)
    ),
    "stop_defroster": Control(
        "control_climate", _plain("set_preconditioning_max", on=False, manual_override=False)
    ),
    "start_steering_wheel": Control(
        "control_climate",
        _fixed("remote_steering_wheel_heater_request", on=True),
        settled=Settled("climate_state", "steering_wheel_heater", _always(True)),
    ),
    "stop_steering_wheel": Control(
        "control_climate",
        _fixed("remote_steering_wheel_heater_request", on=False),
        settled=Settled("climate_state", "steering_wheel_heater", _always(False)),
    ),
    # One Tesla command for both directions: it moves the trunk to where it is not.
    "open_trunk": Control("control_trunk", _fixed("actuate_trunk", which_trunk="rear"), toggles=True),
    "close_trunk": Control("control_trunk", _fixed("actuate_trunk", which_trunk="rear"), toggles=True),
    "open_frunk": Control("control_trunk", _fixed("actuate_trunk", which_trunk="front"), toggles=True),
    "set_pin": Control("control_pin", _set_pin, private=("pin",)),
    "clear_pin": Control("control_pin", _plain("clear_pin_to_drive_admin")),
    "send_destination": Control("control_navigation", _destination, private=("latitude", "longitude")),
}
"""Every control by the name under which a command row keeps it."""
