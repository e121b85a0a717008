"""One call to Tesla with an account's token: refreshed when needed, sent to the right region, and denials looked into.

A single denial is noise. Only a refresh tells whether the person took something away (`_after_denial`), and only a
living access token tells a removal from a login that ran out (`_with_last_token`). That a car is gone is believed when
the account's list of cars lacks it too (`_once_more_if_listed`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, TypeVarTuple

from django.utils import timezone

from vehicles import encryption, errors, evidence
from vehicles.diagnosis import Consent
from vehicles.error_mapping import translate, translated
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.evidence import incidents
from vehicles.facts.sources import Source
from vehicles.models import IncidentKind, Integration, LoginEnd, TeslaAccount, Vehicle
from vehicles.origins import api_base, origins
from vehicles.tesla import client, paths, transport
from vehicles.tesla import errors as tesla
from vehicles.tokens import refresh, store
from vehicles.tokens.refresh import LoginEnded
from vehicles.upstream import legacy_api
from vehicles.upstream.bulkhead import place, slot

log = logging.getLogger(__name__)

T = TypeVar("T")
Given = TypeVarTuple("Given")

CALL_SECONDS: Final = 45.0
"""For one call with all that belongs to it: the end of another process's lease, the same again after a denial."""
_NOT_REGISTERED_HERE: Final = 412


def renew_login(account: TeslaAccount, integration: str) -> None:
    """Rotate the account's tokens although they are not needed now, so that an idle login does not run out.

    Raises `CatalogueError`: AUTHENTICATION_FAILED when the login is dead, UPSTREAM errors when Tesla cannot be asked.
    """
    question = _Question(account, integration, client.products)
    stored = _stored(question)
    with translated():
        try:
            _refreshed(question, stored)
        except LoginEnded as dead:
            _with_last_token(question, stored, dead)


@dataclass(frozen=True, slots=True)
class _Question(Generic[T]):
    """A call to Tesla: `make` gets the base address, an access token of the account's, and what is `given`."""

    account: TeslaAccount
    integration: str
    make: Callable[..., T]
    given: tuple[Any, ...] = ()
    scope: str = ""


def call(
    account: TeslaAccount,
    integration: str,
    make: Callable[[str, str, *Given], T],
    *given: *Given,
    scope: str = "",
    vehicle: Vehicle | None = None,
    raw: bool = False,
) -> T:
    """Make one call with the account's token for this interface: `make(base, token, *given)`.

    Raises `CatalogueError`. With `raw`, failures that are neither about login nor consent are left as `TeslaError`,
    for callers who must know whether it may have happened.
    """
    question = _Question(account, integration, make, given, scope)
    try:
        # The place is held while another request refreshes the account's tokens too, and however often Tesla is asked.
        with place(), transport.within(CALL_SECONDS):
            try:
                answer = _call(question)
            except tesla.VehicleNotFound as missing:
                answer = _once_more_if_listed(question, vehicle, missing)
    except tesla.TeslaError as failure:
        _look_into(question, vehicle, failure)
        if raw and not isinstance(failure, _ALWAYS_TRANSLATED):
            raise
        raise translate(failure) from failure
    if integration == Integration.FLEET and account.consent == Consent.SUSPECTED:
        # A call that Tesla answers ends a suspicion.
        evidence.consent_seen(account, Consent.ACTIVE, now=timezone.now(), source=Source.API_ANSWER)
    return answer


def time_of_one() -> AbstractContextManager[None]:
    """Inside, all calls of this thread have together the time of one; what is left over gets NO_RESPONSE."""
    return transport.within(CALL_SECONDS)


_ALWAYS_TRANSLATED: Final = (
    tesla.VehicleNotFound,
    tesla.RemoteAccessDisabled,
    tesla.InService,
    tesla.OperatorFault,
    tesla.LegacyClosed,
)


def _look_into(question: _Question[T], vehicle: Vehicle | None, failure: tesla.TeslaError) -> None:
    """What a failure tells about the car is evidence; what it tells about the operator or the legacy API concerns
    everybody, and is looked into.
    """
    account, now = question.account, timezone.now()
    if isinstance(failure, tesla.OperatorFault):
        _look_into_operator_fault(question)
    elif isinstance(failure, tesla.LegacyClosed):
        legacy_api.look_into_refusal(account, failure.text)
    elif vehicle is None:
        return
    elif isinstance(failure, tesla.VehicleNotFound):
        evidence.vehicle_gone(account, vehicle, now=now)
    elif isinstance(failure, tesla.InService):
        evidence.service_seen(vehicle, now=now, source=Source.API_DENIAL)
    elif isinstance(failure, tesla.RemoteAccessDisabled):
        evidence.remote_access_refused(vehicle, now=now, source=Source.API_DENIAL)


def _look_into_operator_fault(refused: _Question[T]) -> None:
    """One odd answer stops nobody; a second, free call that is refused for the same reason does (`incidents`)."""
    account = refused.account
    if refused.integration != Integration.FLEET:
        return
    stored = store.load(account, refused.integration)
    question = _Question(account, refused.integration, client.products)
    try:
        _following_region(question, stored.access_token if stored else "")
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


def _once_more_if_listed(
    question: _Question[T], vehicle: Vehicle | None, missing: tesla.VehicleNotFound
) -> T:
    """Tesla answered that there is no such car. Believed where the account's list of cars, which is free of charge,
    lacks it too; without a list nothing is believed.
    """
    if vehicle is None:
        raise tesla.BadRequest(missing.text, status=missing.status) from missing
    lister = client.products if question.integration == Integration.LEGACY else client.vehicles
    try:
        listed = _call(_Question(question.account, question.integration, lister))
    except (tesla.VehicleNotFound, tesla.ScopeMissing) as unseen:
        # Nobody can tell now. Tesla's word is passed on, this once.
        raise CatalogueError(errors.VEHICLE_MISSING, reason=f"not looked up: {missing.text}") from unseen
    if all(each.vin != vehicle.vin for each in listed):
        raise missing
    try:
        return _call(question)
    except tesla.VehicleNotFound as again:
        raise tesla.BadRequest(f"404 for a car that is listed: {again.text}", status=again.status) from again


def _call(question: _Question[T]) -> T:
    stored, token = None, store.cached_access_token(question.account, question.integration, timezone.now())
    if not token:
        stored = _stored(question)
        if not stored.is_fresh(timezone.now()):
            try:
                stored = _refreshed(question, stored)
            except LoginEnded as dead:
                return _with_last_token(question, stored, dead)
        token = stored.access_token
    try:
        return _following_region(question, token)
    except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
        return _after_denial(question, stored or _stored(question), denial)


def _stored(question: _Question[T]) -> store.StoredTokens:
    """The account's tokens. Raises AUTHENTICATION_FAILED where there are none, INTERNAL where they cannot be opened."""
    account, integration = question.account, question.integration
    try:
        stored = store.load(account, integration)
    except encryption.DecryptionError as failure:
        log.error("the %s tokens of account %s cannot be opened: %s", integration, account.pk, failure)
        raise CatalogueError(errors.INTERNAL, reason=f"the vault: {failure}") from failure
    if stored is None:
        raise CatalogueError(errors.AUTHENTICATION_FAILED, reason="this account never signed in")
    return stored


def _refreshed(question: _Question[T], stored: store.StoredTokens) -> store.StoredTokens:
    """Fresh tokens. Raises `LoginEnded`; any other failure is told now, since the call itself was not made.

    Waiting for another process' refresh takes a place too: raises SERVER:OVERLOADED where none is free.
    """
    account = question.account
    covered = account.granted_scopes
    try:
        with slot():
            fresh = refresh.refresh(account, question.integration, stored)
    except LoginEnded:
        raise
    except tesla.TeslaError as failure:
        raise translate(failure) from failure
    if covered != account.granted_scopes:
        # Whether the loss is believed shows in the account itself, which the caller is answered by.
        evidence.apply_brake(account, timezone.now())
    return fresh


def _after_denial(question: _Question[T], stored: store.StoredTokens, denial: tesla.TeslaError) -> T:
    """Tesla denied a call. Only a refresh tells whether the person took something away: single denials are noise."""
    account, scope = question.account, question.scope
    is_fleet = question.integration == Integration.FLEET
    try:
        stored = _refreshed(question, stored)
    except LoginEnded as dead:
        raise _lost(question, dead, denied=True) from denial
    except CatalogueError:
        if is_fleet and account.consent == Consent.ACTIVE:
            # Whether the consent still stands cannot be asked now.
            now = timezone.now()
            evidence.consent_seen(account, Consent.SUSPECTED, now=now, source=Source.API_DENIAL)
        raise
    if is_fleet and scope and scope not in account.granted_scopes:
        raise CatalogueError(errors.ACCOUNT_PERMISSION, reason=f"{scope} was withdrawn") from denial
    try:
        return _following_region(question, stored.access_token)
    except (tesla.TokenRefused, tesla.ScopeMissing) as again:
        if account.consent == Consent.SUSPECTED:
            raise CatalogueError(errors.UPSTREAM_KNOWN_ISSUE, reason=again.text) from again
        raise


def _with_last_token(question: _Question[T], stored: store.StoredTokens, dead: LoginEnded) -> T:
    """The refresh token is dead. An access token that still lives tells a removal from a login that ran out."""
    is_alive = stored.access_token and stored.expires_at is not None and stored.expires_at > timezone.now()
    if not is_alive or dead.why is LoginEnd.PASSWORD_CHANGED:
        raise _lost(question, dead, denied=False) from dead
    try:
        answer = _following_region(question, stored.access_token)
    except (tesla.TokenRefused, tesla.ScopeMissing) as denial:
        raise _lost(question, dead, denied=True) from denial
    _lost(question, dead, denied=False)
    return answer


_LOSSES: Final[dict[Consent, ErrorSpec]] = {
    Consent.REVOKED: errors.ACCOUNT_PERMISSION,
    Consent.SIGN_IN_NEEDED: errors.AUTHENTICATION_FAILED,
}


def _lost(question: _Question[T], dead: LoginEnded, *, denied: bool) -> CatalogueError:
    """Write that access was lost, and the error that says so; while too many lose it at once, Tesla has a problem.

    It was removed where a call was denied too, unless the end of the login is known to have another cause.
    """
    account, now = question.account, timezone.now()
    if question.integration == Integration.LEGACY:
        evidence.legacy_login_seen(account, works=False, now=now)
        return CatalogueError(errors.AUTHENTICATION_FAILED, reason=dead.text)
    consent, source = Consent.SIGN_IN_NEEDED, str(dead.why)
    if denied and not dead.is_explained:
        consent, source = Consent.REVOKED, Source.API_DENIAL
    evidence.consent_seen(account, consent, now=now, source=source)
    if not evidence.apply_brake(account, now):
        return CatalogueError(errors.UPSTREAM_KNOWN_ISSUE, reason=f"held back: {dead.text}")
    return CatalogueError(_LOSSES[consent], reason=dead.text)


def _following_region(question: _Question[T], token: str) -> T:
    """The answer of the account's host, or of the one that this names as the account's; that one is remembered."""
    account = question.account
    base = api_base(account, question.integration)
    try:
        with slot():
            return question.make(base, token, *question.given)
    except tesla.OutOfRegion as moved:
        host = next((url for url in paths.FLEET_API_HOSTS.values() if url in moved.text), "")
        # Where the address is configured, or simulated, the token goes nowhere else.
        if not host or host == account.api_host or origins(account.mode).api:
            raise
        account.api_host = host
        account.save(update_fields=["api_host"])
        with slot():
            return question.make(host, token, *question.given)
