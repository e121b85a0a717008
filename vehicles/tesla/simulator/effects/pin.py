"""What commands with a PIN do to a simulated car, and when it refuses (Fleet API: vehicle commands)."""

from __future__ import annotations

from typing import Any, Final

from vehicles.tesla.simulator.car.car import Car

Arguments = dict[str, Any]

WRONG_PIN: Final = "invalid_pin"


def set_pin_to_drive(car: Car, arguments: Arguments, now: float) -> str:
    """The car keeps an old PIN even while the feature is off, and ignores a new one until the old one is cleared."""
    if arguments["on"] and not car.pins.setdefault("drive", arguments["password"]):
        del car.pins["drive"]
        return WRONG_PIN
    car.sections["vehicle_state"]["pin_to_drive_enabled"] = arguments["on"]
    return ""


def reset_pin_to_drive_pin(car: Car, arguments: Arguments, now: float) -> str:
    if car.sections["vehicle_state"]["pin_to_drive_enabled"]:
        return "pin_to_drive_enabled"
    car.pins.pop("drive", None)
    return ""


def clear_pin_to_drive_admin(car: Car, arguments: Arguments, now: float) -> str:
    car.pins.pop("drive", None)
    car.sections["vehicle_state"]["pin_to_drive_enabled"] = False
    return ""


def set_valet_mode(car: Car, arguments: Arguments, now: float) -> str:
    """A PIN that comes with switching off has to be the right one, but none is needed: Tesla's programs send none."""
    state, pin = car.sections["vehicle_state"], arguments["password"]
    if not arguments["on"] and not state["valet_mode"]:
        return "already off"
    if not arguments["on"] and pin and car.pins.get("valet", pin) != pin:
        return WRONG_PIN
    if arguments["on"] and pin:
        car.pins.setdefault("valet", pin)
    state |= {"valet_mode": arguments["on"], "valet_pin_needed": "valet" not in car.pins}
    return ""


def reset_valet_pin(car: Car, arguments: Arguments, now: float) -> str:
    car.pins.pop("valet", None)
    car.sections["vehicle_state"]["valet_pin_needed"] = True
    return ""


def speed_limit_set_limit(car: Car, arguments: Arguments, now: float) -> str:
    mode = car.sections["vehicle_state"]["speed_limit_mode"]
    lowest, highest = mode["min_limit_mph"], mode["max_limit_mph"]
    mode["current_limit_mph"] = min(highest, max(lowest, arguments["limit_mph"]))
    return ""


def speed_limit_activate(car: Car, arguments: Arguments, now: float) -> str:
    mode = car.sections["vehicle_state"]["speed_limit_mode"]
    if mode["active"]:
        return "already_on"
    if car.pins.setdefault("speed_limit", arguments["pin"]) != arguments["pin"]:
        return WRONG_PIN
    mode |= {"active": True, "pin_code_set": True}
    return ""


def speed_limit_deactivate(car: Car, arguments: Arguments, now: float) -> str:
    mode = car.sections["vehicle_state"]["speed_limit_mode"]
    if car.pins.get("speed_limit") != arguments["pin"]:
        return WRONG_PIN
    mode["active"] = False
    return ""


def speed_limit_clear_pin(car: Car, arguments: Arguments, now: float) -> str:
    mode = car.sections["vehicle_state"]["speed_limit_mode"]
    if mode["active"] or car.pins.get("speed_limit") != arguments["pin"]:
        return WRONG_PIN
    return speed_limit_clear_pin_admin(car, arguments, now)


def speed_limit_clear_pin_admin(car: Car, arguments: Arguments, now: float) -> str:
    car.pins.pop("speed_limit", None)
    car.sections["vehicle_state"]["speed_limit_mode"] |= {"active": False, "pin_code_set": False}
    return ""
