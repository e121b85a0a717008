"""Tesla's envelopes: successes, refusals with their texts, and the vehicle object (Fleet API: response codes)."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Account
from vehicles.tesla.simulator.api.rate_limits import Excess
from vehicles.tesla.simulator.car.car import Car

MISSING_SCOPES: Final = "Unauthorized missing scopes"
PROTOCOL_REQUIRED: Final = (
    "Tesla Vehicle Command Protocol required, please refer to the documentation here: "
    "https://developer.tesla.com/docs/fleet-api/virtual-keys/overview"
)
PROTOCOL_UNSUPPORTED: Final = (
    "vehicle does not support the Tesla Vehicle Command Protocol, please use the REST API instead"
)
UNAVAILABLE: Final = "vehicle unavailable: vehicle is offline or asleep"
CONSENT_REVOKED: Final = "token revoked: the user has revoked consent for this application"
LEGACY_FORBIDDEN: Final = "forbidden, see https://developer.tesla.com/docs/fleet-api"
FLEET_ONLY: Final = (
    "Endpoint is only available on fleetapi. Visit https://developer.tesla.com/docs for more information"
)


class ApiError(Exception):
    """The API refuses. Without `error` the body is empty, as Tesla's is for some refusals."""

    def __init__(self, status: int, error: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {error}")
        self.status, self.error, self.headers = status, error, headers or {}

    def response(self) -> web.Response:
        """The answer with Tesla's envelope."""
        if not self.error:
            return web.Response(status=self.status, headers=self.headers)
        return web.json_response(refusal(self.error), status=self.status, headers=self.headers)


def refusal(error: str) -> dict[str, Any]:
    """The body of a failure."""
    return {"response": None, "error": error, "error_description": "", "txid": secrets.token_hex(16)}


def success(response: Any, **beside: Any) -> web.Response:
    """The body of a success, with what stands beside `response`."""
    return web.json_response({"response": response, **beside})


def not_found() -> ApiError:
    """No such car in the account."""
    return ApiError(404, "not_found")


def out_of_region(region: str) -> ApiError:
    """The account lives elsewhere; text and header both name the host."""
    base = paths.FLEET_API_HOSTS[region]
    text = (
        f"user out of region, use base URL: {base}, see "
        "https://developer.tesla.com/docs/fleet-api/getting-started/regions-countries"
    )
    return ApiError(421, text, {"Alt-Svc": f"h2={base}"})


def not_registered(client_id: str, region: str) -> ApiError:
    """The application did not register with that region's host."""
    return ApiError(
        412,
        f"Account {client_id} must be registered in the current region {paths.FLEET_API_HOSTS[region]}, please see "
        "https://developer.tesla.com/docs/fleet-api/endpoints/partner-endpoints#register",
    )


def too_many(excess: Excess) -> ApiError:
    """A rate limit was reached."""
    return ApiError(429, f"Retry in {excess.retry_after} seconds", excess.headers)


def vehicle_object(car: Car, account: Account, now: float) -> dict[str, Any]:
    """A car as one account sees it (Fleet API: list vehicles)."""
    return {
        "id": car.tesla_id,
        "id_s": str(car.tesla_id),
        "vehicle_id": car.tesla_id % 2**31,
        "user_id": int(account.sub[-12:], 16) % 2**40,
        "vin": car.vin,
        "display_name": car.name or None,
        "access_type": account.access[car.vin],
        "granular_access": {"hide_private": car.hide_private},
        "state": car.state(now),
        "in_service": car.in_service,
        "api_version": 90,
        "option_codes": None,
        "color": None,
        "calendar_enabled": True,
        "tokens": None,
        "backseat_token": None,
        "backseat_token_updated_at": None,
        "cached_data": None,
        "mobile_access_disabled": not car.mobile_access,
        "ble_autopair_enrolled": False,
        "release_notes_supported": True,
    }


def positive_number(request: web.Request, name: str, default: int) -> int:
    """The query's number of that name. Raises `ApiError` (400)."""
    text = request.query.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, f"invalid_request: {name} must be a positive number")
    return int(text)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; `null`, with which Tesla's own client wakes cars, says as much as nothing.

    Raises `ApiError`: 406 without the content type, 400 for anything else.
    """
    if request.content_type != "application/json":
        raise ApiError(406, "not a JSON request")
    try:
        body = json.loads(await request.read() or b"{}")
        body = {} if body is None else body
    except ValueError:
        raise ApiError(400, "invalid_request") from None
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_request")
    return body
