"""The one door to Tesla: picks address and token, refreshes when needed, and turns Tesla's failures into our errors.

Nothing here holds a database connection or a transaction while Tesla is asked. A refusal is looked into before it
changes what we believe of the person's consent (see `_after_denial`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.utils import timezone

from vehicles import access, errors, evidence, logins, rate_budgets, vault
from vehicles.bulkhead import slot
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError
from vehicles.failures import translate
from vehicles.models import Integration, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.origins import api_base
from vehicles.tesla import client, paths, scopes
from vehicles.tesla import errors as tesla

T = TypeVar("T")
Make = Callable[[str, str], T]
"""A call to Tesla, given the base address and the access token."""

P = ParamSpec("P")
OfGrant = Callable[Concatenate[VehicleGrant, P], T]


def _naming_the_cure(function: OfGrant[P, T]) -> OfGrant[P, T]:
    """What Tesla's answer means for this grant is told with the link that repairs it."""

    @wraps(function)
    def told(grant: VehicleGrant, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(grant, *args, **kwargs)
        except CatalogueError as error:
            raise access.with_cure(error, grant) from error.__cause__

    return told


def renew_login(account: TeslaAccount, integration: str) -> None:
    """Rotate the account's tokens although they are not needed now, so that an idle login does not run out.

    Raises `CatalogueError`: AUTHENTICATION_FAILED when the login is dead, UPSTREAM errors when Tesla cannot be asked.
    """
    stored = vault.load(account, integration)
    if stored is None:
        raise CatalogueError(errors.AUTHENTICATION_FAILED, reason="this account never signed in")
    try:
        logins.refresh(account, integration, stored)
    except tesla.LoginRequired:
        _with_last_token(account, integration, stored, client.products)
    except tesla.TeslaError as failure:
        raise translate(failure) from failure


def listed_vehicles(account: TeslaAccount) -> list[client.ListedVehicle]:
    """The account's cars as Tesla lists them now."""
    return call(account, Integration.FLEET, client.vehicles, scope=scopes.VEHICLE_DEVICE_DATA)


def fleet_status(account: TeslaAccount, vins: Sequence[str]) -> list[client.KeyStatus]:
    """Key state of these cars (at most 100), asked with this account's token."""
    return call(
        account,
        Integration.FLEET,
        lambda base, token: client.fleet_status(base, token, vins),
        scope=scopes.VEHICLE_DEVICE_DATA,
    )


@_naming_the_cure
def vehicle_data(grant: VehicleGrant, endpoints: Sequence[str], scope: str = "") -> dict[str, Any]:
    """Live data of the grant's car. Never wakes it: a sleeping car gives VEHICLE_STATE:ASLEEP."""
    tag = _tag(grant)
    _spend(rate_budgets.Kind.DATA, grant)
    try:
        return call(
            grant.account,
            grant.integration,
            lambda base, token: client.vehicle_data(base, token, tag, endpoints),
            scope=scope,
            vehicle=grant.connection.vehicle,
        )
    except CatalogueError as error:
        if error.spec is errors.UNREACHABLE and vehicle_state(grant) == "asleep":
            raise CatalogueError(errors.ASLEEP, reason=error.reason) from error
        raise


@_naming_the_cure
def listed_vehicle(grant: VehicleGrant) -> client.ListedVehicle:
    """The grant's car as Tesla lists it: state and whether it is in service; never wakes it."""
    tag = _tag(grant)
    return call(
        grant.account,
        grant.integration,
        lambda base, token: client.vehicle(base, token, tag),
        vehicle=grant.connection.vehicle,
    )


@_naming_the_cure
def recent_alerts(grant: VehicleGrant, scope: str) -> dict[str, Any]:
    """What the grant's car complained about of late, under `recent_alerts`."""
    tag = _tag(grant)
    _spend(rate_budgets.Kind.DATA, grant)
    return call(
        grant.account,
        grant.integration,
        lambda base, token: client.recent_alerts(base, token, tag),
        scope=scope,
        vehicle=grant.connection.vehicle,
    )


@_naming_the_cure
def profile(grant: VehicleGrant, scope: str) -> dict[str, Any]:
    """E-mail and name of the grant's Tesla account."""
    return call(grant.account, grant.integration, client.profile, scope=scope)


@_naming_the_cure
def vehicle_state(grant: VehicleGrant) -> str:
    """`online`, `asleep` or `offline` as Tesla knows it; free of charge and never wakes the car."""
    tag = _tag(grant)
    return call(grant.account, grant.integration, lambda base, token: client.vehicle_state(base, token, tag))


@_naming_the_cure
def wake_up(grant: VehicleGrant) -> str:
    """Ask the car to come online; returns its state at that moment."""
    tag = _tag(grant)
    _spend(rate_budgets.Kind.WAKES, grant)
    return call(
        grant.account,
        grant.integration,
        lambda base, token: client.wake_up(base, token, tag),
        scope=scopes.VEHICLE_DEVICE_DATA,
    )


@_naming_the_cure
def unsigned_command(
    grant: VehicleGrant, name: str, arguments: Mapping[str, Any], scope: str
) -> client.CommandResult:
    """Send one command as plain REST; for cars that take no signed messages, and for navigation."""
    tag = _tag(grant)
    _spend(rate_budgets.Kind.COMMANDS, grant)
    return call(
        grant.account,
        grant.integration,
        lambda base, token: client.command(base, token, tag, name, arguments),
        scope=scope,
        vehicle=grant.connection.vehicle,
        raw=True,
    )


@_naming_the_cure
def signed_message(grant: VehicleGrant, message: str, scope: str) -> str:
    """Deliver one base64 signed message to the car; the base64 answer says inside whether it worked."""
    vehicle = grant.connection.vehicle
    _spend(rate_budgets.Kind.COMMANDS, grant)
    return call(
        grant.account,
        Integration.FLEET,
        lambda base, token: client.signed_command(base, token, vehicle.vin, message),
        scope=scope,
        vehicle=vehicle,
        raw=True,
    )


def _spend(kind: rate_budgets.Kind, grant: VehicleGrant) -> None:
    rate_budgets.spend(kind, (grant.connection.vehicle_id, grant.account_id))


def call(
    account: TeslaAccount,
    integration: str,
    make: Make[T],
    *,
    scope: str = "",
    vehicle: Vehicle | None = None,
    raw: bool = False,
) -> T:
    """Make one call with the account's token for this interface.

    Raises `CatalogueError`. With `raw`, failures that are neither about login nor consent are left as `TeslaError`,
    for callers who must know whether it may have happened.
    """
    try:
        return _call(account, integration, make, scope)
    except tesla.VehicleNotFound as failure:
        if vehicle is not None:
            evidence.vehicle_gone(account, vehicle, now=timezone.now())
        raise translate(failure) from failure
    except tesla.TeslaError as failure:
        if raw:
            raise
        raise translate(failure) from failure


def _call(account: TeslaAccount, integration: str, make: Make[T], scope: str) -> T:
    stored = vault.load(account, integration)
    if stored is None:
        raise CatalogueError(errors.AUTHENTICATION_FAILED, reason="this account never signed in")
    if not stored.is_fresh(timezone.now()):
        try:
            stored = _refreshed(account, integration, stored)
        except tesla.LoginRequired:
            return _with_last_token(account, integration, stored, make)
    try:
        return _following_region(account, integration, stored.access_token, make)
    except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
        return _after_denial(account, integration, stored, make, scope, denial)


def _refreshed(account: TeslaAccount, integration: str, stored: vault.StoredTokens) -> vault.StoredTokens:
    """Fresh tokens. Raises `LoginRequired`; any other failure is told now, since the call itself was not made."""
    try:
        return logins.refresh(account, integration, stored)
    except tesla.LoginRequired:
        raise
    except tesla.TeslaError as failure:
        raise translate(failure) from failure


def _after_denial(
    account: TeslaAccount,
    integration: str,
    stored: vault.StoredTokens,
    make: Make[T],
    scope: str,
    denial: tesla.TeslaError,
) -> T:
    """Tesla denied a call. Only a refresh tells whether the person took something away: single denials are noise."""
    try:
        stored = _refreshed(account, integration, stored)
    except tesla.LoginRequired as dead:
        evidence.consent_seen(account, Consent.REVOKED, now=timezone.now(), source=evidence.API_DENIAL)
        raise CatalogueError(errors.ACCOUNT_PERMISSION, reason=dead.text) from denial
    if integration == Integration.FLEET and scope and scope not in account.granted_scopes:
        raise CatalogueError(errors.ACCOUNT_PERMISSION, reason=f"{scope} was withdrawn") from denial
    return _following_region(account, integration, stored.access_token, make)


def _with_last_token(account: TeslaAccount, integration: str, stored: vault.StoredTokens, make: Make[T]) -> T:
    """The refresh token is dead. An access token that still lives tells a removal from a login that ran out."""
    now = timezone.now()
    alive = stored.access_token and stored.expires_at is not None and stored.expires_at > now
    if alive:
        try:
            answer = _following_region(account, integration, stored.access_token, make)
        except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
            evidence.consent_seen(account, Consent.REVOKED, now=now, source=evidence.API_DENIAL)
            raise CatalogueError(errors.ACCOUNT_PERMISSION, reason=denial.text) from denial
        evidence.consent_seen(account, Consent.SIGN_IN_NEEDED, now=now, source=evidence.TOKEN)
        return answer
    evidence.consent_seen(account, Consent.SIGN_IN_NEEDED, now=now, source=evidence.TOKEN)
    raise CatalogueError(errors.AUTHENTICATION_FAILED, reason="the refresh token is dead")


def _following_region(account: TeslaAccount, integration: str, token: str, make: Make[T]) -> T:
    base = api_base(account, integration)
    try:
        with slot():
            return make(base, token)
    except tesla.OutOfRegion as moved:
        host = next((url for url in paths.FLEET_API_HOSTS.values() if url in moved.text), "")
        if not host or host == account.api_host:
            raise
        account.api_host = host
        account.save(update_fields=["api_host"])
        with slot():
            return make(host, token)


def _tag(grant: VehicleGrant) -> str:
    """How the car is named in paths: by VIN, or for the Owner API by the account's numeric id of it."""
    vehicle = grant.connection.vehicle
    if grant.integration == Integration.FLEET:
        return vehicle.vin
    access = VehicleAccess.objects.filter(account=grant.account_id, vehicle=vehicle).first()
    if access is None or not access.tesla_id:
        raise CatalogueError(errors.VEHICLE_MISSING, reason="the Owner API's id of the car is not known")
    return access.tesla_id
