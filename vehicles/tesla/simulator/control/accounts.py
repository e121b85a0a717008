"""Control of single accounts: password, cars, consents, phone and app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from vehicles.tesla.simulator.account.accounts import Account
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.control.requests import BadRequest, NotFound, read_object
from vehicles.tesla.simulator.login.token_endpoint import current_scopes
from vehicles.tesla.simulator.state import world_of
from vehicles.tesla.simulator.world import World


async def show(request: web.Request) -> web.Response:
    """Everything about an account, with a fresh access token for the first application it has consented to."""
    return web.json_response(_shown(world_of(request), _account(request)))


async def change(request: web.Request) -> web.Response:
    """Set facts about an account; `vehicles` and `consents` replace what was there."""
    world, account, body = world_of(request), _account(request), await read_object(request)
    unknown = set(body) - set(_SETTERS)
    if unknown:
        raise BadRequest(f"an account has no {', '.join(sorted(unknown))}")
    changes = [_SETTERS[name](world, account, value) for name, value in body.items()]
    for apply in changes:
        apply()
    return web.json_response(_shown(world, account))


async def remove_consent(request: web.Request) -> web.Response:
    """Take all access from an application, as its owner does on the account page."""
    if not world_of(request).remove_consent(_account(request), request.match_info["client_id"]):
        raise NotFound("this account has not consented to that application")
    return web.json_response({})


def _account(request: web.Request) -> Account:
    account = world_of(request).account(request.match_info["email"])
    if account is None:
        raise NotFound("there is no account with this e-mail address")
    return account


def _shown(world: World, account: Account) -> dict[str, Any]:
    return {
        "email": account.email,
        "sub": account.sub,
        "name": account.name,
        "region": account.region,
        "vehicles": [{"vin": vin, "access_type": access} for vin, access in account.access.items()],
        "consents": {
            client_id: {"scopes": sorted(consent.scopes), "granted_at": consent.granted_at}
            for client_id, consent in account.consents.items()
        },
        "access_token": _access_token(world, account),
        "phone_key_vins": sorted(account.phone_key_vins),
        "app_account": account.app_account,
        "has_used_app": account.has_used_app,
        "mobile_access": all(car.mobile_access for car in _owned(world, account)),
    }


def _access_token(world: World, account: Account) -> str | None:
    client = next((world.clients[key] for key in account.consents if key in world.clients), None)
    return world.tokens.access_token(client, account, current_scopes(account, client)) if client else None


def _owned(world: World, account: Account) -> list[Car]:
    return [car for car in world.cars_of(account) if account.access[car.vin] == "OWNER"]


Change = Callable[[], object]


def _password(world: World, account: Account, value: Any) -> Change:
    password = _text("password", value)
    return lambda: world.change_password(account, password)


def _app_account(world: World, account: Account, value: Any) -> Change:
    email = _text("app_account", value)
    return lambda: setattr(account, "app_account", email)


def _has_used_app(world: World, account: Account, value: Any) -> Change:
    if not isinstance(value, bool):
        raise BadRequest("has_used_app must be true or false")
    return lambda: setattr(account, "has_used_app", value)


def _region(world: World, account: Account, value: Any) -> Change:
    if value not in ("na", "eu", "cn"):
        raise BadRequest("region must be na, eu or cn")
    return lambda: setattr(account, "region", value)


def _phone_key_vins(world: World, account: Account, value: Any) -> Change:
    if not isinstance(value, list):
        raise BadRequest("phone_key_vins must be a list")
    return lambda: setattr(account, "phone_key_vins", {str(vin) for vin in value})


def _mobile_access(world: World, account: Account, value: Any) -> Change:
    if not isinstance(value, bool):
        raise BadRequest("mobile_access must be true or false")

    def apply() -> None:
        for car in _owned(world, account):
            car.mobile_access = value

    return apply


def _vehicles(world: World, account: Account, value: Any) -> Change:
    wanted = [_vehicle(world, item) for item in value] if isinstance(value, list) else None
    if wanted is None:
        raise BadRequest("vehicles must be a list")

    def apply() -> None:
        for vin in list(account.access):
            world.take_access(account, vin)
        for car, access_type in wanted:
            world.give_access(account, car, access_type)

    return apply


def _vehicle(world: World, item: Any) -> tuple[Car, str]:
    if not isinstance(item, dict) or item.get("access_type") not in ("OWNER", "DRIVER"):
        raise BadRequest("each vehicle needs a vin and an access_type, OWNER or DRIVER")
    car = world.car(str(item.get("vin")))
    if car is None:
        raise BadRequest(f"there is no car {item.get('vin')}")
    return car, item["access_type"]


def _consents(world: World, account: Account, value: Any) -> Change:
    if not isinstance(value, dict) or not all(
        isinstance(consent, dict) and isinstance(consent.get("scopes"), list) for consent in value.values()
    ):
        raise BadRequest("consents must map client ids to {scopes: [...]}")
    if unknown := set(value) - set(world.clients):
        raise BadRequest(f"no application is registered as {', '.join(sorted(unknown))}")

    def apply() -> None:
        for client_id in set(account.consents) - set(value):
            world.remove_consent(account, client_id)
        for client_id, consent in value.items():
            world.grant(account, world.clients[client_id], map(str, consent["scopes"]))

    return apply


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} must be a text")
    return value


_SETTERS: Final[dict[str, Callable[[World, Account, Any], Change]]] = {
    "password": _password,
    "app_account": _app_account,
    "has_used_app": _has_used_app,
    "region": _region,
    "phone_key_vins": _phone_key_vins,
    "mobile_access": _mobile_access,
    "vehicles": _vehicles,
    "consents": _consents,
}

_ACCOUNT: Final = "/_sim/accounts/{email}"
ROUTES = (
    web.get(_ACCOUNT, show),
    web.patch(_ACCOUNT, change),
    web.delete(f"{_ACCOUNT}/consents/{{client_id}}", remove_consent),
)
