"""What the request handlers share: where the world and the outgoing HTTP session are, and who calls."""

from __future__ import annotations

from typing import Final

import aiohttp
from aiohttp import web

from vehicles.tesla.simulator.api.callers import Caller, admit, read_token
from vehicles.tesla.simulator.api.rate_limits import Excess
from vehicles.tesla.simulator.world import World

WORLD: Final = web.AppKey("world", World)
HTTP: Final = web.AppKey("http", aiohttp.ClientSession)


def world_of(request: web.Request) -> World:
    """The world that the request is about."""
    return request.app[WORLD]


def admitted(request: web.Request, *scopes: str, in_any_region: bool = False) -> Caller:
    """The caller, holding one of the scopes. Raises `ApiError` for everyone else."""
    caller = read_token(world_of(request), request)
    admit(caller, in_any_region=in_any_region)
    if scopes:
        caller.require_any(*scopes)
    return caller


def rate(request: web.Request, kind: str, whom: str) -> Excess | None:
    """Count the request against a limit."""
    return world_of(request).rate_limits.take(kind, whom)
