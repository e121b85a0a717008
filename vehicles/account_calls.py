"""One call to Tesla with an account's token: refreshed when needed, sent to the right region, and denials looked into.

A single denial is noise. Only a refresh tells whether the person took something away (`_after_denial`), and only a
living access token tells a removal from a login that ran out (`_with_last_token`). That a car is gone is believed when
the account's list of cars lacks it too (`_call_of_car`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from django.utils import timezone

from vehicles import errors, evidence, incidents, legacy_api, sealing, token_refresh, vault
from vehicles.bulkhead import place, slot
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.failures import translate
from vehicles.models import IncidentKind, Integration, LoginEnd, TeslaAccount, Vehicle
from vehicles.origins import api_base, origins
from vehicles.sources import Source
from vehicles.tesla import client, paths, transport
from vehicles.tesla import errors as tesla
from vehicles.token_refresh import LoginEnded

log = logging.getLogger(__name__)

T = TypeVar("T")
Make = Callable[[str, str], T]
"""A call to Tesla, given the base address and the access token."""

CALL_SECONDS: Final = 45.0
"""For one call with all that belongs to it: the end of another process's lease, the same again after a denial."""
_NOT_REGISTERED_HERE: Final = 412


def renew_login(account: TeslaAccount, integration: str) -> None:
    """Rotate the account's tokens although they are not needed now, so that an idle login does not run out.

    Raises `CatalogueError`: AUTHENTICATION_FAILED when the login is dead, UPSTREAM errors when Tesla cannot be asked.
    """
    stored = _stored(account, integration)
    try:
        try:
            _refreshed(account, integration, stored)
        except LoginEnded as dead:
            _with_last_token(account, integration, stored, client.products, dead)
    except tesla.TeslaError as failure:
        raise translate(failure) from failure


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
        # The place is held while another request refreshes the account's tokens too, and however often Tesla is asked.
        with place(), transport.within(CALL_SECONDS):
            answer = _call_of_car(account, integration, make, scope, vehicle)
    except (tesla.VehicleNotFound, tesla.RemoteAccessDisabled, tesla.InService) as failure:
        if vehicle is not None:
            _remember(account, vehicle, failure)
        raise translate(failure) from failure
    except tesla.OperatorFault as failure:
        _look_into_operator_fault(account, integration)
        raise translate(failure) from failure
    except tesla.LegacyClosed as failure:
        legacy_api.look_into_refusal(account, failure.text)
        raise translate(failure) from failure
    except tesla.TeslaError as failure:
        if raw:
            raise
        raise translate(failure) from failure
    _cleared(account, integration)
    return answer


def _remember(account: TeslaAccount, vehicle: Vehicle, failure: tesla.TeslaError) -> None:
    """A refusal that tells something about the car is evidence."""
    now = timezone.now()
    if isinstance(failure, tesla.VehicleNotFound):
        evidence.vehicle_gone(account, vehicle, now=now)
    elif isinstance(failure, tesla.InService):
        evidence.service_seen(vehicle, now=now, source=Source.API_DENIAL)
    else:
        evidence.remote_access_refused(vehicle, now=now, source=Source.API_DENIAL)


def _cleared(account: TeslaAccount, integration: str) -> None:
    """A call that Tesla answers ends a suspicion."""
    if integration == Integration.FLEET and account.consent == Consent.SUSPECTED:
        evidence.consent_seen(account, Consent.ACTIVE, now=timezone.now(), source=Source.API_ANSWER)


def _look_into_operator_fault(account: TeslaAccount, integration: str) -> None:
    """One odd answer stops nobody; a second, free call that is refused for the same reason does (`incidents`)."""
    if integration != Integration.FLEET:
        return
    stored = vault.load(account, integration)
    try:
        _following_region(account, integration, stored.access_token if stored else "", client.products)
    except tesla.OperatorFault as confirmed:
        incidents.begin(
            IncidentKind.OPERATOR_FAULT,
            account.mode,
            timezone.now(),
            region=account.region if confirmed.status == _NOT_REGISTERED_HERE else "",
            reason=confirmed.text,
        )
    except (tesla.TeslaError, CatalogueError):
        return


def _call_of_car(
    account: TeslaAccount, integration: str, make: Make[T], scope: str, vehicle: Vehicle | None
) -> T:
    """The call, looked into where Tesla answers that there is no such car; `VehicleNotFound` stays if it is gone."""
    try:
        return _call(account, integration, make, scope)
    except tesla.VehicleNotFound as missing:
        if vehicle is None:
            raise tesla.BadRequest(missing.text, status=missing.status) from missing
        if not _is_listed(account, integration, vehicle, missing):
            raise
    try:
        return _call(account, integration, make, scope)
    except tesla.VehicleNotFound as again:
        raise tesla.BadRequest(f"404 for a car that is listed: {again.text}", status=again.status) from again


def _is_listed(
    account: TeslaAccount, integration: str, vehicle: Vehicle, missing: tesla.VehicleNotFound
) -> bool:
    """Whether the account's list, which is free of charge, holds the car. Without one nothing is believed: raises."""
    lister = client.products if integration == Integration.LEGACY else client.vehicles
    try:
        listed = _call(account, integration, lister, "")
    except (tesla.VehicleNotFound, tesla.ScopeMissing) as unseen:
        # Nobody can tell now. Tesla's word is passed on, this once.
        raise CatalogueError(errors.VEHICLE_MISSING, reason=f"not looked up: {missing.text}") from unseen
    return any(each.vin == vehicle.vin for each in listed)


def _call(account: TeslaAccount, integration: str, make: Make[T], scope: str) -> T:
    stored, token = None, vault.at_hand(account, integration, timezone.now())
    if not token:
        stored = _stored(account, integration)
        if not stored.is_fresh(timezone.now()):
            try:
                stored = _refreshed(account, integration, stored)
            except LoginEnded as dead:
                return _with_last_token(account, integration, stored, make, dead)
        token = stored.access_token
    try:
        return _following_region(account, integration, token, make)
    except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
        stored = stored or _stored(account, integration)
        return _after_denial(account, integration, stored, make, scope, denial)


def _stored(account: TeslaAccount, integration: str) -> vault.StoredTokens:
    """The account's tokens. Raises AUTHENTICATION_FAILED where there are none, INTERNAL where they cannot be opened."""
    try:
        stored = vault.load(account, integration)
    except sealing.VaultError as failure:
        log.error("the %s tokens of account %s cannot be opened: %s", integration, account.pk, failure)
        raise CatalogueError(errors.INTERNAL, reason=f"the vault: {failure}") from failure
    if stored is None:
        raise CatalogueError(errors.AUTHENTICATION_FAILED, reason="this account never signed in")
    return stored


def _refreshed(account: TeslaAccount, integration: str, stored: vault.StoredTokens) -> vault.StoredTokens:
    """Fresh tokens. Raises `LoginEnded`; any other failure is told now, since the call itself was not made."""
    covered = account.granted_scopes
    try:
        fresh = token_refresh.refresh(account, integration, stored)
    except LoginEnded:
        raise
    except tesla.TeslaError as failure:
        raise translate(failure) from failure
    if covered != account.granted_scopes:
        evidence.stands(account, timezone.now())
    return fresh


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
    except LoginEnded as dead:
        raise _lost(account, integration, dead, denied=True) from denial
    except CatalogueError:
        _suspect(account, integration)
        raise
    if integration == Integration.FLEET and scope and scope not in account.granted_scopes:
        raise CatalogueError(errors.ACCOUNT_PERMISSION, reason=f"{scope} was withdrawn") from denial
    try:
        return _following_region(account, integration, stored.access_token, make)
    except (tesla.TokenRefused, tesla.ScopeMissing) as again:
        if account.consent == Consent.SUSPECTED:
            raise CatalogueError(errors.UPSTREAM_KNOWN_ISSUE, reason=again.text) from again
        raise


def _with_last_token(
    account: TeslaAccount, integration: str, stored: vault.StoredTokens, make: Make[T], dead: LoginEnded
) -> T:
    """The refresh token is dead. An access token that still lives tells a removal from a login that ran out."""
    is_alive = stored.access_token and stored.expires_at is not None and stored.expires_at > timezone.now()
    if not is_alive or dead.why is LoginEnd.PASSWORD_CHANGED:
        raise _lost(account, integration, dead, denied=False) from dead
    try:
        answer = _following_region(account, integration, stored.access_token, make)
    except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
        raise _lost(account, integration, dead, denied=True) from denial
    _lost(account, integration, dead, denied=False)
    return answer


_LOSSES: Final[dict[Consent, ErrorSpec]] = {
    Consent.REVOKED: errors.ACCOUNT_PERMISSION,
    Consent.SIGN_IN_NEEDED: errors.AUTHENTICATION_FAILED,
}


def _lost(account: TeslaAccount, integration: str, dead: LoginEnded, *, denied: bool) -> CatalogueError:
    """Write that access was lost, and the error that says so; while too many lose it at once, Tesla has a problem.

    It was removed where a call was denied too, unless the end of the login is known to have another cause.
    """
    now = timezone.now()
    if integration == Integration.LEGACY:
        evidence.legacy_login_seen(account, works=False, now=now)
        return CatalogueError(errors.AUTHENTICATION_FAILED, reason=dead.text)
    consent, source = Consent.SIGN_IN_NEEDED, str(dead.why)
    if denied and not dead.is_explained:
        consent, source = Consent.REVOKED, Source.API_DENIAL
    evidence.consent_seen(account, consent, now=now, source=source)
    if not evidence.stands(account, now):
        return CatalogueError(errors.UPSTREAM_KNOWN_ISSUE, reason=f"held back: {dead.text}")
    return CatalogueError(_LOSSES[consent], reason=dead.text)


def _suspect(account: TeslaAccount, integration: str) -> None:
    """Tesla denied a call, and whether the consent still stands cannot be asked now."""
    if integration == Integration.FLEET and account.consent == Consent.ACTIVE:
        now = timezone.now()
        evidence.consent_seen(account, Consent.SUSPECTED, now=now, source=Source.API_DENIAL)


def _following_region(account: TeslaAccount, integration: str, token: str, make: Make[T]) -> T:
    base = api_base(account, integration)
    try:
        with slot():
            return make(base, token)
    except tesla.OutOfRegion as moved:
        host = next((url for url in paths.FLEET_API_HOSTS.values() if url in moved.text), "")
        # Where the address is configured, or simulated, the token goes nowhere else.
        if not host or host == account.api_host or origins(account.mode).api:
            raise
        account.api_host = host
        account.save(update_fields=["api_host"])
        with slot():
            return make(host, token)
