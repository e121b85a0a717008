"""The table of vehicle commands: REST name, the computer that takes it, its message, and the scopes that cover it.

Names and arguments are those of the Fleet API's `command/{name}` endpoints; fields are those of Tesla's
car_server.proto and vcsec.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tesla_protocol.command import vcsec_pb2

from vehicles.tesla import scopes
from vehicles.tesla.command_fields import Choice, Constant, Days, Part, Value, Weekly
from vehicles.tesla.signing.metadata import Domain

PING: Final = "ping"
"""Has no REST name; proves key, session and car in one exchange and changes nothing."""


@dataclass(frozen=True, slots=True)
class VehicleCommand:
    """One row: how a command travels and what it needs."""

    name: str
    domain: Domain
    action: str
    """The field of `CarServer.VehicleAction`, or of `VCSEC.UnsignedMessage`, that says which action it is."""
    parts: tuple[Part, ...] = ()
    is_charging: bool = False
    is_admin: bool = False
    """Sets or clears a PIN, or configures access in another way: only for an owner's or a fleet manager's key."""
    ignored: tuple[str, ...] = ()
    """Arguments that only the unsigned command uses."""

    @property
    def scopes(self) -> frozenset[str]:
        """The Tesla scopes of which any one suffices."""
        charging = {scopes.VEHICLE_CHARGING_CMDS} if self.is_charging else set()
        return frozenset({scopes.VEHICLE_CMDS} | charging)

    @property
    def argument_names(self) -> frozenset[str]:
        """Every argument that the command takes."""
        return frozenset(name for part in self.parts for name in part.names).union(self.ignored)


def _vcsec(name: str, action: str, *parts: Part) -> VehicleCommand:
    return VehicleCommand(name, Domain.VEHICLE_SECURITY, action, parts)


def _rke(name: str, number: int) -> VehicleCommand:
    return _vcsec(name, "RKEAction", Constant("RKEAction", number))


def _closure(name: str, *parts: Part) -> VehicleCommand:
    return _vcsec(name, "closureMoveRequest", *parts)


def _car(name: str, action: str, *parts: Part, ignored: tuple[str, ...] = ()) -> VehicleCommand:
    return VehicleCommand(name, Domain.INFOTAINMENT, action, parts, ignored=ignored)


def _charging(name: str, action: str, *parts: Part) -> VehicleCommand:
    return VehicleCommand(name, Domain.INFOTAINMENT, action, parts, is_charging=True)


def _admin(name: str, action: str, *parts: Part) -> VehicleCommand:
    return VehicleCommand(name, Domain.INFOTAINMENT, action, parts, is_admin=True)


def _switch(argument: str, path: str) -> Value:
    return Value(argument, path, bool)


def _minutes(argument: str, path: str, *, default: Any = 0) -> Value:
    return Value(argument, path, int, default, 0, 24 * 60)


_MOVE, _STOP = vcsec_pb2.CLOSURE_MOVE_TYPE_MOVE, vcsec_pb2.CLOSURE_MOVE_TYPE_STOP
_OPEN, _CLOSE = vcsec_pb2.CLOSURE_MOVE_TYPE_OPEN, vcsec_pb2.CLOSURE_MOVE_TYPE_CLOSE
_TRUNKS: Final = {
    "rear": Constant("closureMoveRequest.rearTrunk", _MOVE),
    "front": Constant("closureMoveRequest.frontTrunk", _MOVE),
}
_SEATS: Final = (
    "FRONT_LEFT",
    "FRONT_RIGHT",
    "REAR_LEFT",
    "REAR_LEFT_BACK",
    "REAR_CENTER",
    "REAR_RIGHT",
    "REAR_RIGHT_BACK",
    "THIRD_ROW_LEFT",
    "THIRD_ROW_RIGHT",
)
_HEATED_SEATS: Final = {i: Constant(f"hvacSeatHeaterAction.CAR_SEAT_{name}") for i, name in enumerate(_SEATS)}
_SEAT_HEAT: Final = {
    i: Constant(f"hvacSeatHeaterAction.SEAT_HEATER_{name}")
    for i, name in enumerate(("OFF", "LOW", "MED", "HIGH"))
}
_PIN: Final = r"[0-9]{4}"
_OPTIONAL_PIN: Final = r"([0-9]{4})?"
_TEMPERATURES: Final = (10, 35)
"""Celsius, wider than the car's own 15 to 28: it clamps, and its ends stand for LO and HI."""
_ORDER: Final = Value("order", "order", int, 1, 0, 3)
_SCHEDULE_ID: Final = Value("id", "id", int, minimum=1)
"""A new schedule's number is chosen by the sender; Tesla's proxy takes the time in seconds."""
_PLACES: Final = tuple(Value(place, place, bool, False) for place in ("home", "work", "other"))


def _coordinates(latitude: str, longitude: str) -> tuple[Value, Value]:
    return (
        Value("lat", latitude, float, minimum=-90, maximum=90),
        Value("lon", longitude, float, minimum=-180, maximum=180),
    )


_SECURITY_ROWS: Final = (
    _rke("door_lock", vcsec_pb2.RKE_ACTION_LOCK),
    _rke("door_unlock", vcsec_pb2.RKE_ACTION_UNLOCK),
    _rke("remote_start_drive", vcsec_pb2.RKE_ACTION_REMOTE_DRIVE),
    _closure("actuate_trunk", Choice("which_trunk", _TRUNKS, "rear")),
    _closure("open_tonneau", Constant("closureMoveRequest.tonneau", _OPEN)),
    _closure("close_tonneau", Constant("closureMoveRequest.tonneau", _CLOSE)),
    _closure("stop_tonneau", Constant("closureMoveRequest.tonneau", _STOP)),
)

_CHARGING_ROWS: Final = (
    _charging("charge_start", "chargingStartStopAction", Constant("start")),
    _charging("charge_stop", "chargingStartStopAction", Constant("stop")),
    _charging("charge_standard", "chargingStartStopAction", Constant("start_standard")),
    _charging("charge_max_range", "chargingStartStopAction", Constant("start_max_range")),
    _charging(
        "set_charge_limit", "chargingSetLimitAction", Value("percent", "percent", int, minimum=0, maximum=100)
    ),
    _charging(
        "set_charging_amps",
        "setChargingAmpsAction",
        Value("charging_amps", "charging_amps", int, minimum=0, maximum=255),
    ),
    _charging("charge_port_door_open", "chargePortDoorOpen"),
    _charging("charge_port_door_close", "chargePortDoorClose"),
    _charging(
        "set_scheduled_charging",
        "scheduledChargingAction",
        _switch("enable", "enabled"),
        _minutes("time", "charging_time"),
    ),
    _charging(
        "set_scheduled_departure",
        "scheduledDepartureAction",
        _switch("enable", "enabled"),
        _minutes("departure_time", "departure_time"),
        Weekly("preconditioning_enabled", "preconditioning_weekdays_only", "preconditioning_times"),
        Weekly("off_peak_charging_enabled", "off_peak_charging_weekdays_only", "off_peak_charging_times"),
        _minutes("end_off_peak_time", "off_peak_hours_end_time"),
    ),
    _charging(
        "add_charge_schedule",
        "addChargeScheduleAction",
        _SCHEDULE_ID,
        Days("days_of_week", "days_of_week"),
        _switch("start_enabled", "start_enabled"),
        _minutes("start_time", "start_time"),
        _switch("end_enabled", "end_enabled"),
        _minutes("end_time", "end_time"),
        Value("one_time", "one_time", bool, False),
        _switch("enabled", "enabled"),
        *_coordinates("latitude", "longitude"),
    ),
    _charging("remove_charge_schedule", "removeChargeScheduleAction", _SCHEDULE_ID),
    _charging(
        "add_precondition_schedule",
        "addPreconditionScheduleAction",
        _SCHEDULE_ID,
        Days("days_of_week", "days_of_week"),
        _minutes("precondition_time", "precondition_time"),
        Value("one_time", "one_time", bool, False),
        _switch("enabled", "enabled"),
        *_coordinates("latitude", "longitude"),
    ),
    _charging("remove_precondition_schedule", "removePreconditionScheduleAction", _SCHEDULE_ID),
    _charging("batch_remove_charge_schedules", "batchRemoveChargeSchedulesAction", *_PLACES),
    _charging("batch_remove_precondition_schedules", "batchRemovePreconditionSchedulesAction", *_PLACES),
)

_CLIMATE_ROWS: Final = (
    _car("auto_conditioning_start", "hvacAutoAction", Constant("power_on", True)),
    _car("auto_conditioning_stop", "hvacAutoAction", Constant("power_on", False)),
    _car(
        "set_temps",
        "hvacTemperatureAdjustmentAction",
        # Tesla's own client always marks this level; the temperatures decide.
        Constant("level.TEMP_MAX", tells_apart=False),
        Value("driver_temp", "driver_temp_celsius", float, 0, *_TEMPERATURES),
        Value("passenger_temp", "passenger_temp_celsius", float, 0, *_TEMPERATURES),
    ),
    _car(
        "set_preconditioning_max",
        "hvacSetPreconditioningMaxAction",
        _switch("on", "on"),
        Value("manual_override", "manual_override", bool, False),
    ),
    _car("remote_steering_wheel_heater_request", "hvacSteeringWheelHeaterAction", _switch("on", "power_on")),
    _car(
        "remote_seat_heater_request",
        "hvacSeatHeaterActions",
        Choice("seat_position", _HEATED_SEATS),
        Choice("level", _SEAT_HEAT),
    ),
    _car(
        "remote_seat_cooler_request",
        "hvacSeatCoolerActions",
        Value("seat_position", "hvacSeatCoolerAction.seat_position", int, minimum=1, maximum=2),
        Value("seat_cooler_level", "hvacSeatCoolerAction.seat_cooler_level", int, minimum=1, maximum=4),
    ),
    _car(
        "remote_auto_seat_climate_request",
        "autoSeatClimateAction",
        Value("auto_seat_position", "carseat.seat_position", int, minimum=1, maximum=2),
        _switch("auto_climate_on", "carseat.on"),
    ),
    _car(
        "set_climate_keeper_mode",
        "hvacClimateKeeperAction",
        Value("climate_keeper_mode", "ClimateKeeperAction", int, minimum=0, maximum=3),
        Value("manual_override", "manual_override", bool, False),
    ),
    _car(
        "set_bioweapon_mode",
        "hvacBioweaponModeAction",
        _switch("on", "on"),
        Value("manual_override", "manual_override", bool, False),
    ),
    _car(
        "set_cabin_overheat_protection",
        "setCabinOverheatProtectionAction",
        _switch("on", "on"),
        Value("fan_only", "fan_only", bool, False),
    ),
    # The message counts from 1 (low), because 0 means unspecified there.
    _car(
        "set_cop_temp",
        "setCopTempAction",
        Value("cop_temp", "copActivationTemp", int, minimum=0, maximum=2, offset=1),
    ),
)

_PIN_ROWS: Final = (
    _admin(
        "set_pin_to_drive",
        "vehicleControlSetPinToDriveAction",
        _switch("on", "on"),
        Value("password", "password", str, "", pattern=_OPTIONAL_PIN),
    ),
    _admin("reset_pin_to_drive_pin", "vehicleControlResetPinToDriveAction"),
    _admin("clear_pin_to_drive_admin", "vehicleControlResetPinToDriveAdminAction"),
    _admin(
        "set_valet_mode",
        "vehicleControlSetValetModeAction",
        _switch("on", "on"),
        Value("password", "password", str, "", pattern=_OPTIONAL_PIN),
    ),
    _admin("reset_valet_pin", "vehicleControlResetValetPinAction"),
    _car(
        "speed_limit_set_limit",
        "drivingSetSpeedLimitAction",
        Value("limit_mph", "limit_mph", float, minimum=0, maximum=255),
    ),
    _admin(
        "speed_limit_activate",
        "drivingSpeedLimitAction",
        Constant("activate", True),
        Value("pin", "pin", str, pattern=_PIN),
    ),
    _car(
        "speed_limit_deactivate",
        "drivingSpeedLimitAction",
        Constant("activate", False),
        Value("pin", "pin", str, pattern=_PIN),
    ),
    _admin(
        "speed_limit_clear_pin", "drivingClearSpeedLimitPinAction", Value("pin", "pin", str, pattern=_PIN)
    ),
    _admin("speed_limit_clear_pin_admin", "drivingClearSpeedLimitPinAdminAction"),
)

_OTHER_ROWS: Final = (
    _car("flash_lights", "vehicleControlFlashLightsAction"),
    _car("honk_horn", "vehicleControlHonkHornAction"),
    _car("set_sentry_mode", "vehicleControlSetSentryModeAction", _switch("on", "on")),
    _car(
        "window_control",
        "vehicleControlWindowAction",
        Choice("command", {"vent": Constant("vent"), "close": Constant("close")}),
        ignored=("lat", "lon"),
    ),
    _car(
        "sun_roof_control",
        "vehicleControlSunroofOpenCloseAction",
        Choice("state", {"vent": Constant("vent"), "close": Constant("close"), "open": Constant("open")}),
    ),
    _car(
        "trigger_homelink",
        "vehicleControlTriggerHomelinkAction",
        *_coordinates("location.latitude", "location.longitude"),
        Value("token", "token", str, ""),
    ),
    _car("guest_mode", "guestModeAction", _switch("enable", "GuestModeActive")),
    _car("erase_user_data", "eraseUserDataAction"),
    _car("set_vehicle_name", "setVehicleNameAction", Value("vehicle_name", "vehicleName", str)),
    _car(
        "schedule_software_update",
        "vehicleControlScheduleSoftwareUpdateAction",
        Value("offset_sec", "offset_sec", int, minimum=0),
    ),
    _car("cancel_software_update", "vehicleControlCancelSoftwareUpdateAction"),
    _car("media_toggle_playback", "mediaPlayAction"),
    _car("media_next_track", "mediaNextTrack"),
    _car("media_prev_track", "mediaPreviousTrack"),
    _car("media_next_fav", "mediaNextFavorite"),
    _car("media_prev_fav", "mediaPreviousFavorite"),
    _car("media_volume_up", "mediaUpdateVolume", Constant("volume_delta", 1)),
    _car("media_volume_down", "mediaUpdateVolume", Constant("volume_delta", -1)),
    _car(
        "adjust_volume",
        "mediaUpdateVolume",
        Value("volume", "volume_absolute_float", float, minimum=0, maximum=11),
    ),
    _car("set_low_power_mode", "setLowPowerModeAction", _switch("enable", "low_power_mode")),
    _car(
        "keep_accessory_power_mode",
        "setKeepAccessoryPowerModeAction",
        _switch("enable", "keep_accessory_power_mode"),
    ),
    _car("navigation_gps_request", "navigationGpsRequest", *_coordinates("lat", "lon"), _ORDER),
    _car(
        "navigation_sc_request",
        "navigationSuperchargerRequest",
        Value("id", "id", int),
        Value("order", "remote_nav_trip_order", int, 1, 0, 3),
    ),
    _car("navigation_waypoints_request", "navigationWaypointsRequest", Value("waypoints", "waypoints", str)),
    _car(PING, "ping", Value("ping_id", "ping_id", int, 1)),
)

COMMANDS: Final[dict[str, VehicleCommand]] = {
    row.name: row for row in (*_SECURITY_ROWS, *_CHARGING_ROWS, *_CLIMATE_ROWS, *_PIN_ROWS, *_OTHER_ROWS)
}
"""Every command that can be signed, by its REST name."""
