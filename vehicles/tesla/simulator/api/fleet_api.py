"""Endpoints about users and their cars (Fleet API: user endpoints, vehicle endpoints)."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.scopes import USER_DATA, VEHICLE_CMDS, VEHICLE_DEVICE_DATA, VEHICLE_LOCATION
from vehicles.tesla.simulator.account import key_lookup
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.answers import ApiError, json_object, success, vehicle_object
from vehicles.tesla.simulator.api.callers import Caller
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.car.sections import POSITION_FIELDS, SECTIONS
from vehicles.tesla.simulator.state import admitted, world_of

_PAGE: Final = 100
_LOCATION: Final = "location_data"
_SCHEDULES: Final = {"charge_schedule_data": "charge", "preconditioning_schedule_data": "precondition"}
_COMBINED: Final = "vehicle_data_combo"


async def me(request: web.Request) -> web.Response:
    """The account's profile."""
    account = admitted(request, USER_DATA).require_user()
    return success(
        {
            "email": account.email,
            "full_name": account.name,
            "profile_image_url": "https://vehicle-files.prd.usw2.vn.cloud.tesla.com/profile_images/none.png",
            "vault_uuid": account.sub,
        }
    )


async def region(request: web.Request) -> web.Response:
    """The account's region and host; answered on every host."""
    account = admitted(request, USER_DATA, in_any_region=True).require_user()
    return success({"region": account.region, "fleet_api_base_url": paths.FLEET_API_HOSTS[account.region]})


async def vehicles(request: web.Request) -> web.Response:
    """The account's cars, page by page."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    if caller.is_legacy:
        raise ApiError(412, answers.FLEET_ONLY)
    account = caller.require_user()
    page, size = (
        answers.positive_number(request, "page", 1),
        answers.positive_number(request, "per_page", _PAGE),
    )
    now = caller.world.clock.now()
    shown = [vehicle_object(car, account, now) for car in caller.world.cars_of(account)]
    pages = max(1, -(-len(shown) // size))
    pagination = {
        "previous": page - 1 if page > 1 else None,
        "next": page + 1 if page < pages else None,
        "current": page,
        "per_page": size,
        "count": len(shown),
        "pages": pages,
    }
    part = shown[(page - 1) * size : page * size]
    return success(part, pagination=pagination, count=len(part))


async def products(request: web.Request) -> web.Response:
    """Cars with the hint on command signing (Fleet API: products)."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    account = caller.require_user()
    now = caller.world.clock.now()
    shown = [
        vehicle_object(car, account, now)
        | {"device_type": "vehicle", "command_signing": "required" if car.protocol_required else "off"}
        for car in caller.world.cars_of(account)
    ]
    return success(shown, count=len(shown))


async def vehicle(request: web.Request) -> web.Response:
    """One car; never wakes it."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    car = caller.car(request.match_info["vin"])
    return success(vehicle_object(car, caller.require_user(), caller.world.clock.now()))


async def vehicle_data(request: web.Request) -> web.Response:
    """Live data; only of a car that is online."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    car = caller.car(request.match_info["vin"])
    if excess := caller.world.rate_limits.take("data", car.vin):
        raise answers.too_many(excess)
    require_reachable(car, caller.world.clock.now())
    asked = request.query.get("endpoints", "")
    names = {name.strip() for name in asked.split(";")} if asked else {_COMBINED}
    shown = vehicle_object(car, caller.require_user(), caller.world.clock.now())
    return success(shown | _sections(caller, car, names))


async def recent_alerts(request: web.Request) -> web.Response:
    """What the car complained about of late."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    car = caller.car(request.match_info["vin"])
    require_reachable(car, caller.world.clock.now())
    return success({"recent_alerts": list(car.alerts)})


async def mobile_enabled(request: web.Request) -> web.Response:
    """Whether the owner lets anybody reach the car from afar."""
    car = admitted(request, VEHICLE_CMDS, VEHICLE_DEVICE_DATA).car(request.match_info["vin"])
    return success(
        {"result": car.mobile_access, "reason": "" if car.mobile_access else "mobile_access_disabled"}
    )


async def drivers(request: web.Request) -> web.Response:
    """Who else may drive the car; for owners only."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    car, account = caller.car(request.match_info["vin"]), caller.require_user()
    if account.access[car.vin] != "OWNER":
        raise answers.not_found()
    shown = [_driver(caller, car, email) for email, access in car.people.items() if access == "DRIVER"]
    return success(shown, count=len(shown))


async def fleet_status(request: web.Request) -> web.Response:
    """Whether the calling application's key is on each car; cars not in the account are in neither list."""
    caller = admitted(request, VEHICLE_DEVICE_DATA)
    if caller.is_legacy:
        raise ApiError(412, answers.FLEET_ONLY)
    vins = (await json_object(request)).get("vins")
    if not isinstance(vins, list) or not all(isinstance(vin, str) for vin in vins):
        raise ApiError(400, "invalid_request: vins must be a list")
    account = caller.require_user()
    cars = [car for vin in dict.fromkeys(vins) if vin in account.access and (car := caller.world.car(vin))]
    await key_lookup.make_known(request, caller.client, cars)
    paired = [car.vin for car in cars if key_lookup.is_paired(car, caller.client)]
    return success(
        {
            "key_paired_vins": paired,
            "unpaired_vins": [car.vin for car in cars if car.vin not in paired],
            "vehicle_info": {car.vin: _vehicle_info(car) for car in cars},
        }
    )


def require_reachable(car: Car, now: float) -> None:
    """Raises `ApiError` for a car with mobile access off (401), asleep or offline (408)."""
    if not car.mobile_access:
        raise ApiError(401, "mobile_access_disabled")
    if car.state(now) != "online":
        raise ApiError(408, answers.UNAVAILABLE)


def _vehicle_info(car: Car) -> dict[str, Any]:
    return {
        "firmware_version": car.firmware,
        "vehicle_command_protocol_required": car.protocol_required,
        "discounted_device_data": False,
        "fleet_telemetry_version": "1.2.0" if car.protocol_supported else "unknown",
        "total_number_of_keys": car.key_slots_used if car.protocol_supported else None,
        "safety_screen_streaming_toggle_enabled": None,
    }


def _driver(caller: Caller, car: Car, email: str) -> dict[str, Any]:
    account = caller.world.account(email)
    first, _, last = (account.name if account else "").partition(" ")
    number = int(account.sub[-12:], 16) % 2**40 if account else 0
    return {
        "my_tesla_unique_id": number,
        "user_id": number,
        "user_id_s": str(number),
        "vault_uuid": account.sub if account else "",
        "driver_first_name": first,
        "driver_last_name": last,
        "granular_access": {"hide_private": car.hide_private},
        "active_pubkeys": [],
        "public_key": "",
    }


def _sections(caller: Caller, car: Car, names: set[str]) -> dict[str, Any]:
    if _COMBINED in names:
        names = names | set(SECTIONS)
    stamp = {"timestamp": int(caller.world.clock.now() * 1000)}
    found: dict[str, Any] = {name: car.sections[name] | stamp for name in SECTIONS if name in names}
    if "drive_state" in found:
        found["drive_state"] = _without_position(found["drive_state"])
    if _LOCATION in names and _may_see_position(caller, car):
        position = {field: car.sections["drive_state"].get(field) for field in POSITION_FIELDS[:4]}
        position["gps_as_of"] = stamp["timestamp"] // 1000
        found["drive_state"] = found.get("drive_state", stamp) | position
    for name, kind in _SCHEDULES.items():
        if name in names:
            found[name] = {f"{kind}_schedules": list(car.schedules[kind].values())} | stamp
    return found


def _without_position(section: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in section.items() if field not in POSITION_FIELDS}


def _may_see_position(caller: Caller, car: Car) -> bool:
    is_private = car.hide_private and caller.require_user().access[car.vin] == "DRIVER"
    return not is_private and caller.has_any(VEHICLE_LOCATION)


async def status(request: web.Request) -> web.Response:
    """`ok`, without a token."""
    return web.Response(text="ok")


async def public_keys(request: web.Request) -> web.Response:
    """The keys with which tokens can be verified."""
    return web.json_response(world_of(request).tokens.signer.public_keys())
