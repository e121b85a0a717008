"""Commands to simulated cars by their REST names: argument checks, scopes, and the effect on the car.

Unsigned and signed commands end in the same `carry_out`. Arguments are checked with the table from which signed
messages are made; the few commands that only exist as REST calls are in `REST_ONLY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from vehicles.tesla import scopes, vehicle_commands
from vehicles.tesla.simulator import body_effects, charging_effects, climate_effects, pin_effects
from vehicles.tesla.simulator.car_security import Outcome
from vehicles.tesla.simulator.cars import Car, ExecutedCommand
from vehicles.tesla.vehicle_commands import COMMANDS, InvalidArguments

Arguments = dict[str, Any]
Effect = Callable[[Car, Arguments, float], str]
"""Does it to the car, at that time, and returns the reason of a refusal, empty for none."""

IN_SERVICE: Final = "vehicle is currently in service"


def _navigation(arguments: Mapping[str, Any]) -> None:
    value = arguments.get("value")
    text = value.get("android.intent.extra.TEXT") if isinstance(value, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise InvalidArguments("value", "must hold a text to navigate to")


def _anything(arguments: Mapping[str, Any]) -> None:
    """These take whatever is sent."""


REST_ONLY: Final[dict[str, tuple[Callable[[Mapping[str, Any]], None], Effect]]] = {
    "navigation_request": (_navigation, body_effects.navigation_request),
    "set_managed_charge_current_request": (_anything, body_effects.no_visible_effect),
    "set_managed_charger_location": (_anything, body_effects.no_visible_effect),
    "set_managed_scheduled_charging_time": (_anything, body_effects.no_visible_effect),
    "remote_boombox": (_anything, body_effects.not_supported),
}
"""Argument check and effect of commands that have no signed form."""

SERVER_SIDE: Final = frozenset(REST_ONLY) - {"remote_boombox"}
"""Tesla's servers carry these out, so that they go unsigned to every car."""

_SAME_EFFECT: Final[dict[str, Effect]] = {
    **{name: body_effects.media for name in COMMANDS if name.startswith("media_")},
    "navigation_sc_request": body_effects.no_visible_effect,
    "navigation_waypoints_request": body_effects.no_visible_effect,
    "ping": body_effects.no_visible_effect,
}
_ROOMS: Final[tuple[ModuleType, ...]] = (charging_effects, climate_effects, body_effects, pin_effects)


def _effect(name: str) -> Effect:
    found: Effect = next(getattr(room, name) for room in _ROOMS if hasattr(room, name))
    return found


EFFECTS: Final[dict[str, Effect]] = {
    **{name: _SAME_EFFECT.get(name) or _effect(name) for name in COMMANDS},
    **{name: effect for name, (_, effect) in REST_ONLY.items()},
}
"""What every command does, by its REST name."""


def exists(name: str) -> bool:
    """Whether there is a REST command of that name; `ping` only exists signed."""
    return name in EFFECTS and name != vehicle_commands.PING


def required_scopes(name: str) -> frozenset[str]:
    """The scopes of which one covers the command."""
    return COMMANDS[name].scopes if name in COMMANDS else frozenset({scopes.VEHICLE_CMDS})


def checked_arguments(name: str, given: Mapping[str, Any], now: float) -> Arguments:
    """The arguments of a REST command with every default filled in. Raises `InvalidArguments`."""
    if name in REST_ONLY:
        REST_ONLY[name][0](given)
        return dict(given)
    command = COMMANDS[name]
    known = {argument: value for argument, value in given.items() if argument in command.argument_names}
    if name.startswith("add_"):
        # Tesla numbers a new schedule by the time at which it was made.
        known.setdefault("id", int(now))
    _, complete = vehicle_commands.decode(command.domain, vehicle_commands.encode(name, known))
    return complete | known


def carry_out(car: Car, name: str, arguments: Arguments, now: float) -> Outcome:
    """Let the car do it or refuse. What was done is written to `car.executed`."""
    if car.in_service:
        return Outcome(False, IN_SERVICE)
    reason = EFFECTS[name](car, arguments, now)
    if reason:
        return Outcome(False, reason)
    car.executed.append(ExecutedCommand(name, dict(arguments), now))
    return Outcome(True)
