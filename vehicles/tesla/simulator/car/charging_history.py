"""Past sessions at public chargers (Fleet API: charging endpoints); made up, and always the same for a VIN and day."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.scopes import VEHICLE_CHARGING_CMDS
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.answers import ApiError
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.state import admitted

Session = dict[str, Any]

USUAL_PAGE: Final = 10
_ALWAYS: Final = {"startTime": "0001-01-01T00:00:00+00:00", "endTime": "9999-12-31T23:59:59+00:00"}
_DAYS_KEPT: Final = 400
_DAYS_BETWEEN: Final = 9
_PRICE: Final = 0.48
_SITES: Final = ("Berlin, Germany", "Oslo, Norway", "Lyon, France", "Graz, Austria")


async def history(request: web.Request) -> web.Response:
    """The account's sessions, newest first, page by page and without the envelope of other endpoints."""
    caller = admitted(request, VEHICLE_CHARGING_CMDS)
    if caller.is_legacy:
        raise ApiError(412, answers.FLEET_ONLY)
    account, vin = caller.require_user(), request.query.get("vin", "")
    cars = [caller.car(vin)] if vin else list(caller.world.cars_of(account))
    since, until = _moment(request, "startTime"), _moment(request, "endTime")
    sessions = [each for car in cars for each in _sessions(car, caller.world.clock.now())]
    found = sorted((each for each in sessions if since <= _began(each) <= until), key=_began, reverse=True)
    page, size = (
        answers.positive_number(request, "pageNo", 1),
        answers.positive_number(request, "pageSize", USUAL_PAGE),
    )
    return web.json_response({"data": found[(page - 1) * size : page * size], "totalResults": len(found)})


def _sessions(car: Car, now: float) -> Iterator[Session]:
    """The car's own list where it was given one; else a session every few days."""
    if car.charging_sessions is not None:
        yield from car.charging_sessions
        return
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(1, _DAYS_KEPT):
        day = today - timedelta(days=ago)
        chance = zlib.crc32(f"{car.vin}:{day:%Y-%m-%d}".encode())
        if chance % _DAYS_BETWEEN == 0:
            yield session(car.vin, day + timedelta(minutes=chance // _DAYS_BETWEEN % 1200), chance)


def session(vin: str, began: datetime, chance: int) -> Session:
    """One session that began then; `chance` decides where it was and how much it took."""
    energy = round(12 + chance % 4100 / 100, 2)
    ended = began + timedelta(minutes=15 + chance % 30)
    paid = {"currencyCode": "EUR", "pricingType": "PAYMENT", "isPaid": True, "status": "PAID"}
    return {
        "sessionId": chance,
        "vin": vin,
        "siteLocationName": _SITES[chance % len(_SITES)],
        "chargeStartDateTime": began.isoformat(),
        "chargeStopDateTime": ended.isoformat(),
        "unlatchDateTime": (ended + timedelta(minutes=2)).isoformat(),
        "countryCode": "DE",
        "fees": [
            fee(chance, "CHARGING", rate=_PRICE, usage=energy, uom="kwh") | paid,
            fee(chance + 1, "PARKING", rate=1.0, usage=chance % 2, uom="min") | paid,
        ],
        "billingType": "IMMEDIATE",
        "invoices": [],
        "vehicleMakeType": "TSLA",
    }


def fee(number: int, kind: str, *, rate: float, usage: float, uom: str) -> dict[str, Any]:
    """One fee of a session; every tier but the base is empty."""
    due = round(rate * usage, 2)
    tiers = {f"{name}Tier{tier}": 0 for name in ("rate", "usage", "total") for tier in (1, 2)}
    base = {"rateBase": rate, "usageBase": usage, "totalBase": due, "totalDue": due, "netDue": due}
    return {"sessionFeeId": number, "feeType": kind, "uom": uom} | base | tiers


def _began(session: Session) -> datetime:
    return datetime.fromisoformat(session["chargeStartDateTime"])


def _moment(request: web.Request, name: str) -> datetime:
    """The query's moment; without it the beginning or the end of all time."""
    try:
        moment = datetime.fromisoformat(request.query.get(name, _ALWAYS[name]))
    except ValueError:
        raise ApiError(400, f"invalid_request: {name} must be a time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


ROUTES = (web.get(paths.CHARGING_HISTORY, history),)
