"""The consent axis: what the person agreed to at Tesla, as tokens and denials tell it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction

from vehicles import facts, history
from vehicles.diagnosis import Consent
from vehicles.history import Kind
from vehicles.models import TeslaAccount

TOKEN: Final = "token"  # noqa: S105  (the name of a source)
API_DENIAL: Final = "api_denial"


def scopes_seen(account: TeslaAccount, scopes: Iterable[str], *, now: datetime, source: str = TOKEN) -> None:
    """A fresh access token names these scopes: the consent is alive, and this is what it covers."""
    granted = sorted(scopes)
    with transaction.atomic():
        if granted != sorted(account.granted_scopes):
            history.record(
                Kind.SCOPES_CHANGED,
                actor=history.SYSTEM,
                at=now,
                account=account,
                before=sorted(account.granted_scopes),
                after=granted,
                source=source,
            )
            account.granted_scopes = granted
            account.save(update_fields=["granted_scopes"])
        # Rewrites the verdicts too, for the scopes as for the consent.
        consent_seen(account, Consent.ACTIVE, now=now, source=source)


def consent_seen(account: TeslaAccount, consent: Consent, *, now: datetime, source: str) -> None:
    """What the consent axis of the account is now, and how we know."""
    with transaction.atomic():
        if account.consent != consent:
            history.record(
                Kind.CONSENT_CHANGED,
                actor=history.SYSTEM,
                at=now,
                account=account,
                before=str(account.consent),
                after=str(consent),
                source=source,
            )
            account.consent, account.consent_since = str(consent), now
        account.consent_source, account.consent_observed_at = source, now
        account.save(update_fields=["consent", "consent_since", "consent_source", "consent_observed_at"])
        facts.refresh_verdicts(facts.grants_of_account(account), now)
