"""Commands to simulated cars by their REST names: argument checks, scopes, and the effect on the car.

Unsigned and signed commands end in the same `carry_out`. Arguments are checked with the table from which signed
messages are made; the few commands that only exist as REST calls are in `REST_ONLY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from vehicles.tesla import scopes, vehicle_commands
from vehicles.tesla.simulator.car.car import Car, ExecutedCommand
from vehicles.tesla.simulator.car.security import Outcome
from vehicles.tesla.simulator.effects import body, charging, climate, pin
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
    "navigation_request": (_navigation, body.navigation_request),
    "set_managed_charge_current_request": (_anything, body.no_visible_effect),
    "set_managed_charger_location": (_anything, body.no_visible_effect),
    "set_managed_scheduled_charging_time": (_anything, body.no_visible_effect),
    "remote_boombox": (_anything, body.not_supported),
}
"""Argument check and effect of commands that have no signed form."""

SERVER_SIDE: Final = frozenset(REST_ONLY) - {"remote_boombox"}
"""Tesla's servers carry these out, so that they go unsigned to every car."""

EFFECTS: Final[dict[str, Effect]] = {
    "door_lock": body.door_lock,
    "door_unlock": body.door_unlock,
    "remote_start_drive": body.remote_start_drive,
    "actuate_trunk": body.actuate_trunk,
    "open_tonneau": body.open_tonneau,
    "close_tonneau": body.close_tonneau,
    "stop_tonneau": body.stop_tonneau,
    "charge_start": charging.charge_start,
    "charge_stop": charging.charge_stop,
    "charge_standard": charging.charge_standard,
    "charge_max_range": charging.charge_max_range,
    "set_charge_limit": charging.set_charge_limit,
    "set_charging_amps": charging.set_charging_amps,
    "charge_port_door_open": charging.charge_port_door_open,
    "charge_port_door_close": charging.charge_port_door_close,
    "set_scheduled_charging": charging.set_scheduled_charging,
    "set_scheduled_departure": charging.set_scheduled_departure,
    "add_charge_schedule": charging.add_charge_schedule,
    "remove_charge_schedule": charging.remove_charge_schedule,
    "add_precondition_schedule": charging.add_precondition_schedule,
    "remove_precondition_schedule": charging.remove_precondition_schedule,
    "batch_remove_charge_schedules": charging.batch_remove_charge_schedules,
    "batch_remove_precondition_schedules": charging.batch_remove_precondition_schedules,
    "auto_conditioning_start": climate.auto_conditioning_start,
    "auto_conditioning_stop": climate.auto_conditioning_stop,
    "set_temps": climate.set_temps,
    "set_preconditioning_max": climate.set_preconditioning_max,
    "remote_steering_wheel_heater_request": climate.remote_steering_wheel_heater_request,
    "remote_seat_heater_request": climate.remote_seat_heater_request,
    "remote_seat_cooler_request": climate.remote_seat_cooler_request,
    "remote_auto_seat_climate_request": climate.remote_auto_seat_climate_request,
    "set_climate_keeper_mode": climate.set_climate_keeper_mode,
    "set_bioweapon_mode": climate.set_bioweapon_mode,
    "set_cabin_overheat_protection": climate.set_cabin_overheat_protection,
    "set_cop_temp": climate.set_cop_temp,
    "set_pin_to_drive": pin.set_pin_to_drive,
    "reset_pin_to_drive_pin": pin.reset_pin_to_drive_pin,
    "clear_pin_to_drive_admin": pin.clear_pin_to_drive_admin,
    "set_valet_mode": pin.set_valet_mode,
    "reset_valet_pin": pin.reset_valet_pin,
    "speed_limit_set_limit": pin.speed_limit_set_limit,
    "speed_limit_activate": pin.speed_limit_activate,
    "speed_limit_deactivate": pin.speed_limit_deactivate,
    "speed_limit_clear_pin": pin.speed_limit_clear_pin,
    "speed_limit_clear_pin_admin": pin.speed_limit_clear_pin_admin,
    "flash_lights": body.flash_lights,
    "honk_horn": body.honk_horn,
    "set_sentry_mode": body.set_sentry_mode,
    "window_control": body.window_control,
    "sun_roof_control": body.sun_roof_control,
    "trigger_homelink": body.trigger_homelink,
    "guest_mode": body.guest_mode,
    "erase_user_data": body.erase_user_data,
    "set_vehicle_name": body.set_vehicle_name,
    "schedule_software_update": body.schedule_software_update,
    "cancel_software_update": body.cancel_software_update,
    "media_toggle_playback": body.media,
    "media_next_track": body.media,
    "media_prev_track": body.media,
    "media_next_fav": body.media,
    "media_prev_fav": body.media,
    "media_volume_up": body.media,
    "media_volume_down": body.media,
    "adjust_volume": body.adjust_volume,
    "set_low_power_mode": body.set_low_power_mode,
    "keep_accessory_power_mode": body.keep_accessory_power_mode,
    "navigation_gps_request": body.navigation_gps_request,
    "navigation_sc_request": body.no_visible_effect,
    "navigation_waypoints_request": body.no_visible_effect,
    "ping": body.no_visible_effect,
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
