"""Registration of an application with a region (Fleet API: partner endpoints); needs a partner token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.simulator.account import key_lookup
from vehicles.tesla.simulator.account.key_lookup import KeyUnreachable
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.answers import ApiError, json_object, success
from vehicles.tesla.simulator.api.callers import Caller, read_token
from vehicles.tesla.simulator.state import world_of


async def register(request: web.Request) -> web.Response:
    """Register in the region called; may be repeated. The domain's public key is fetched."""
    caller = _partner(request)
    domain = (await json_object(request)).get("domain")
    if domain != caller.client.key_domain:
        raise ApiError(422, "invalid_resource: domain does not match an allowed origin")
    key = await _key(request, caller)
    world_of(request).provider.registered_regions.add(caller.region_called)
    now = datetime.fromtimestamp(world_of(request).clock.now(), UTC).isoformat()
    return success(_partner_account(caller, key) | {"created_at": now, "updated_at": now})


async def public_key(request: web.Request) -> web.Response:
    """The public key registered for a domain, as hex of the uncompressed point."""
    caller = _partner(request)
    _require_registration(request, caller)
    if request.query.get("domain") != caller.client.key_domain:
        raise answers.not_found()
    return success({"public_key": (await _key(request, caller)).hex()})


async def telemetry_error_vins(request: web.Request) -> web.Response:
    """Cars with streaming errors: none, since nothing streams here."""
    _require_registration(request, _partner(request))
    return success([])


def _partner(request: web.Request) -> Caller:
    caller = read_token(world_of(request), request)
    if caller.account is not None:
        raise ApiError(403, answers.MISSING_SCOPES)
    return caller


def _require_registration(request: web.Request, caller: Caller) -> None:
    if caller.region_called not in world_of(request).provider.registered_regions:
        raise answers.not_registered(caller.client.client_id, caller.region_called)


async def _key(request: web.Request, caller: Caller) -> bytes:
    try:
        return await key_lookup.current_key(request, caller.client)
    except KeyUnreachable:
        raise ApiError(424, "failed to fetch the public key of the domain") from None


def _partner_account(caller: Caller, key: bytes) -> dict[str, Any]:
    return {
        "client_id": caller.client.client_id,
        "name": caller.client.name,
        "description": "",
        "domain": caller.client.key_domain,
        "ca": None,
        "enterprise_tier": "pay_as_you_go",
        "public_key": key.hex(),
    }


ROUTES = (
    web.post(paths.PARTNER_ACCOUNTS, register),
    web.get(paths.PARTNER_PUBLIC_KEY, public_key),
    web.get(f"{paths.PARTNER_ACCOUNTS}/fleet_telemetry_error_vins", telemetry_error_vins),
    web.get(f"{paths.PARTNER_ACCOUNTS}/fleet_telemetry_errors", telemetry_error_vins),
)
