"""What is read of the battery and of charging, from Tesla's `charge_state` (Fleet API: vehicle_data)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

from vehicles import errors
from vehicles.errors import CatalogueError
from vehicles.reads.values import (
    Section,
    Sections,
    Terms,
    flag_or_none,
    is_nothing,
    number,
    number_or_none,
    recorded_at,
    text_or_none,
    unusable,
    wire_time,
)

CHARGING_STATES: Final[dict[str, str]] = {
    "Charging": "CHARGING",
    "Starting": "CHARGING",
    "Complete": "FULLY_CHARGED",
    "Stopped": "NOT_CHARGING",
    "NoPower": "NOT_CHARGING",
    "Disconnected": "NOT_CHARGING",
}
"""Tesla's `charging_state` as our API names it."""

_PLAIN_NUMBERS: Final[dict[str, str]] = {
    "amperage": "charger_actual_current",
    "wattage": "charger_power",
    "voltage": "charger_voltage",
    "amperageMaxVehicle": "charge_current_request_max",
    "amperageRequested": "charge_current_request",
    "amperageMaxCharger": "charger_pilot_current",
    "energyAdded": "charge_energy_added",
    "chargerPhases": "charger_phases",
}
_FRACTIONS: Final[dict[str, str]] = {
    "socLimit": "charge_limit_soc",
    "socLimitMax": "charge_limit_soc_max",
    "socLimitMin": "charge_limit_soc_min",
    "socLimitDefault": "charge_limit_soc_std",
}
_DISTANCES: Final[dict[str, str]] = {
    "rangeAddedRated": "charge_miles_added_rated",
    "rangeAddedIdeal": "charge_miles_added_ideal",
    "chargeRate": "charge_rate",
}
_TEXTS: Final[dict[str, str]] = {
    "connector": "conn_charge_cable",
    "fastChargerType": "fast_charger_type",
    "fastChargerBrand": "fast_charger_brand",
    "chargePortColor": "charge_port_color",
    "chargePortLatch": "charge_port_latch",
}
_FLAGS: Final[dict[str, str]] = {
    "fastChargerPresent": "fast_charger_present",
    "chargePortOpen": "charge_port_door_open",
}


def battery(sections: Sections, terms: Terms) -> dict[str, Any]:
    """How full the battery is, and how far it reaches."""
    charge_state = sections["charge_state"]
    return {
        "percentRemaining": round(number(charge_state, "battery_level") / 100, 4),
        "range": terms.distance(number(charge_state, "battery_range")),
    }


def pack_size(config: Section) -> float | None:
    """The pack's nominal size in kWh, which stands in the badge (`74d`, `p100d`); None where the badge names none."""
    found = re.fullmatch(r"p?(\d{2,3})[a-z]*", (text_or_none(config, "trim_badging") or "").lower())
    return float(found[1]) if found else None


def capacity(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The pack's size in kWh. Raises RECORD_NOT_FOUND where it is not known."""
    size = pack_size(sections["vehicle_config"])
    if size is None:
        raise CatalogueError(errors.RECORD_NOT_FOUND, reason="the badge names no pack size")
    return {"capacity": size}


def nominal_capacity(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The pack's size in kWh and where it is from; null where it is not known."""
    size = pack_size(sections["vehicle_config"])
    known = size is not None
    return {
        "availableCapacities": [{"capacity": size, "description": None}] if known else [],
        "capacity": {"nominal": size, "source": "SMARTCAR"} if known else None,
        "url": None,
    }


def charge(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Whether the car is plugged in and charging."""
    state = charging_state(sections)
    return {"isPluggedIn": _is_plugged_in(sections["charge_state"]), "state": CHARGING_STATES[state]}


def _is_plugged_in(state: Section) -> bool | None:
    """Whether there is a cable; None where the car does not say how it stands with charging.

    A car that was unplugged may show the state of its last charging for a while, but its cable is `<invalid>` at once.
    """
    word, cable = text_or_none(state, "charging_state"), state.get("conn_charge_cable")
    if word is not None and CHARGING_STATES.get(word) == "CHARGING":
        return True
    if isinstance(cable, str) and cable and is_nothing(cable):
        return False
    return None if word is None else word != "Disconnected"


def charging_state(sections: Sections) -> str:
    """Tesla's word for how it stands with charging. Raises UPSTREAM:INVALID_DATA for none that is known."""
    state = sections["charge_state"].get("charging_state")
    if not isinstance(state, str) or state not in CHARGING_STATES:
        raise unusable("charging_state")
    return state


def must_be_plugged_in(sections: Sections) -> Section:
    """The charge state of a car with a cable. Raises CHARGING_PLUG_NOT_CONNECTED."""
    charging_state(sections)
    if not _is_plugged_in(sections["charge_state"]):
        raise CatalogueError(errors.CHARGING_PLUG_NOT_CONNECTED)
    return sections["charge_state"]


def must_be_charging(sections: Sections) -> Section:
    """The charge state of a car that charges. Raises NOT_CHARGING."""
    if CHARGING_STATES[charging_state(sections)] != "CHARGING":
        raise CatalogueError(errors.NOT_CHARGING)
    return sections["charge_state"]


def limit(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Up to where the battery is charged, as a fraction."""
    return {"limit": round(number(sections["charge_state"], "charge_limit_soc") / 100, 4)}


def amperage(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The current that flows, in amperes."""
    return {"amperage": number(must_be_plugged_in(sections), "charger_actual_current")}


def voltage(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The voltage at the charger."""
    return {"voltage": number(must_be_plugged_in(sections), "charger_voltage")}


def wattage(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The power that flows, in kilowatts."""
    return {"wattage": number(must_be_charging(sections), "charger_power")}


def completion(sections: Sections, terms: Terms) -> dict[str, Any]:
    """When charging will be done."""
    number(must_be_charging(sections), "minutes_to_full_charge")
    return {"time": _completion_time(sections["charge_state"], terms)}


def _completion_time(state: Section, terms: Terms) -> str | None:
    minutes = number_or_none(state, "minutes_to_full_charge")
    if minutes is None or CHARGING_STATES.get(str(state.get("charging_state"))) != "CHARGING":
        return None
    return wire_time((recorded_at(state) or terms.now) + timedelta(minutes=minutes))


def details(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Everything Tesla tells of charging; what it does not tell is null."""
    state = sections["charge_state"]
    word = text_or_none(state, "charging_state")
    return {
        "completionTime": _completion_time(state, terms),
        "isPluggedIn": _is_plugged_in(state),
        "state": CHARGING_STATES.get(word) if word else None,
        **{name: number_or_none(state, field) for name, field in _PLAIN_NUMBERS.items()},
        **{name: _converted(state, field, _fraction) for name, field in _FRACTIONS.items()},
        **{name: _converted(state, field, terms.distance) for name, field in _DISTANCES.items()},
        **{name: text_or_none(state, field) for name, field in _TEXTS.items()},
        **{name: flag_or_none(state, field) for name, field in _FLAGS.items()},
    }


def _fraction(percent: float) -> float:
    return round(percent / 100, 4)


def _converted(state: Section, field: str, convert: Any) -> float | None:
    value = number_or_none(state, field)
    return None if value is None else convert(value)
