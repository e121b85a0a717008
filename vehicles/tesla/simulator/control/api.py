"""The control API under `/_sim`: tests and demos look behind the scenes and pull the strings. Loopback only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from vehicles.tesla.simulator.api.rate_limits import LIMITS, Limit
from vehicles.tesla.simulator.control import accounts
from vehicles.tesla.simulator.control import vehicles as control_vehicles
from vehicles.tesla.simulator.control.disturbed_calls import CONTROL
from vehicles.tesla.simulator.control.faults import InvalidFault
from vehicles.tesla.simulator.control.requests import BadRequest, ControlError, number, read_object
from vehicles.tesla.simulator.state import world_of
from vehicles.tesla.simulator.world import UnknownScenario, World


@web.middleware
async def loopback_and_json_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse peers that are not on this machine, and answer every mistake as JSON."""
    if not request.path.startswith(CONTROL):
        return await handler(request)
    if not _is_loopback(request.remote):
        return web.json_response({"error": "the control API is for this machine only"}, status=403)
    try:
        return await handler(request)
    except ControlError as problem:
        return web.json_response({"error": str(problem)}, status=problem.status)
    except web.HTTPException as problem:
        return web.json_response({"error": problem.reason}, status=problem.status)


async def reset(request: web.Request) -> web.Response:
    """Start over with a scenario and a number of sample cars."""
    body = await read_object(request)
    scenario, vehicles = body.get("scenario", "default"), number(body, "vehicles", 0)
    try:
        world_of(request).reset(str(scenario), int(vehicles))
    except UnknownScenario:
        raise BadRequest(f"there is no scenario {scenario!r}") from None
    except ValueError as problem:
        raise BadRequest(str(problem)) from None
    return web.json_response({"scenario": scenario, "vehicles": int(vehicles)})


async def add_fault(request: web.Request) -> web.Response:
    """Put a fault in force."""
    try:
        world_of(request).faults.add(await read_object(request))
    except InvalidFault as problem:
        raise BadRequest(str(problem)) from None
    return web.json_response({}, status=201)


async def clear_faults(request: web.Request) -> web.Response:
    """End every fault."""
    world_of(request).faults.clear()
    return web.json_response({})


async def calls(request: web.Request) -> web.Response:
    """Every call that applications made, or those after number `since`."""
    since = request.query.get("since", "0")
    if not since.isdigit():
        raise BadRequest("since must be the number of a call")
    return web.json_response(world_of(request).calls.since(int(since)))


async def advance_clock(request: web.Request) -> web.Response:
    """Move the clock ahead."""
    clock = world_of(request).clock
    clock.advance(number(await read_object(request), "advance_seconds", 0))
    return web.json_response({"now": clock.now()})


async def change_provider(request: web.Request) -> web.Response:
    """Set switches that concern Tesla as a whole."""
    body = await read_object(request)
    world = world_of(request)
    unknown = set(body) - set(_SETTERS)
    if unknown:
        raise BadRequest(f"unknown: {', '.join(sorted(unknown))}")
    for name, value in body.items():
        try:
            _SETTERS[name](world, value)
        except (TypeError, ValueError):
            raise BadRequest(f"{name} cannot be {json.dumps(value)}") from None
    return web.json_response(_provider(world))


def _set_share(world: World, value: Any) -> None:
    if not 0 <= float(value) <= 1:
        raise ValueError("a share is between 0 and 1")
    world.provider.mass_revocation_fault = float(value)


def _set_regions(world: World, value: Any) -> None:
    if not isinstance(value, list):
        raise TypeError("regions are a list")
    world.provider.registered_regions = {str(region) for region in value}


def _set_revoked_status(world: World, value: Any) -> None:
    if value not in (401, 403):
        raise ValueError("401 or 403")
    world.provider.revoked_status = value


def _set_rate_limits(world: World, value: Any) -> None:
    """True for Tesla's own limits, false for none, or requests per class in Tesla's own spans of time."""
    chosen = {kind: LIMITS[kind].requests for kind in LIMITS} if value is True else value or {}
    world.rate_limits.limits = {
        kind: Limit(int(requests), LIMITS[kind].seconds)
        for kind, requests in chosen.items()
        if kind in LIMITS
    }


def _switch(name: str) -> Callable[[World, Any], None]:
    def set_switch(world: World, value: Any) -> None:
        if not isinstance(value, bool):
            raise TypeError("true or false")
        setattr(world.provider, name, value)

    return set_switch


_SETTERS: dict[str, Callable[[World, Any], None]] = {
    "legacy_open": _switch("legacy_open"),
    "asks_for_missing_scopes": _switch("asks_for_missing_scopes"),
    "drivers_may_pair": _switch("drivers_may_pair"),
    "keys_leave_with_consent": _switch("keys_leave_with_consent"),
    "access_tokens_end_at_refresh": _switch("access_tokens_end_at_refresh"),
    "is_starting": _switch("is_starting"),
    "mass_revocation_fault": _set_share,
    "registered_regions": _set_regions,
    "revoked_status": _set_revoked_status,
    "rate_limits": _set_rate_limits,
}


def _provider(world: World) -> dict[str, Any]:
    provider = world.provider
    return {
        "legacy_open": provider.legacy_open,
        "asks_for_missing_scopes": provider.asks_for_missing_scopes,
        "drivers_may_pair": provider.drivers_may_pair,
        "keys_leave_with_consent": provider.keys_leave_with_consent,
        "access_tokens_end_at_refresh": provider.access_tokens_end_at_refresh,
        "is_starting": provider.is_starting,
        "mass_revocation_fault": provider.mass_revocation_fault,
        "registered_regions": sorted(provider.registered_regions),
        "revoked_status": provider.revoked_status,
        "rate_limits": {kind: limit.requests for kind, limit in world.rate_limits.limits.items()},
    }


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


ROUTES = (
    web.post(f"{CONTROL}/reset", reset),
    web.post(f"{CONTROL}/faults", add_fault),
    web.delete(f"{CONTROL}/faults", clear_faults),
    web.get(f"{CONTROL}/calls", calls),
    web.post(f"{CONTROL}/clock", advance_clock),
    web.patch(f"{CONTROL}/provider", change_provider),
    *control_vehicles.ROUTES,
    *accounts.ROUTES,
)
