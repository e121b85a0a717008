"""What locks, closures, lights, media and the rest do to a simulated car, and when it refuses."""

from __future__ import annotations

from typing import Any, Final

from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.car.car import Car

Arguments = dict[str, Any]

NOT_SUPPORTED: Final = "not_supported"
NOT_IN_PARK: Final = "vehicle_not_in_park"
_DOORS: Final = ("df", "dr", "pf", "pr")
_WINDOWS: Final = ("fd_window", "fp_window", "rd_window", "rp_window")
_OPEN: Final = 16


def door_lock(car: Car, arguments: Arguments, now: float) -> str:
    if any(car.sections["vehicle_state"][door] for door in _DOORS):
        return "closures_open"
    return _set(car, locked=True)


def door_unlock(car: Car, arguments: Arguments, now: float) -> str:
    return _set(car, locked=False)


def remote_start_drive(car: Car, arguments: Arguments, now: float) -> str:
    if not car.sections["vehicle_state"]["remote_start_enabled"]:
        return "disabled_for_user_command"
    return _set(car, remote_start=True)


def actuate_trunk(car: Car, arguments: Arguments, now: float) -> str:
    """The front only opens; the rear toggles, but closes only where the lift gate has a motor."""
    state = car.sections["vehicle_state"]
    if arguments["which_trunk"] == "front":
        return _set(car, ft=_OPEN)
    if state["rt"] and not car.sections["vehicle_config"]["plg"]:
        return NOT_SUPPORTED
    return _set(car, rt=0 if state["rt"] else _OPEN)


def open_tonneau(car: Car, arguments: Arguments, now: float) -> str:
    return _move_tonneau(car, "open")


def close_tonneau(car: Car, arguments: Arguments, now: float) -> str:
    return _move_tonneau(car, "closed")


def stop_tonneau(car: Car, arguments: Arguments, now: float) -> str:
    return _move_tonneau(car, "stopped")


def window_control(car: Car, arguments: Arguments, now: float) -> str:
    position = 1 if arguments["command"] == "vent" else 0
    return _set(car, **dict.fromkeys(_WINDOWS, position))


def sun_roof_control(car: Car, arguments: Arguments, now: float) -> str:
    if not car.sections["vehicle_config"]["sun_roof_installed"]:
        return NOT_SUPPORTED
    return _set(car, sun_roof_state=arguments["state"])


def flash_lights(car: Car, arguments: Arguments, now: float) -> str:
    return "" if _is_parked(car) else NOT_IN_PARK


def honk_horn(car: Car, arguments: Arguments, now: float) -> str:
    return "" if _is_parked(car) else NOT_IN_PARK


def set_sentry_mode(car: Car, arguments: Arguments, now: float) -> str:
    return _set(car, sentry_mode=arguments["on"])


def trigger_homelink(car: Car, arguments: Arguments, now: float) -> str:
    return ""


def guest_mode(car: Car, arguments: Arguments, now: float) -> str:
    return _set(car, guest_mode=arguments["enable"])


def erase_user_data(car: Car, arguments: Arguments, now: float) -> str:
    if not car.sections["vehicle_state"]["guest_mode"]:
        return "not_in_guest_mode"
    return "" if _is_parked(car) else NOT_IN_PARK


def set_vehicle_name(car: Car, arguments: Arguments, now: float) -> str:
    car.name = arguments["vehicle_name"]
    return _set(car, vehicle_name=car.name)


def schedule_software_update(car: Car, arguments: Arguments, now: float) -> str:
    update = car.sections["vehicle_state"]["software_update"]
    if update["status"] != "available":
        return "no_update_available"
    update |= {"status": "scheduled", "scheduled_time_ms": int((now + arguments["offset_sec"]) * 1000)}
    return ""


def cancel_software_update(car: Car, arguments: Arguments, now: float) -> str:
    update = car.sections["vehicle_state"]["software_update"]
    if update["status"] != "scheduled":
        return "no_update_scheduled"
    update["status"] = "available"
    return ""


def media(car: Car, arguments: Arguments, now: float) -> str:
    """Every media command: somebody has to sit in the car."""
    return "" if car.sections["vehicle_state"]["is_user_present"] else "user_not_present"


def adjust_volume(car: Car, arguments: Arguments, now: float) -> str:
    if reason := media(car, arguments, now):
        return reason
    car.sections["vehicle_state"]["media_info"]["audio_volume"] = arguments["volume"]
    return ""


def set_low_power_mode(car: Car, arguments: Arguments, now: float) -> str:
    return _set(car, low_power_mode=arguments["enable"])


def keep_accessory_power_mode(car: Car, arguments: Arguments, now: float) -> str:
    return _set(car, keep_accessory_power_mode=arguments["enable"])


def navigation_gps_request(car: Car, arguments: Arguments, now: float) -> str:
    car.sections["drive_state"] |= {
        "active_route_destination": "Pin",
        "active_route_latitude": arguments["lat"],
        "active_route_longitude": arguments["lon"],
    }
    return ""


def navigation_request(car: Car, arguments: Arguments, now: float) -> str:
    """The destination as text, which Tesla's servers resolve (Fleet API: navigation_request)."""
    text = arguments["value"]["android.intent.extra.TEXT"]
    car.sections["drive_state"]["active_route_destination"] = text
    return ""


def no_visible_effect(car: Car, arguments: Arguments, now: float) -> str:
    """For commands that change nothing which the car's data shows."""
    return ""


def not_supported(car: Car, arguments: Arguments, now: float) -> str:
    return NOT_SUPPORTED


def _set(car: Car, **fields: Any) -> str:
    car.sections["vehicle_state"] |= fields
    return ""


def _is_parked(car: Car) -> bool:
    return car.sections["drive_state"]["shift_state"] in (None, "P")


def _move_tonneau(car: Car, state: str) -> str:
    return _set(car, tonneau_state=state) if vins.model(car.vin) == "Cybertruck" else NOT_SUPPORTED
