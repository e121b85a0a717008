"""Which Teslas can be connected, and what each can do, as far as its VIN tells before anybody connects it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vehicles import errors
from vehicles.tesla import vin as vins

MAKE: Final = "TESLA"
ENGINE: Final = "BEV"
VEHICLE_NOT_COMPATIBLE: Final = "VEHICLE_NOT_COMPATIBLE"
MAKE_NOT_COMPATIBLE: Final = "MAKE_NOT_COMPATIBLE"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a permission is good for: a path under the vehicle, and the name that the matrix shows.

    `offered` is False for what Tesla tells nobody, so that no car can have it here.
    """

    permission: str
    path: str
    name: str
    offered: bool = True


ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint("read_alerts", "/tesla/alerts", "Alerts"),
    Endpoint("read_battery", "/battery", "EV battery"),
    Endpoint("read_battery", "/battery/capacity", "EV battery capacity"),
    Endpoint("read_battery", "/battery/nominal_capacity", "EV battery nominal capacity"),
    Endpoint("read_charge", "/charge", "EV charging status"),
    Endpoint("read_charge", "/charge/limit", "EV charge limit"),
    Endpoint("read_charge", "/tesla/charge", "EV charging details"),
    Endpoint("read_charge", "/tesla/charge/ammeter", "EV charging current"),
    Endpoint("read_charge", "/tesla/charge/voltmeter", "EV charging voltage"),
    Endpoint("read_charge", "/tesla/charge/wattmeter", "EV charging power"),
    Endpoint("read_charge", "/tesla/charge/completion", "EV charging completion"),
    Endpoint("read_charge", "/tesla/charge/schedule", "EV charging schedule"),
    Endpoint("read_charge_events", "/charge/events", "EV charging events", offered=False),
    Endpoint("read_charge_locations", "/charge/locations", "EV charging locations", offered=False),
    Endpoint("read_charge_records", "/tesla/charge/records", "EV charging records"),
    Endpoint("read_charge_records", "/tesla/charge/records/billing", "EV charging bills"),
    Endpoint("read_climate", "/tesla/climate/cabin", "Cabin climate"),
    Endpoint("read_climate", "/tesla/climate/defroster", "Defroster"),
    Endpoint("read_climate", "/tesla/climate/steering_wheel", "Steering wheel heater"),
    Endpoint("read_compass", "/tesla/compass", "Compass"),
    Endpoint("read_diagnostics", "/diagnostics/system_status", "System status", offered=False),
    Endpoint("read_diagnostics", "/diagnostics/dtcs", "Diagnostic trouble codes", offered=False),
    Endpoint("read_engine_oil", "/engine/oil", "Engine oil life"),
    Endpoint("read_extended_vehicle_info", "/tesla/attributes", "Equipment"),
    Endpoint("read_extended_vehicle_info", "/tesla/status", "Vehicle status"),
    Endpoint("read_fuel", "/fuel", "Fuel tank"),
    Endpoint("read_location", "/location", "Location"),
    Endpoint("read_odometer", "/odometer", "Odometer"),
    Endpoint("read_security", "/security", "Lock status"),
    Endpoint("read_service_history", "/service/history", "Service history", offered=False),
    Endpoint("read_speedometer", "/tesla/speedometer", "Speedometer"),
    Endpoint("read_thermometer", "/tesla/thermometer/exterior", "Exterior temperature"),
    Endpoint("read_thermometer", "/tesla/thermometer/interior", "Interior temperature"),
    Endpoint("read_tires", "/tires/pressure", "Tire pressure"),
    Endpoint("read_user_profile", "/tesla/user/info", "User profile"),
    Endpoint("read_vehicle_info", "/", "Vehicle info"),
    Endpoint("read_vehicle_info", "/tesla/virtual_key", "Virtual key"),
    Endpoint("read_vehicle_info", "/tesla/migration", "Migration"),
    Endpoint("read_vin", "/vin", "VIN"),
    Endpoint("control_charge", "/charge", "EV start & stop charge"),
    Endpoint("control_charge", "/charge/limit", "EV set charge limit"),
    Endpoint("control_charge", "/tesla/charge/ammeter", "EV set charging current"),
    Endpoint("control_charge", "/tesla/charge/schedule", "EV set charging schedule"),
    Endpoint("control_charge", "/tesla/charge/charge_port_door", "Open & close charge port"),
    Endpoint("control_climate", "/tesla/climate/cabin", "Set cabin climate"),
    Endpoint("control_climate", "/tesla/climate/defroster", "Start & stop defroster"),
    Endpoint("control_climate", "/tesla/climate/steering_wheel", "Start & stop steering wheel heater"),
    Endpoint("control_navigation", "/navigation/destination", "Send destination"),
    Endpoint("control_pin", "/tesla/pin", "PIN to drive"),
    Endpoint("control_security", "/security", "Lock & unlock"),
    Endpoint("control_trunk", "/tesla/security/trunk", "Open & close trunk"),
    Endpoint("control_trunk", "/tesla/security/frunk", "Open front trunk"),
)
"""Every permission has a row, and every endpoint that wants one."""

COMBUSTION: Final = frozenset({"/fuel", "/engine/oil"})
"""What needs an engine. No Tesla has one."""
_WHEEL_HEATER: Final = "/tesla/climate/steering_wheel"
_PRESSURES: Final = "/tires/pressure"


@dataclass(frozen=True, slots=True)
class Model:
    """Model years of one model with the same hardware; `until` is None while it is made."""

    name: str
    since: int
    until: int | None = None
    lacks: frozenset[str] = frozenset()
    regions: tuple[str, ...] = ("US", "CA", "EUROPE")

    def last_year(self, this_year: int) -> int:
        """The last model year there is."""
        return self.until or max(self.since, this_year)


MODELS: Final[tuple[Model, ...]] = (
    # The first tire sensors tell that a tire is low, not its pressure.
    Model("Model S", 2012, 2013, lacks=frozenset({_PRESSURES})),
    Model("Model S", 2014),
    Model("Model X", 2016),
    Model("Model 3", 2017, 2020, lacks=frozenset({_WHEEL_HEATER})),
    Model("Model 3", 2021),
    Model("Model Y", 2020, 2020, lacks=frozenset({_WHEEL_HEATER})),
    Model("Model Y", 2021),
    Model("Cybertruck", 2024, regions=("US", "CA")),
    Model("Semi", 2022, regions=("US", "CA")),
)
"""What Tesla's interface serves. The Roadster of 2008 is not among them: it has no connection."""
REGIONS: Final = ("US", "CA", "EUROPE")


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether a car can do what an endpoint needs; `reason` is the code of the error that its call gets, or None."""

    endpoint: Endpoint
    reason: str | None


@dataclass(frozen=True, slots=True)
class Compatibility:
    """`reason` says why the car cannot be connected, None where it can; only then there are capabilities."""

    reason: str | None
    capabilities: tuple[Capability, ...] = ()


def of_vin(vin: str, permissions: Sequence[str], this_year: int) -> Compatibility:
    """Whether the car with this VIN can be connected, and what it can do of what these permissions are good for."""
    if not vins.is_tesla(vin):
        return Compatibility(MAKE_NOT_COMPATIBLE)
    name, year = vins.model(vin), vins.year(vin) or 0
    # The next model year is on the road before its calendar year begins.
    found = [row for row in MODELS if row.name == name and row.since <= year <= row.last_year(this_year + 1)]
    return (
        of_hardware(found[0].lacks | COMBUSTION, permissions)
        if found
        else Compatibility(VEHICLE_NOT_COMPATIBLE)
    )


def of_hardware(lacks: Collection[str], permissions: Sequence[str]) -> Compatibility:
    """What a car that lacks the hardware for these paths can do, in the order of the permissions."""
    return Compatibility(
        None,
        tuple(
            Capability(each, _reason(each, lacks))
            for permission in permissions
            for each in ENDPOINTS
            if each.permission == permission
        ),
    )


def _reason(endpoint: Endpoint, lacks: Collection[str]) -> str | None:
    if endpoint.path in lacks:
        return errors.VEHICLE_NOT_CAPABLE.code
    return None if endpoint.offered else errors.SMARTCAR_NOT_CAPABLE.code


def models_of(region: str, permissions: Collection[str]) -> Iterator[tuple[Model, list[Endpoint]]]:
    """The models of a region that can use all of these permissions, each with all that it can do."""
    for model in MODELS:
        able = [each for each in ENDPOINTS if _reason(each, model.lacks | COMBUSTION) is None]
        if region in model.regions and {each.permission for each in able}.issuperset(permissions):
            yield model, able
