"""The controls of our API as data: the permission each needs, and the Tesla commands it becomes.

Arguments arrive validated by the API edge. A control that only repeats a state is harmless to repeat; one that toggles
is never sent again by itself. Command names and bodies follow Fleet API: vehicle commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Arguments = Mapping[str, Any]

ASKED: Final = "asked"
"""Among the arguments of a command that the car's state decided on: what the caller asked, before that."""
WAS: Final = "was"
"""Among the same: the value that the car had before."""
_TOLD_ONCE_FROM: Final = 5
"""Amperes."""


@dataclass(frozen=True, slots=True)
class TeslaCommand:
    """One Tesla command of a control. `may_refuse`: the car's refusal of this step does not end the control."""

    command: str
    arguments: Arguments
    may_refuse: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """One row: `steps` builds the Tesla commands from the arguments, in the order in which they are sent."""

    permission: str
    steps: Callable[[Arguments], tuple[TeslaCommand, ...]]
    toggles: bool = False
    private: tuple[str, ...] = ()
    """Arguments that are never stored: a PIN, and where the car or its person is."""


def _plain(command: str, **fixed: Any) -> Callable[[Arguments], tuple[TeslaCommand, ...]]:
    return lambda arguments: (TeslaCommand(command, {**fixed, **arguments}),)


def _destination(arguments: Arguments) -> tuple[TeslaCommand, ...]:
    # Tesla's servers resolve the text and hand it to the car, so this needs no signature on any car.
    # Always as decimals: a float near zero would be written with an exponent, which no map understands.
    text = f"{arguments['latitude']:.6f},{arguments['longitude']:.6f}"
    body = {
        "type": "share_ext_content_raw",
        "locale": "en-US",
        "timestamp_ms": arguments["timestamp_ms"],
        "value": {"android.intent.extra.TEXT": text},
    }
    return (TeslaCommand("navigation_request", body),)


def _set_pin(arguments: Arguments) -> tuple[TeslaCommand, ...]:
    # The car keeps an old PIN even while the feature is off, and ignores a new one until the old one is cleared.
    return (
        TeslaCommand("clear_pin_to_drive_admin", {}, may_refuse=True),
        TeslaCommand("set_pin_to_drive", {"on": True, "password": arguments["pin"]}),
    )


def _fixed(command: str, **body: Any) -> Callable[[Arguments], tuple[TeslaCommand, ...]]:
    """For controls whose arguments tell more than Tesla is sent (see `preconditions`)."""
    return lambda arguments: (TeslaCommand(command, body),)


def _set_temperature(arguments: Arguments) -> tuple[TeslaCommand, ...]:
    celsius = arguments["celsius"]
    return (TeslaCommand("set_temps", {"driver_temp": celsius, "passenger_temp": celsius}),)


def _start_climate(arguments: Arguments) -> tuple[TeslaCommand, ...]:
    first = _set_temperature(arguments) if arguments.get("sets_temperature") else ()
    return (*first, TeslaCommand("auto_conditioning_start", {}))


def _charging_amps(arguments: Arguments) -> tuple[TeslaCommand, ...]:
    """Below 5 A a car takes the first command for 5 A, and a second one for what it says (teslajsonpy sends two)."""
    amps = arguments["charging_amps"]
    step = TeslaCommand("set_charging_amps", {"charging_amps": amps})
    return (step, step) if amps < _TOLD_ONCE_FROM else (step,)


CONTROLS: Final[dict[str, Control]] = {
    "lock": Control("control_security", _plain("door_lock")),
    "unlock": Control("control_security", _plain("door_unlock")),
    "start_charge": Control("control_charge", _plain("charge_start")),
    "stop_charge": Control("control_charge", _plain("charge_stop")),
    "set_charge_limit": Control("control_charge", _plain("set_charge_limit")),
    "set_amperage": Control("control_charge", _charging_amps),
    "open_charge_port": Control("control_charge", _plain("charge_port_door_open")),
    "close_charge_port": Control("control_charge", _plain("charge_port_door_close")),
    # Which Tesla command it is depends on the car's firmware (see `preconditions`).
    "set_charge_schedule": Control(
        "control_charge", lambda given: (TeslaCommand(given["command"], given["body"]),), private=("body",)
    ),
    "start_climate": Control("control_climate", _start_climate),
    "stop_climate": Control("control_climate", _fixed("auto_conditioning_stop")),
    "set_temperature": Control("control_climate", _set_temperature),
    "start_defroster": Control(
        "control_climate", _plain("set_preconditioning_max", on=True, manual_override=False)
    ),
    "stop_defroster": Control(
        "control_climate", _plain("set_preconditioning_max", on=False, manual_override=False)
    ),
    "start_steering_wheel": Control(
        "control_climate", _fixed("remote_steering_wheel_heater_request", on=True)
    ),
    "stop_steering_wheel": Control(
        "control_climate", _fixed("remote_steering_wheel_heater_request", on=False)
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
