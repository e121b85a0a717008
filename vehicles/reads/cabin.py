"""What is read of the climate and of temperatures, from Tesla's `climate_state` (Fleet API: vehicle_data)."""

from __future__ import annotations

from typing import Any, Final

from vehicles.reads.values import Sections, Terms, flag, flag_or_none, number

ON_OFF: Final = {True: "ON", False: "OFF"}
UNAVAILABLE: Final = "UNAVAILABLE"


def cabin(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Whether the climate runs, and the temperature it is set to."""
    climate = sections["climate_state"]
    return {
        "status": ON_OFF[flag(climate, "is_climate_on")],
        "temperature": terms.temperature(number(climate, "driver_temp_setting")),
    }


def defroster(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Whether the front and rear windows are being defrosted."""
    climate = sections["climate_state"]
    return {
        "frontStatus": ON_OFF[flag(climate, "is_front_defroster_on")],
        "rearStatus": ON_OFF[flag(climate, "is_rear_defroster_on")],
    }


def steering_wheel(sections: Sections, terms: Terms) -> dict[str, Any]:
    """Whether the steering wheel is heated; a car without such a heater does not tell."""
    heated = flag_or_none(sections["climate_state"], "steering_wheel_heater")
    return {"status": UNAVAILABLE if heated is None else ON_OFF[heated]}


def exterior(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The temperature outside."""
    return {"temperature": terms.temperature(number(sections["climate_state"], "outside_temp"))}


def interior(sections: Sections, terms: Terms) -> dict[str, Any]:
    """The temperature inside."""
    return {"temperature": terms.temperature(number(sections["climate_state"], "inside_temp"))}
