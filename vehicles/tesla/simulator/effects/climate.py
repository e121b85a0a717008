"""What climate commands do to a simulated car, and when it refuses (Fleet API: vehicle commands)."""

from __future__ import annotations

from typing import Any, Final

from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.effects.body import NOT_SUPPORTED

Arguments = dict[str, Any]

CLIMATE_IS_OFF: Final = "cabin comfort remote settings not enabled"
_HEATED_SEATS: Final = (
    "seat_heater_left",
    "seat_heater_right",
    "seat_heater_rear_left",
    "seat_heater_rear_left_back",
    "seat_heater_rear_center",
    "seat_heater_rear_right",
    "seat_heater_rear_right_back",
    "seat_heater_third_row_left",
    "seat_heater_third_row_right",
)
_COOLED_SEATS: Final = {1: "seat_fan_front_left", 2: "seat_fan_front_right"}
_AUTOMATIC_SEATS: Final = {1: "auto_seat_climate_left", 2: "auto_seat_climate_right"}
_KEEPER_MODES: Final = ("off", "on", "dog", "camp")
_OVERHEAT_TEMPERATURES: Final = ("Low", "Medium", "High")


def auto_conditioning_start(car: Car, arguments: Arguments, now: float) -> str:
    car.sections["climate_state"] |= {
        "is_climate_on": True,
        "is_auto_conditioning_on": True,
        "is_preconditioning": True,
        "fan_status": 3,
    }
    return ""


def auto_conditioning_stop(car: Car, arguments: Arguments, now: float) -> str:
    """Ends everything that only runs while the climate is on."""
    state = car.sections["climate_state"]
    ended = ["is_climate_on", "is_auto_conditioning_on", "is_preconditioning"]
    if state.get("steering_wheel_heater") is not None:
        ended.append("steering_wheel_heater")
    state |= dict.fromkeys(ended, False)
    state |= dict.fromkeys([field for field in state if field.startswith(("seat_heater_", "seat_fan_"))], 0)
    state |= {
        "fan_status": 0,
        "steering_wheel_heat_level": 0,
        "climate_keeper_mode": "off",
        "defrost_mode": 0,
    }
    return ""


def set_temps(car: Car, arguments: Arguments, now: float) -> str:
    """Temperatures in degrees Celsius; the car keeps them between its lowest and highest."""
    state = car.sections["climate_state"]
    for side in ("driver", "passenger"):
        wanted = arguments[f"{side}_temp"]
        if wanted:
            kept = min(state["max_avail_temp"], max(state["min_avail_temp"], wanted))
            state[f"{side}_temp_setting"] = kept
    return ""


def set_preconditioning_max(car: Car, arguments: Arguments, now: float) -> str:
    on = arguments["on"]
    state = car.sections["climate_state"]
    state |= {"is_front_defroster_on": on, "is_rear_defroster_on": on, "defrost_mode": 2 if on else 0}
    if on:
        auto_conditioning_start(car, arguments, now)
    return ""


def remote_steering_wheel_heater_request(car: Car, arguments: Arguments, now: float) -> str:
    """A car without the heater has null for it."""
    state = car.sections["climate_state"]
    if state.get("steering_wheel_heater", False) is None:
        return NOT_SUPPORTED
    if not state["is_climate_on"]:
        return CLIMATE_IS_OFF
    on = arguments["on"]
    state |= {
        "steering_wheel_heater": on,
        "steering_wheel_heat_level": 3 if on else 0,
    }
    return ""


def remote_seat_heater_request(car: Car, arguments: Arguments, now: float) -> str:
    return _while_on(car, _HEATED_SEATS[arguments["seat_position"]], arguments["level"])


def remote_seat_cooler_request(car: Car, arguments: Arguments, now: float) -> str:
    # Level 1 is off.
    return _while_on(car, _COOLED_SEATS[arguments["seat_position"]], arguments["seat_cooler_level"] - 1)


def remote_auto_seat_climate_request(car: Car, arguments: Arguments, now: float) -> str:
    seat = _AUTOMATIC_SEATS[arguments["auto_seat_position"]]
    return _while_on(car, seat, arguments["auto_climate_on"])


def set_climate_keeper_mode(car: Car, arguments: Arguments, now: float) -> str:
    mode = _KEEPER_MODES[arguments["climate_keeper_mode"]]
    if mode != "off":
        auto_conditioning_start(car, arguments, now)
    car.sections["climate_state"]["climate_keeper_mode"] = mode
    return ""


def set_bioweapon_mode(car: Car, arguments: Arguments, now: float) -> str:
    if arguments["on"]:
        auto_conditioning_start(car, arguments, now)
    car.sections["climate_state"]["bioweapon_mode"] = arguments["on"]
    return ""


def set_cabin_overheat_protection(car: Car, arguments: Arguments, now: float) -> str:
    mode = ("FanOnly" if arguments["fan_only"] else "On") if arguments["on"] else "Off"
    car.sections["climate_state"]["cabin_overheat_protection"] = mode
    return ""


def set_cop_temp(car: Car, arguments: Arguments, now: float) -> str:
    """A message that names none, as Tesla's own proxy writes 0, leaves the temperature as it is."""
    if arguments["cop_temp"] >= 0:
        temperature = _OVERHEAT_TEMPERATURES[arguments["cop_temp"]]
        car.sections["climate_state"]["cop_activation_temperature"] = temperature
    return ""


def _while_on(car: Car, field: str, value: int | bool) -> str:
    state = car.sections["climate_state"]
    if not state["is_climate_on"]:
        return CLIMATE_IS_OFF
    state[field] = value
    return ""
