"""A parked, plugged-in car's data, section by section in Tesla's names and units (Fleet API: vehicle_data)."""

from __future__ import annotations

import zlib
from typing import Any, Final

from vehicles.tesla import vin as vins

Section = dict[str, Any]

SECTIONS: Final = (
    "charge_state",
    "climate_state",
    "closures_state",
    "drive_state",
    "gui_settings",
    "vehicle_config",
    "vehicle_state",
)
POSITION_FIELDS: Final = (
    "latitude",
    "longitude",
    "heading",
    "gps_as_of",
    "native_latitude",
    "native_longitude",
)

_CAR_TYPES: Final = {"S": "models", "X": "modelx", "3": "model3", "Y": "modely", "C": "cybertruck"}


def first_sections(vin: str, firmware: str, name: str) -> dict[str, Section]:
    """Fresh sections for a car; numbers vary with the VIN and are always the same for it."""
    chance = zlib.crc32(vin.encode())
    return {
        "charge_state": _charge_state(chance),
        "climate_state": _climate_state(chance),
        "closures_state": {},
        "drive_state": _drive_state(chance),
        "gui_settings": _gui_settings(),
        "vehicle_config": _vehicle_config(vin),
        "vehicle_state": _vehicle_state(chance, firmware, name),
    }


def _charge_state(chance: int) -> Section:
    level = 35 + chance % 45
    miles = round(level * 2.9, 2)
    return {
        "battery_level": level,
        "usable_battery_level": level - 1,
        "battery_range": miles,
        "est_battery_range": round(miles * 0.87, 2),
        "ideal_battery_range": round(miles * 1.1, 2),
        "charging_state": "Stopped",
        "charge_limit_soc": 80,
        "charge_limit_soc_min": 50,
        "charge_limit_soc_max": 100,
        "charge_limit_soc_std": 90,
        "charge_amps": 16,
        "charge_current_request": 16,
        "charge_current_request_max": 16,
        "charger_actual_current": 0,
        "charger_voltage": 2,
        "charger_power": 0,
        "charger_phases": None,
        "charger_pilot_current": 16,
        "charge_rate": 0.0,
        "charge_energy_added": 7.41,
        "charge_miles_added_rated": 30.5,
        "charge_miles_added_ideal": 33.0,
        "minutes_to_full_charge": 0,
        "time_to_full_charge": 0.0,
        "charge_port_door_open": True,
        "charge_port_latch": "Engaged",
        "charge_port_color": "Off",
        "charge_port_cold_weather_mode": False,
        "conn_charge_cable": "IEC",
        "fast_charger_present": False,
        "fast_charger_type": "<invalid>",
        "fast_charger_brand": "<invalid>",
        "scheduled_charging_mode": "Off",
        "scheduled_charging_pending": False,
        "scheduled_charging_start_time": None,
        "scheduled_departure_time_minutes": 480,
        "off_peak_charging_enabled": False,
        "off_peak_charging_times": "all_week",
        "off_peak_hours_end_time": 360,
        "preconditioning_enabled": False,
        "preconditioning_times": "all_week",
        "battery_heater_on": False,
        "trip_charging": False,
    }


def _climate_state(chance: int) -> Section:
    heaters = {
        f"seat_heater_{seat}": 0 for seat in ("left", "right", "rear_left", "rear_center", "rear_right")
    }
    return heaters | {
        "inside_temp": 12.0 + chance % 9,
        "outside_temp": 4.5 + chance % 7,
        "driver_temp_setting": 21.0,
        "passenger_temp_setting": 21.0,
        "min_avail_temp": 15.0,
        "max_avail_temp": 28.0,
        "is_climate_on": False,
        "is_auto_conditioning_on": False,
        "is_preconditioning": False,
        "is_front_defroster_on": False,
        "is_rear_defroster_on": False,
        "defrost_mode": 0,
        "fan_status": 0,
        "steering_wheel_heater": False,
        "steering_wheel_heat_level": 0,
        "auto_seat_climate_left": False,
        "auto_seat_climate_right": False,
        "seat_fan_front_left": 0,
        "seat_fan_front_right": 0,
        "climate_keeper_mode": "off",
        "bioweapon_mode": False,
        "cabin_overheat_protection": "Off",
        "cop_activation_temperature": "High",
        "allow_cabin_overheat_protection": True,
        "supports_fan_only_cabin_overheat_protection": True,
        "remote_heater_control_enabled": False,
    }


def _drive_state(chance: int) -> Section:
    return {
        "latitude": round(47.0 + chance % 7000 / 1000, 6),
        "longitude": round(7.0 + chance // 7000 % 7000 / 1000, 6),
        "heading": chance % 360,
        "speed": None,
        "shift_state": None,
        "power": 0,
        "gps_as_of": 0,
        "native_location_supported": 1,
        "active_route_destination": None,
        "active_route_latitude": None,
        "active_route_longitude": None,
    }


def _gui_settings() -> Section:
    return {
        "gui_24_hour_time": True,
        "gui_charge_rate_units": "km/hr",
        "gui_distance_units": "km/hr",
        "gui_range_display": "Rated",
        "gui_temperature_units": "C",
        "gui_tirepressure_units": "Bar",
        "show_range_units": False,
    }


def _vehicle_config(vin: str) -> Section:
    return {
        "car_type": _CAR_TYPES.get(vin[3], "model3"),
        "trim_badging": "74d",
        "efficiency_package": "Default",
        "performance_package": "Base",
        "driver_assist": "TeslaAP3",
        "exterior_color": "MidnightSilver",
        "exterior_trim": "Chrome",
        "interior_trim_type": "Black2",
        "front_drive_unit": "NoneOrSmall",
        "rear_drive_unit": "Small",
        "wheel_type": "Pinwheel18",
        "charge_port_type": "CCS",
        "can_accept_navigation_requests": True,
        "can_actuate_trunks": True,
        "motorized_charge_port": vins.takes_keys(vin),
        "plg": vin[3] in "SXY",
        "sun_roof_installed": None,
        "rhd": False,
        "utc_offset": 3600,
        "key_version": 2,
    }


def _vehicle_state(chance: int, firmware: str, name: str) -> Section:
    shut = dict.fromkeys(("df", "dr", "pf", "pr", "ft", "rt"), 0)
    windows = dict.fromkeys(("fd_window", "fp_window", "rd_window", "rp_window"), 0)
    tyres = {f"tpms_pressure_{wheel}": 2.9 for wheel in ("fl", "fr", "rl", "rr")}
    return {
        **shut,
        **windows,
        **tyres,
        "odometer": round(4000 + chance % 60000 + 0.25, 4),
        "car_version": f"{firmware} 0123456789ab",
        "api_version": 90,
        "locked": True,
        "sentry_mode": False,
        "sentry_mode_available": True,
        "valet_mode": False,
        "valet_pin_needed": True,
        "is_user_present": False,
        "service_mode": False,
        "remote_start": False,
        "remote_start_enabled": True,
        "pin_to_drive_enabled": False,
        "guest_mode": False,
        "vehicle_name": name,
        "sun_roof_state": "",
        "tonneau_state": "closed",
        "media_info": {"audio_volume": 3.0, "audio_volume_max": 11.0, "media_playback_status": "Stopped"},
        "software_update": {
            "status": "",
            "version": "",
            "download_perc": 0,
            "install_perc": 1,
            "expected_duration_sec": 2700,
        },
        "speed_limit_mode": {
            "active": False,
            "current_limit_mph": 85.0,
            "max_limit_mph": 120,
            "min_limit_mph": 50.0,
            "pin_code_set": False,
        },
    }
