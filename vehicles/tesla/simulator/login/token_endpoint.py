"""The token endpoint: codes, refresh tokens and partner tokens (Fleet API: third-party tokens, partner tokens)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from vehicles.tesla.scopes import OFFLINE_ACCESS, OPENID, SIGN_IN, VEHICLE_CMDS, VEHICLE_DEVICE_DATA
from vehicles.tesla.simulator.account.accounts import Account, Client
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.callers import is_hit_by_mass_revocation
from vehicles.tesla.simulator.login.tokens import ACCESS_SECONDS, TokenRefused, login_required
from vehicles.tesla.simulator.state import rate, world_of
from vehicles.tesla.simulator.world import World

Fields = dict[str, str]


async def token(request: web.Request) -> web.Response:
    """`POST /oauth2/v3/token`. Failures are JSON with `error` and `error_description`."""
    try:
        fields = await form_fields(request)
        client = _client(world_of(request), fields)
        if excess := rate(request, "auth", client.client_id):
            raise answers.too_many(excess)
        body = _GRANTS[fields["grant_type"]](world_of(request), client, fields)
    except TokenRefused as refused:
        error = {"error": refused.error, "error_description": refused.description}
        return web.json_response(error, status=refused.status)
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def form_fields(request: web.Request) -> Fields:
    """The fields of a token request, as form or as JSON."""
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError:
            body = None
        return {name: str(value) for name, value in body.items()} if isinstance(body, dict) else {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def account_asked_about(world: World, fields: Fields) -> Account | None:
    """The account behind a token request's code or refresh token, for the record of calls."""
    if code := world.tokens.peek_code(fields.get("code", "")):
        return world.account_by_sub(code.sub)
    return world.account_of_refresh_token(fields.get("refresh_token", ""))


def _client(world: World, fields: Fields) -> Client:
    if fields.get("grant_type") not in _GRANTS:
        raise TokenRefused(400, "unsupported_grant_type", "The grant_type is not supported")
    if not fields.get("client_id"):
        raise TokenRefused(400, "invalid_request", "client_id is required")
    client = world.clients.get(fields["client_id"])
    if client is None:
        raise TokenRefused(400, "unauthorized_client", "The client is not known")
    return client


def _check_secret(client: Client, fields: Fields) -> None:
    secret = fields.get("client_secret", "")
    if client.client_secret is not None and not hmac.compare_digest(
        client.client_secret.encode(), secret.encode()
    ):
        raise TokenRefused(400, "unauthorized_client", "The client_id and client_secret do not match")


def _require(fields: Fields, *names: str) -> None:
    missing = [name for name in names if not fields.get(name)]
    if missing:
        raise TokenRefused(400, "invalid_request", f"{', '.join(missing)} required")


def _authorization_code(world: World, client: Client, fields: Fields) -> dict[str, Any]:
    _require(fields, "code", "redirect_uri", *(() if client.is_legacy else ("audience",)))
    _check_secret(client, fields)
    verifier = fields.get("code_verifier", "")
    code = world.tokens.redeem_code(client, fields["code"], fields["redirect_uri"], verifier)
    account = world.account_by_sub(code.sub)
    if account is None or not _is_connected(account, client):
        raise TokenRefused(400, "invalid_auth_code", "The authorization code is invalid or expired")
    answer = _tokens(world, client, account, code.nonce)
    if OFFLINE_ACCESS in code.scopes:
        answer["refresh_token"] = world.tokens.new_family(client, account)
    return answer


def _refresh_token(world: World, client: Client, fields: Fields) -> dict[str, Any]:
    _require(fields, "refresh_token")
    account = world.account_of_refresh_token(fields["refresh_token"])
    if account is None or not _is_connected(account, client) or is_hit_by_mass_revocation(world, account):
        raise login_required()
    fresh = world.tokens.rotate(client, account, fields["refresh_token"])
    return _tokens(world, client, account, "") | {"refresh_token": fresh}


def _client_credentials(world: World, client: Client, fields: Fields) -> dict[str, Any]:
    _require(fields, "client_secret", "audience")
    _check_secret(client, fields)
    asked = tuple(fields.get("scope", "").split()) or (OPENID, VEHICLE_DEVICE_DATA, VEHICLE_CMDS)
    access = world.tokens.partner_token(client, asked, fields["audience"].rstrip("/"))
    return {"access_token": access, "expires_in": ACCESS_SECONDS, "token_type": "Bearer"}


def _is_connected(account: Account, client: Client) -> bool:
    return client.is_legacy or client.client_id in account.consents


def _tokens(world: World, client: Client, account: Account, nonce: str) -> dict[str, Any]:
    return {
        "access_token": world.tokens.access_token(client, account, current_scopes(account, client)),
        "id_token": world.tokens.id_token(client, account, nonce),
        "expires_in": ACCESS_SECONDS,
        "token_type": "Bearer",
    }


def current_scopes(account: Account, client: Client) -> tuple[str, ...]:
    """What a token made now may do: the consent as it stands, sign-in scopes first."""
    consent = account.consents.get(client.client_id)
    granted = consent.scopes if consent else set()
    return (*SIGN_IN, *sorted(granted.difference(SIGN_IN)))


Grant = Callable[[World, Client, Fields], dict[str, Any]]
_GRANTS: Final[dict[str, Grant]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "client_credentials": _client_credentials,
}
