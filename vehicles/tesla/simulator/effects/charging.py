"""What charging commands do to a simulated car, and when it refuses (Fleet API: vehicle commands)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from vehicles.tesla.simulator.car.car import Car

Arguments = dict[str, Any]

_REFUSES_START: Final = {
    "Disconnected": "disconnected",
    "NoPower": "no_power",
    "Charging": "is_charging",
    "Starting": "requested",
    "Complete": "complete",
}
_MAINS_VOLTS: Final = 230
_LEAST_AMPS: Final = 5


def charge_start(car: Car, arguments: Arguments, now: float) -> str:
    state = car.sections["charge_state"]
    if reason := _REFUSES_START.get(state["charging_state"]):
        return reason
    if state["battery_level"] >= state["charge_limit_soc"]:
        return "complete"
    _let_flow(state)
    return ""


def charge_stop(car: Car, arguments: Arguments, now: float) -> str:
    state = car.sections["charge_state"]
    if state["charging_state"] not in ("Charging", "Starting"):
        return "not_charging"
    _end(state, "Stopped")
    return ""


def charge_standard(car: Car, arguments: Arguments, now: float) -> str:
    return _named_limit(car, "charge_limit_soc_std", "already_standard")


def charge_max_range(car: Car, arguments: Arguments, now: float) -> str:
    return _named_limit(car, "charge_limit_soc_max", "already_started")


def set_charge_limit(car: Car, arguments: Arguments, now: float) -> str:
    """Values outside of the car's range are taken without complaint and kept within it."""
    state = car.sections["charge_state"]
    lowest, highest = state["charge_limit_soc_min"], state["charge_limit_soc_max"]
    limit = min(highest, max(lowest, arguments["percent"]))
    if limit == state["charge_limit_soc"]:
        return "already_set"
    _set_limit(state, limit)
    return ""


def set_charging_amps(car: Car, arguments: Arguments, now: float) -> str:
    """Less than 5 A is taken for 5 A, unless it is said twice in a row, as clients in the field do (teslajsonpy)."""
    state, asked = car.sections["charge_state"], arguments["charging_amps"]
    said_again, car.asked_amps = car.asked_amps == asked, asked
    amps = min(asked if said_again else max(_LEAST_AMPS, asked), state["charge_current_request_max"])
    state["charge_amps"] = state["charge_current_request"] = amps
    if state["charging_state"] == "Charging":
        _let_flow(state)
    return ""


def charge_port_door_open(car: Car, arguments: Arguments, now: float) -> str:
    """Opens the flap, or lets go of the cable if the flap is open already."""
    state = car.sections["charge_state"]
    if car.sections["vehicle_state"].get("car_wash_mode"):
        return "car_wash_mode"
    if state["charge_port_door_open"] and state["charging_state"] != "Charging":
        state["charge_port_latch"] = "Disengaged"
    state["charge_port_door_open"] = True
    return ""


def charge_port_door_close(car: Car, arguments: Arguments, now: float) -> str:
    state = car.sections["charge_state"]
    if not state["charge_port_door_open"]:
        return "already closed"
    if state["charging_state"] != "Disconnected":
        return "cable connected"
    if not car.sections["vehicle_config"]["motorized_charge_port"]:
        return "not_supported"
    state["charge_port_door_open"] = False
    return ""


def set_scheduled_charging(car: Car, arguments: Arguments, now: float) -> str:
    state = car.sections["charge_state"]
    state["scheduled_charging_mode"] = "StartAt" if arguments["enable"] else "Off"
    state["scheduled_charging_pending"] = arguments["enable"]
    start = _next_time(car, now, arguments["time"]) if arguments["enable"] else None
    state["scheduled_charging_start_time"] = start
    return ""


def set_scheduled_departure(car: Car, arguments: Arguments, now: float) -> str:
    times = {True: "weekdays", False: "all_week"}
    car.sections["charge_state"] |= {
        "scheduled_charging_mode": "DepartBy" if arguments["enable"] else "Off",
        "scheduled_departure_time_minutes": arguments["departure_time"],
        "scheduled_departure_time": _next_time(car, now, arguments["departure_time"]),
        "preconditioning_enabled": arguments["preconditioning_enabled"],
        "preconditioning_times": times[arguments["preconditioning_weekdays_only"]],
        "off_peak_charging_enabled": arguments["off_peak_charging_enabled"],
        "off_peak_charging_times": times[arguments["off_peak_charging_weekdays_only"]],
        "off_peak_hours_end_time": arguments["end_off_peak_time"],
    }
    return ""


def add_charge_schedule(car: Car, arguments: Arguments, now: float) -> str:
    car.schedules["charge"][arguments["id"]] = dict(arguments)
    return ""


def add_precondition_schedule(car: Car, arguments: Arguments, now: float) -> str:
    car.schedules["precondition"][arguments["id"]] = dict(arguments)
    return ""


def remove_charge_schedule(car: Car, arguments: Arguments, now: float) -> str:
    return _remove_schedule(car, "charge", arguments["id"])


def remove_precondition_schedule(car: Car, arguments: Arguments, now: float) -> str:
    return _remove_schedule(car, "precondition", arguments["id"])


def batch_remove_charge_schedules(car: Car, arguments: Arguments, now: float) -> str:
    return _remove_schedules(car, "charge", arguments)


def batch_remove_precondition_schedules(car: Car, arguments: Arguments, now: float) -> str:
    return _remove_schedules(car, "precondition", arguments)


def _remove_schedule(car: Car, kind: str, number: int) -> str:
    return "" if car.schedules[kind].pop(number, None) else "not_found"


def _remove_schedules(car: Car, kind: str, places: Arguments) -> str:
    """Those for the places that are ticked; `other` are those for neither home nor work (car_server.proto)."""
    schedules = car.schedules[kind]
    for number, schedule in list(schedules.items()):
        if places[car.place_at(schedule["lat"], schedule["lon"])]:
            del schedules[number]
    return ""


def _named_limit(car: Car, field: str, refusal: str) -> str:
    state = car.sections["charge_state"]
    if state["charge_limit_soc"] == state[field]:
        return refusal
    _set_limit(state, state[field])
    return ""


def _set_limit(state: dict[str, Any], limit: int) -> None:
    state["charge_limit_soc"] = limit
    if state["charging_state"] == "Charging" and state["battery_level"] >= limit:
        _end(state, "Complete")
    elif state["charging_state"] == "Complete" and state["battery_level"] < limit:
        _let_flow(state)


def _let_flow(state: dict[str, Any]) -> None:
    amps = state["charge_current_request"]
    missing = state["charge_limit_soc"] - state["battery_level"]
    kilowatts = round(amps * _MAINS_VOLTS * 3 / 1000)
    minutes = round(missing * 0.75 / max(kilowatts, 1) * 60)
    state |= {
        "charging_state": "Charging",
        "charger_actual_current": amps,
        "charger_voltage": _MAINS_VOLTS,
        "charger_power": kilowatts,
        "charger_phases": 2,
        "charge_rate": round(kilowatts * 3.7, 1),
        "minutes_to_full_charge": minutes,
        "time_to_full_charge": round(minutes / 60, 2),
    }


def _end(state: dict[str, Any], charging_state: str) -> None:
    zero = (
        "charger_actual_current",
        "charger_power",
        "charge_rate",
        "minutes_to_full_charge",
        "time_to_full_charge",
    )
    state |= dict.fromkeys(zero, 0) | {
        "charging_state": charging_state,
        "charger_voltage": 2,
        "charger_phases": None,
    }


def _next_time(car: Car, now: float, minutes: int) -> int:
    """The next moment, in epoch seconds, at that many minutes after midnight where the car is."""
    zone = timezone(timedelta(seconds=car.sections["vehicle_config"]["utc_offset"]))
    today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = today + timedelta(minutes=minutes)
    return int((moment if moment.timestamp() > now else moment + timedelta(days=1)).timestamp())
