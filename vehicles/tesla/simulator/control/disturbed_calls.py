"""Around every request: the record of calls, the faults that were asked for, and refusals in Tesla's envelope."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Account
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.answers import ApiError
from vehicles.tesla.simulator.api.callers import read_token
from vehicles.tesla.simulator.control.faults import Fault, Target
from vehicles.tesla.simulator.login.sign_in import signed_in
from vehicles.tesla.simulator.login.token_endpoint import account_asked_about, form_fields
from vehicles.tesla.simulator.state import world_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTROL: Final = "/_sim"
_HTTP_ERRORS: Final = {404: "not_found", 405: "method not allowed", 413: "invalid_request"}


@web.middleware
async def record_and_disturb(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request through as the faults in force allow, and record it if an application made it."""
    if request.path.startswith(CONTROL):
        return await handler(request)
    if world_of(request).provider.is_starting and await _needs_what_was_agreed(request):
        return web.Response(status=503)
    target = await _target(request)
    fault = world_of(request).faults.next(target)
    answer = await (_suffer(fault, request, handler) if fault else handler(request))
    if request.path.startswith("/api/") or request.path == paths.TOKEN:
        world_of(request).calls.add(
            method=request.method,
            path=request.path,
            vin=target.vins[0] if len(target.vins) == 1 else "",
            email=target.email,
            status=0 if fault and fault.cut else answer.status,
            at=world_of(request).clock.now(),
        )
    return answer


async def _needs_what_was_agreed(request: web.Request) -> bool:
    if request.path == paths.TOKEN:
        return (await form_fields(request)).get("grant_type") == "refresh_token"
    return request.path.startswith("/api/")


@web.middleware
async def refuse_as_tesla_does(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into answers; those of the router too, on the API's paths."""
    try:
        return await handler(request)
    except ApiError as refused:
        return refused.response()
    except web.HTTPException as problem:
        if problem.status < 400 or not request.path.startswith("/api/"):
            raise
        error = _HTTP_ERRORS.get(problem.status, problem.reason)
        allowed = {"Allow": problem.headers["Allow"]} if "Allow" in problem.headers else {}
        return web.json_response(answers.refusal(error), status=problem.status, headers=allowed)


async def _suffer(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    done = await handler(request) if fault.effect_happens else None
    await asyncio.sleep(fault.delay_ms / 1000)
    if fault.cut and request.transport is not None:
        request.transport.abort()
        return web.Response(status=499)
    if fault.status is None:
        return done or await handler(request)
    return web.Response(status=fault.status, headers=fault.headers, **_content(fault.body))


def _content(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, str):
        return {"text": body, "content_type": "text/html" if body.lstrip().startswith("<") else "text/plain"}
    return {"text": json.dumps(body), "content_type": "application/json"}


async def _target(request: web.Request) -> Target:
    account = await _account(request)
    return Target(
        request.method, request.path, await _vins(request, account), account.email if account else ""
    )


async def _account(request: web.Request) -> Account | None:
    """Whose request it is, however little it may be allowed to do."""
    if request.path == paths.TOKEN:
        return account_asked_about(world_of(request), await form_fields(request))
    if not request.path.startswith("/api/"):
        return signed_in(request)
    try:
        return read_token(world_of(request), request).account
    except ApiError:
        return None


async def _vins(request: web.Request, account: Account | None) -> tuple[str, ...]:
    tag = request.match_info.get("vin")
    if tag is not None:
        cars = world_of(request).cars_of(account) if account and tag.isdigit() else ()
        return (next((car.vin for car in cars if str(car.tesla_id) == tag), tag),)
    if request.path != paths.FLEET_STATUS:
        return (request.query["vin"],) if "vin" in request.query else ()
    try:
        vins = json.loads(await request.read()).get("vins")
    except (ValueError, AttributeError):
        return ()
    return tuple(vin for vin in vins if isinstance(vin, str)) if isinstance(vins, list) else ()
