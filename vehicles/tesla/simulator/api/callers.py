"""Who calls the API, and whether they may: token, consent, region and scopes (Fleet API: response codes)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Account, Client
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.answers import ApiError
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.login.json_web_tokens import InvalidToken
from vehicles.tesla.simulator.world import World

REGION_OF_HOST: Final = {urlsplit(base).hostname: region for region, base in paths.FLEET_API_HOSTS.items()}


@dataclass(frozen=True, slots=True)
class Caller:
    """An authentic token: the application it was made for and the account, which a partner token has none of."""

    world: World
    client: Client
    account: Account | None
    claims: dict[str, Any]
    region_called: str

    @property
    def is_legacy(self) -> bool:
        """Whether this is an Owner API token."""
        return self.client.is_legacy

    def require_user(self) -> Account:
        """The account. Raises `ApiError` for a partner token."""
        if self.account is None:
            raise ApiError(403, answers.MISSING_SCOPES)
        return self.account

    def has_any(self, *wanted: str) -> bool:
        """Whether one of the scopes is in the token and, at this moment, in the consent behind it."""
        if self.is_legacy:
            return True
        held = set(self.claims["scp"])
        if self.account is not None:
            consent = self.account.consents.get(self.client.client_id)
            held &= consent.scopes if consent else set()
        return not held.isdisjoint(wanted)

    def require_any(self, *wanted: str) -> None:
        """Raises `ApiError` (403) unless one of the scopes is held."""
        if not self.has_any(*wanted):
            raise ApiError(403, answers.MISSING_SCOPES)

    def car(self, tag: str) -> Car:
        """The car of the account with that VIN or id. Raises `ApiError` (404)."""
        account = self.require_user()
        if tag in account.access:
            found = self.world.car(tag)
        else:
            found = next((car for car in self.world.cars_of(account) if str(car.tesla_id) == tag), None)
        if found is None:
            raise answers.not_found()
        return found


def read_token(world: World, request: web.Request) -> Caller:
    """The caller by the bearer token. Raises `ApiError` (401): no token, nonsense, or expired."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ApiError(401)
    try:
        claims = world.tokens.signer.read(token.strip())
    except InvalidToken:
        raise ApiError(401, "invalid bearer token") from None
    client = world.clients.get(claims.get("azp", ""))
    account = world.account_by_sub(claims["sub"])
    if client is None or (account is None and claims["sub"] != client.client_id):
        raise ApiError(401, "invalid bearer token")
    if claims["exp"] <= world.clock.now() or _is_superseded(world, client, account, token.strip()):
        raise ApiError(401, "token expired (401)")
    return Caller(world, client, account, claims, _region_called(request, account, claims))


def _is_superseded(world: World, client: Client, account: Account | None, token: str) -> bool:
    """Whether a newer access token of this account and application ended this one."""
    if account is None or not world.provider.access_tokens_end_at_refresh:
        return False
    return not world.tokens.is_newest_access(client, account, token)


def admit(caller: Caller, *, in_any_region: bool = False) -> None:
    """Everything that a call must pass before its own checks. Raises `ApiError`."""
    world = caller.world
    if caller.is_legacy and not world.provider.legacy_open:
        raise ApiError(403, answers.LEGACY_FORBIDDEN)
    if caller.account is not None and not caller.account.has_used_app:
        raise ApiError(401, "unknown user")
    if caller.is_legacy:
        return
    if caller.region_called not in world.provider.registered_regions:
        raise answers.not_registered(caller.client.client_id, caller.region_called)
    if caller.account is not None:
        _check_account(caller, caller.account, in_any_region=in_any_region)


def is_hit_by_mass_revocation(world: World, account: Account) -> bool:
    """Whether the provider fault treats this account as revoked; always the same accounts for the same share."""
    return zlib.crc32(account.sub.encode()) < world.provider.mass_revocation_fault * 2**32


def _check_account(caller: Caller, account: Account, *, in_any_region: bool) -> None:
    consent = account.consents.get(caller.client.client_id)
    is_revoked = consent is None or caller.claims["iat"] < int(consent.granted_at)
    if is_revoked or is_hit_by_mass_revocation(caller.world, account):
        status = caller.world.provider.revoked_status
        raise ApiError(status, answers.CONSENT_REVOKED if status == 401 else answers.MISSING_SCOPES)
    if caller.region_called != account.region and not in_any_region:
        raise answers.out_of_region(account.region)


def _region_called(request: web.Request, account: Account | None, claims: dict[str, Any]) -> str:
    """The region by the host name; any other name serves the account's own, or that of a partner token's audience."""
    named = REGION_OF_HOST.get(request.host.rpartition(":")[0] or request.host)
    if named or account:
        return named or (account.region if account else "")
    return next((region for region, base in paths.FLEET_API_HOSTS.items() if base in claims["aud"]), "na")
