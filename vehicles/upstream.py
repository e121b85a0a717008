"""The one door to Tesla: picks address and token, refreshes when needed, and turns Tesla's failures into our errors.

Nothing here holds a database connection or a transaction while Tesla is asked. A refusal is looked into before it
changes what we believe of the person's consent (see `_after_denial`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from vehicles import errors, evidence, history, rate_budgets, vault
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.history import Kind
from vehicles.models import (
    Integration,
    TeslaAccount,
    User,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
)
from vehicles.origins import origins
from vehicles.tesla import auth, client, paths, scopes
from vehicles.tesla import errors as tesla

T = TypeVar("T")
Make = Callable[[str, str], T]
"""A call to Tesla, given the base address and the access token."""

ANSWERS: Final[tuple[tuple[type[tesla.TeslaError], ErrorSpec], ...]] = (
    (tesla.LoginRequired, errors.AUTHENTICATION_FAILED),
    (tesla.LoginRefused, errors.AUTHENTICATION_FAILED),
    (tesla.UnknownUser, errors.AUTHENTICATION_FAILED),
    (tesla.RemoteAccessDisabled, errors.REMOTE_ACCESS_DISABLED),
    (tesla.ProtocolRequired, errors.SMARTCAR_NOT_CAPABLE),
    (tesla.ProtocolUnsupported, errors.SMARTCAR_NOT_CAPABLE),
    (tesla.LegacyClosed, errors.PLATFORM_NOT_CAPABLE),
    (tesla.OperatorFault, errors.UPSTREAM_KNOWN_ISSUE),
    (tesla.VehicleNotFound, errors.VEHICLE_MISSING),
    (tesla.VehicleUnavailable, errors.UNREACHABLE),
    (tesla.RateLimited, errors.UPSTREAM_RATE_LIMIT),
    (tesla.NotSent, errors.UPSTREAM_NO_RESPONSE),
    (tesla.NoAnswer, errors.UPSTREAM_NO_RESPONSE),
    (tesla.NotInTime, errors.UPSTREAM_NO_RESPONSE),
    (tesla.ServerFault, errors.UPSTREAM_NO_RESPONSE),
    (tesla.Unintelligible, errors.UPSTREAM_INVALID_DATA),
    (tesla.TeslaError, errors.UPSTREAM_UNKNOWN_ISSUE),
)
"""What the caller is told about each failure; first match wins."""

REFRESH_WAIT_SECONDS: Final = 30.0
OVERLOADED_SECONDS: Final = 2
_POLL_SECONDS: Final = 0.1


def translate(failure: tesla.TeslaError) -> CatalogueError:
    """The catalogue error that a failure at Tesla means for the caller."""
    spec = next(spec for kind, spec in ANSWERS if isinstance(failure, kind))
    retry_after = failure.retry_after if isinstance(failure, tesla.RateLimited) else None
    return CatalogueError(spec, retry_after=retry_after, reason=f"{type(failure).__name__}: {failure.text}")


def sign_in(*, mode: str, code: str, redirect_uri: str, nonce: str | None = None) -> TeslaAccount:
    """Redeem the code of a Fleet login and return its account, created where it is new.

    Raises `CatalogueError`: AUTHENTICATION_FAILED when Tesla refuses the code or the login is not the one that was
    begun with `nonce`, UPSTREAM errors when Tesla cannot be asked.
    """
    try:
        tokens = auth.exchange_code(
            origins(mode).token,
            client_id=settings.TESLA_CLIENT_ID,
            client_secret=settings.TESLA_CLIENT_SECRET,
            code=code,
            redirect_uri=redirect_uri,
            audience=paths.FLEET_API_HOSTS[settings.TESLA_REGIONS[0]],
        )
        claims = auth.read_claims(tokens.access_token)
        if nonce is not None and auth.read_nonce(tokens.id_token) != nonce:
            raise tesla.LoginRefused("the login was not begun here")
    except tesla.TeslaError as failure:
        raise translate(failure) from failure
    account = _signed_in(mode, claims, tokens)
    _learn_email(account, tokens.access_token)
    return account


def _signed_in(mode: str, claims: auth.Claims, tokens: auth.Tokens) -> TeslaAccount:
    now = timezone.now()
    with transaction.atomic():
        account = TeslaAccount.objects.filter(sub=claims.sub, mode=mode).first()
        if account is None:
            person = User(is_person=True)
            person.username = f"person-{person.pk}"
            person.set_unusable_password()
            person.save()
            account = TeslaAccount.objects.create(
                person=person, mode=mode, sub=claims.sub, region=claims.region
            )
            history.record(
                Kind.ACCOUNT_CONNECTED, actor=history.person(person), at=now, account=account, mode=mode
            )
        vault.store_login(account, Integration.FLEET, tokens, now)
        evidence.scopes_seen(account, claims.scopes, now=now)
    return account


def _learn_email(account: TeslaAccount, token: str) -> None:
    """The e-mail address helps support find people; a login is complete without it."""
    if scopes.USER_DATA not in account.granted_scopes:
        return
    try:
        profile = client.profile(_base(account, Integration.FLEET), token)
    except tesla.TeslaError:
        return
    account.email = str(profile.get("email") or "")[:254]
    account.save(update_fields=["email"])


def renew_login(account: TeslaAccount, integration: str) -> None:
    """Rotate the account's tokens although they are not needed now, so that an idle login does not run out.

    Raises `CatalogueError`: AUTHENTICATION_FAILED when the login is dead, UPSTREAM errors when Tesla cannot be asked.
    """
    stored = vault.load(account, integration)
    if stored is None:
        raise CatalogueError(errors.AUTHENTICATION_FAILED, reason="this account never signed in")
    try:
        _refresh(account, integration, stored)
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


def vehicle_state(grant: VehicleGrant) -> str:
    """`online`, `asleep` or `offline` as Tesla knows it; free of charge and never wakes the car."""
    tag = _tag(grant)
    return call(grant.account, grant.integration, lambda base, token: client.vehicle_state(base, token, tag))


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
            stored = _refresh(account, integration, stored)
        except tesla.LoginRequired:
            return _with_last_token(account, integration, stored, make)
    try:
        return _following_region(account, integration, stored.access_token, make)
    except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
        return _after_denial(account, integration, stored, make, scope, denial)


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
        stored = _refresh(account, integration, stored)
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
    base = _base(account, integration)
    try:
        with _slot():
            return make(base, token)
    except tesla.OutOfRegion as moved:
        host = next((url for url in paths.FLEET_API_HOSTS.values() if url in moved.text), "")
        if not host or host == account.api_host:
            raise
        account.api_host = host
        account.save(update_fields=["api_host"])
        with _slot():
            return make(host, token)


@contextmanager
def _slot() -> Iterator[None]:
    """A place among those that may wait for Tesla at once, so that threads stay free for everything else.

    Raises SERVER:OVERLOADED when all are taken. The database connection is given back for the wait.
    """
    slots = _slots(settings.TESLA_UPSTREAM_SLOTS)
    if not slots.acquire(blocking=False):
        raise CatalogueError(
            errors.OVERLOADED, retry_after=OVERLOADED_SECONDS, reason="no upstream slot is free"
        )
    try:
        _let_go_of_database()
        yield
    finally:
        slots.release()


@lru_cache(maxsize=1)
def _slots(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)


def _refresh(account: TeslaAccount, integration: str, stored: vault.StoredTokens) -> vault.StoredTokens:
    """Rotate the tokens, or wait for the process that is doing it. Raises `TeslaError`."""
    holder = vault.take_lease(stored, timezone.now())
    if holder is None:
        return _refreshed_elsewhere(account, integration, stored)
    try:
        _let_go_of_database()
        tokens, used = _rotate(account, integration, stored)
        claims = auth.read_claims(tokens.access_token)
    except tesla.TeslaError:
        vault.give_back(stored, holder)
        raise
    now = timezone.now()
    with transaction.atomic():
        vault.store_refreshed(stored, holder, tokens, used, now)
        if integration == Integration.FLEET:
            evidence.scopes_seen(account, claims.scopes, now=now)
    return _load(account, integration)


def _rotate(account: TeslaAccount, integration: str, stored: vault.StoredTokens) -> tuple[auth.Tokens, str]:
    """Ask for a new pair; Tesla honours the last used refresh token for a day, so that one is tried as well."""
    origin, client_id = origins(account.mode).token, settings.TESLA_CLIENT_ID
    if integration == Integration.LEGACY:
        origin, client_id = origins(account.mode).auth, paths.OWNER_API_CLIENT_ID
    try:
        used = stored.refresh_token
        return auth.refresh(origin, client_id=client_id, refresh_token=used), used
    except tesla.LoginRequired:
        used = stored.previous_refresh_token
        if not used:
            raise
        return auth.refresh(origin, client_id=client_id, refresh_token=used), used


def _refreshed_elsewhere(
    account: TeslaAccount, integration: str, stored: vault.StoredTokens
) -> vault.StoredTokens:
    end = time.monotonic() + REFRESH_WAIT_SECONDS
    while time.monotonic() < end:
        current = _load(account, integration)
        if current.refreshed_at != stored.refreshed_at:
            account.refresh_from_db(fields=["granted_scopes", "consent"])
            return current
        if vault.is_free(current, timezone.now()):
            return _refresh(account, integration, current)
        _let_go_of_database()
        time.sleep(_POLL_SECONDS)
    raise tesla.NoAnswer("another process is still refreshing")


def _load(account: TeslaAccount, integration: str) -> vault.StoredTokens:
    stored = vault.load(account, integration)
    if stored is None:
        raise tesla.LoginRequired("the tokens are gone")
    return stored


def _base(account: TeslaAccount, integration: str) -> str:
    """The host that serves this account: a configured one, the one that answered before, or its home region's."""
    where = origins(account.mode)
    if integration == Integration.LEGACY:
        return where.owner_api
    home = paths.FLEET_API_HOSTS.get(account.region, paths.FLEET_API_HOSTS["na"])
    return where.api or account.api_host or home


def _tag(grant: VehicleGrant) -> str:
    """How the car is named in paths: by VIN, or for the Owner API by the account's numeric id of it."""
    vehicle = grant.connection.vehicle
    if grant.integration == Integration.FLEET:
        return vehicle.vin
    access = VehicleAccess.objects.filter(account=grant.account_id, vehicle=vehicle).first()
    if access is None or not access.tesla_id:
        raise CatalogueError(errors.VEHICLE_MISSING, reason="the Owner API's id of the car is not known")
    return access.tesla_id


def _let_go_of_database() -> None:
    """Tesla takes up to half a minute; a pooled connection must not wait along."""
    if not connection.in_atomic_block:
        connection.close()
