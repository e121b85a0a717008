"""The simulated Tesla as one web application: every path that Tesla answers, and the control API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import aiohttp
from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.simulator import pages
from vehicles.tesla.simulator.account import pairing_page, third_party_apps
from vehicles.tesla.simulator.api import command_api, fleet_api, partner_api
from vehicles.tesla.simulator.car import charging_history
from vehicles.tesla.simulator.control import api
from vehicles.tesla.simulator.control.disturbed_calls import record_and_disturb, refuse_as_tesla_does
from vehicles.tesla.simulator.login import login_pages, sign_in, token_endpoint
from vehicles.tesla.simulator.state import HTTP, WORLD
from vehicles.tesla.simulator.world import World

_LARGEST_BODY: Final = 4 * 1024 * 1024


def create_app(world: World) -> web.Application:
    """The application that answers for that world."""
    app = web.Application(
        middlewares=[api.loopback_and_json_errors, record_and_disturb, refuse_as_tesla_does],
        client_max_size=_LARGEST_BODY,
    )
    app[WORLD] = world
    app.cleanup_ctx.append(_outgoing_http)
    app.add_routes(_ROUTES)
    return app


async def front_page(request: web.Request) -> web.Response:
    """Where somebody lands who opens the address by itself."""
    body = pages.paragraph(
        "This server plays Tesla's part: login and consent, the Fleet API, the Owner API, and cars."
    ) + pages.link(paths.THIRD_PARTY_APPS, "Third-party apps of my account")
    return pages.page("Simulated Tesla", body)


async def _outgoing_http(app: web.Application) -> AsyncIterator[None]:
    """The session with which applications' public keys are fetched."""
    async with aiohttp.ClientSession() as session:
        app[HTTP] = session
        yield


_ROUTES = (
    web.get("/", front_page),
    web.get(paths.AUTHORIZE, login_pages.authorize),
    web.post(paths.AUTHORIZE, login_pages.authorize),
    web.post(paths.TOKEN, token_endpoint.token),
    web.get("/oauth2/v3/discovery/thirdparty/keys", fleet_api.public_keys),
    web.get("/oauth2/v3/discovery/keys", fleet_api.public_keys),
    web.get("/status", fleet_api.status),
    web.get(paths.USER_ME, fleet_api.me),
    web.get(paths.USER_REGION, fleet_api.region),
    web.get(paths.PRODUCTS, fleet_api.products),
    web.post(paths.FLEET_STATUS, fleet_api.fleet_status),
    web.get(paths.VEHICLES, fleet_api.vehicles),
    web.get(paths.VEHICLE, fleet_api.vehicle),
    web.get(paths.VEHICLE_DATA, fleet_api.vehicle_data),
    web.get(paths.RECENT_ALERTS, fleet_api.recent_alerts),
    web.get(paths.MOBILE_ENABLED, fleet_api.mobile_enabled),
    web.get(f"{paths.VEHICLE}/drivers", fleet_api.drivers),
    *charging_history.ROUTES,
    *command_api.ROUTES,
    *partner_api.ROUTES,
    *pairing_page.ROUTES,
    *third_party_apps.ROUTES,
    *sign_in.ROUTES,
    *api.ROUTES,
)
