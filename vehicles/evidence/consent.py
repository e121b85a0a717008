"""The consent axis: what the person agreed to at Tesla, as logins, tokens and denials tell it.

A change for the worse is a flip. Too many flips at once mean that Tesla has a problem, not that people left: then the
brake holds them back (`incidents`). Held means `suspected`, which blocks nothing and keeps what was granted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from vehicles import facts, history
from vehicles.diagnosis import Consent
from vehicles.evidence import incidents
from vehicles.facts.sources import Source
from vehicles.history import Kind
from vehicles.models import Event, TeslaAccount
from vehicles.permissions import covered_by

_WORSE: Final = (Consent.REVOKED, Consent.SIGN_IN_NEEDED)
_AXIS: Final = (
    "consent",
    "consent_since",
    "granted_scopes",
    "scopes_lost",
    "flipped_at",
    "legacy_login_lost_at",
)


def scopes_seen(
    account: TeslaAccount, scopes: Iterable[str], *, now: datetime, source: str = Source.TOKEN
) -> None:
    """A fresh access token names these scopes: the consent is alive, and this is what it covers."""
    granted = sorted(scopes)
    with transaction.atomic():
        _hold(account)
        # What the person chose at Tesla's own page is never held back.
        narrower = source != Source.LOGIN and not set(account.granted_scopes) <= set(granted)
        if narrower and incidents.is_braked(account.mode):
            _become(account, Consent.SUSPECTED, now=now, source=source)
            return
        if granted != sorted(account.granted_scopes):
            _take_scopes(account, granted, now=now, source=source)
        _become(account, Consent.ACTIVE, now=now, source=source, flips=narrower)


def consent_seen(account: TeslaAccount, consent: Consent, *, now: datetime, source: str) -> None:
    """What the consent axis of the account is now, and how we know. A flip is held back while the brake is on."""
    with transaction.atomic():
        _hold(account)
        flips = consent in _WORSE and account.consent not in _WORSE
        if flips and incidents.is_braked(account.mode):
            _become(account, Consent.SUSPECTED, now=now, source=source)
        else:
            _become(account, consent, now=now, source=source, flips=flips)


def legacy_login_seen(
    account: TeslaAccount, *, works: bool, now: datetime, source: str = Source.TOKEN
) -> None:
    """Whether the login of the older interface works. It says nothing of the consent to the current one."""
    if works == (account.legacy_login_lost_at is None):
        return
    words = ("lost", "works") if works else ("works", "lost")
    with transaction.atomic():
        _hold(account)
        if works == (account.legacy_login_lost_at is None):
            return
        _record(account, Kind.LEGACY_LOGIN_CHANGED, *words, now, source)
        account.legacy_login_lost_at = None if works else now
        account.save(update_fields=["legacy_login_lost_at"])
        facts.refresh_verdicts(facts.grants_of_account(account), now)


def apply_brake(account: TeslaAccount, now: datetime) -> bool:
    """Apply the brake where the flip just seen of this account was one too many; returns whether the flip is believed.

    Flips that the brake holds back are taken back, this one among them. Call it outside of any transaction, after the
    flip was written.
    """
    if account.consent == Consent.SUSPECTED:
        return False
    if incidents.pull_brake(account.mode, now) or incidents.is_braked(account.mode):
        # Also where another process pulled it: this flip may have been written too late to be taken back there.
        _take_flips_back(account.mode, now)
        account.refresh_from_db(fields=["consent", "granted_scopes", "flipped_at"])
    return account.consent != Consent.SUSPECTED


def _hold(account: TeslaAccount) -> None:
    """Lock the row and bring the account up to date, so that what is written as `before` is what was there."""
    account.refresh_from_db(fields=_AXIS, from_queryset=TeslaAccount.objects.select_for_update())


def _become(
    account: TeslaAccount, consent: Consent, *, now: datetime, source: str, flips: bool = False
) -> None:
    recovers = account.consent in _WORSE
    if account.consent != consent:
        _record(account, Kind.CONSENT_CHANGED, str(account.consent), str(consent), now, source)
        account.consent, account.consent_since = str(consent), now
    account.consent_source, account.consent_observed_at = source, now
    if flips:
        account.flipped_at = now
    elif source == Source.LOGIN or (recovers and consent == Consent.ACTIVE):
        account.flipped_at = None
    account.save(
        update_fields=["consent", "consent_since", "consent_source", "consent_observed_at", "flipped_at"]
    )
    facts.refresh_verdicts(facts.grants_of_account(account), now)


def _take_scopes(account: TeslaAccount, granted: list[str], *, now: datetime, source: str) -> None:
    _record(account, Kind.SCOPES_CHANGED, sorted(account.granted_scopes), granted, now, source)
    lost = set(account.granted_scopes) - set(granted)
    kept = {scope: entry for scope, entry in account.scopes_lost.items() if scope not in granted}
    account.scopes_lost = kept | {
        scope: {"since": now.isoformat(), "source": source} for scope in sorted(lost)
    }
    account.granted_scopes = granted
    account.save(update_fields=["granted_scopes", "scopes_lost"])
    _cover_grants(account, now=now, source=source)


def _cover_grants(account: TeslaAccount, *, now: datetime, source: str) -> None:
    """What Tesla had not granted when a grant moved works by itself once it is granted; lost later, it is withdrawn."""
    waiting = facts.grants_of_account(account).exclude(not_granted=[])
    for grant in waiting.select_related("connection__application", "connection__vehicle"):
        before, covered = grant.not_granted, covered_by(grant.not_granted, account.granted_scopes)
        if not covered:
            continue
        grant.not_granted = [name for name in before if name not in covered]
        grant.save(update_fields=["not_granted"])
        history.record(
            Kind.GRANT_COVERED,
            actor=history.SYSTEM,
            at=now,
            application=grant.connection.application,
            account=account,
            vehicle=grant.connection.vehicle,
            grant=grant,
            before=before,
            after=grant.not_granted,
            source=source,
        )


def _record(
    account: TeslaAccount,
    kind: Kind,
    before: str | list[str],
    after: str | list[str],
    now: datetime,
    source: str,
) -> None:
    history.record(
        kind, actor=history.SYSTEM, at=now, account=account, before=before, after=after, source=source
    )


def _take_flips_back(mode: str, now: datetime) -> None:
    """What flipped in the minutes before the brake was pulled most likely did not: suspected, with its old scopes."""
    for pk in incidents.flipped_lately(mode, now):
        with transaction.atomic():
            account = TeslaAccount.objects.select_for_update().filter(pk=pk).first()
            if account is None:  # erased meanwhile
                continue
            scopes = _scopes_before(account, now)
            if scopes is not None:
                _take_scopes(account, scopes, now=now, source=Source.INCIDENT)
            account.flipped_at = None
            _become(account, Consent.SUSPECTED, now=now, source=Source.INCIDENT)


def _scopes_before(account: TeslaAccount, now: datetime) -> list[str] | None:
    """What the account's tokens covered before they narrowed in the minutes that the brake looks at."""
    narrowed = Event.objects.filter(
        account_id=account.pk,
        kind=Kind.SCOPES_CHANGED,
        at__gt=now - incidents.BRAKE_WINDOW,
        data__source=Source.TOKEN,
    )
    first = narrowed.order_by("pk").first()
    return list(first.data["before"]) if first else None


def suspects(mode: str, *, seen_before: datetime) -> QuerySet[TeslaAccount]:
    """The accounts under suspicion that were last looked at before then, in no order."""
    waiting = TeslaAccount.objects.filter(
        mode=mode, consent=Consent.SUSPECTED, consent_observed_at__lt=seen_before
    )
    return waiting.order_by("?")
