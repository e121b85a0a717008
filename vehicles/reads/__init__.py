"""Reads: live values of a car in the shape and units of our API. One row of `READS` per endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from vehicles.models import VehicleGrant
from vehicles.reads import body, cabin, charge_schedule, charging, driving, sources, together
from vehicles.reads.asking import IMPERIAL, METRIC, Read, Reading, ask
from vehicles.reads.values import wire_time

__all__ = ["IMPERIAL", "METRIC", "READS", "Read", "Reading", "read", "reading_together", "wire_time"]

_CHARGE: Final = ("charge_state",)
_CLIMATE: Final = ("climate_state",)
# The position stands in `drive_state`, and only when `location_data` is asked for as well.
_POSITION: Final = ("drive_state", "location_data")
_SCHEDULE: Final = ("charge_state", "charge_schedule_data", "vehicle_config")

READS: Final[dict[str, Read]] = {
    "battery": Read("read_battery", _CHARGE, charging.battery, has_unit=True),
    "battery_capacity": Read("read_battery", ("vehicle_config",), charging.capacity),
    "nominal_capacity": Read("read_battery", ("vehicle_config",), charging.nominal_capacity),
    "charge": Read("read_charge", _CHARGE, charging.charge),
    "charge_limit": Read("read_charge", _CHARGE, charging.limit),
    "charge_details": Read("read_charge", _CHARGE, charging.details, has_unit=True),
    "ammeter": Read("read_charge", _CHARGE, charging.amperage),
    "voltmeter": Read("read_charge", _CHARGE, charging.voltage),
    "wattmeter": Read("read_charge", _CHARGE, charging.wattage),
    "charge_completion": Read("read_charge", _CHARGE, charging.completion),
    "charge_schedule": Read("read_charge", _SCHEDULE, charge_schedule.schedule),
    "odometer": Read("read_odometer", ("vehicle_state",), driving.odometer, has_unit=True),
    "location": Read("read_location", _POSITION, driving.location),
    "compass": Read("read_compass", _POSITION, driving.compass, ask=sources.with_position),
    "speedometer": Read("read_speedometer", ("drive_state",), driving.speed, has_unit=True),
    "security": Read("read_security", ("vehicle_state", "charge_state", "vehicle_config"), body.security),
    "tires": Read("read_tires", ("vehicle_state",), body.tires, has_unit=True),
    "equipment": Read("read_extended_vehicle_info", ("vehicle_state", "vehicle_config"), body.equipment),
    "status": Read(
        "read_extended_vehicle_info", ("drive_state", "vehicle"), driving.status, ask=sources.connectivity
    ),
    "alerts": Read("read_alerts", ("alerts",), driving.alerts, ask=sources.recent_alerts),
    "user_profile": Read("read_user_profile", ("profile",), driving.profile, ask=sources.profile),
    "cabin": Read("read_climate", _CLIMATE, cabin.cabin, has_unit=True),
    "defroster": Read("read_climate", _CLIMATE, cabin.defroster),
    "steering_wheel": Read("read_climate", _CLIMATE, cabin.steering_wheel),
    "exterior_thermometer": Read("read_thermometer", _CLIMATE, cabin.exterior, has_unit=True),
    "interior_thermometer": Read("read_thermometer", _CLIMATE, cabin.interior, has_unit=True),
}
"""Every read by the name under which an endpoint asks for it."""


def read(grant: VehicleGrant, name: str, *, imperial: bool, now: datetime) -> Reading:
    """Ask the car for one of `READS`; never wakes it.

    Raises `CatalogueError`: what the diagnosis says stands in the way, VEHICLE_STATE:ASLEEP, UPSTREAM errors, and
    UPSTREAM:INVALID_DATA when Tesla leaves out a value that the body cannot go without.
    """
    return ask(grant, READS[name], imperial=imperial, now=now)


def reading_together(grant: VehicleGrant, names: Iterable[str]) -> AbstractContextManager[None]:
    """Inside, these reads of the grant's car ask Tesla for live data once; each answers as it would by itself.

    Nothing is asked for a permission that the person never gave.
    """
    rows = [READS[name] for name in names if READS[name].permission in grant.granted]
    wanted = [section for row in rows for section in row.sections]
    return together.sharing(sources.shown_live(grant, wanted))
