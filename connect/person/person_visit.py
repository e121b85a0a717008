"""A person's visit to their own page: who they are, told by Tesla, for half an hour in one browser.

The login asks Tesla only for the identity: no refresh token comes of it, so none of the stored ones is rotated away.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from connect.models import PersonVisit
from connect.problems.catalogue import NOTHING_CONNECTED, USED_LOGIN, ConnectProblem
from connect.run import tesla_login
from vehicles.client_credentials import checksum
from vehicles.models import User
from vehicles.permissions import IDENTITY

LASTS: Final = timedelta(minutes=30)
SIGN_IN_WITHIN: Final = timedelta(hours=1)
OVER_AFTER: Final = SIGN_IN_WITHIN + LASTS


def to_tesla(mode: str, browser_secret: str, now: datetime) -> str:
    """Tesla's login page for this browser; whoever is signed in there is asked again who they are."""
    state = secrets.token_urlsafe(32)
    PersonVisit.objects.update_or_create(
        browser_checksum=checksum(browser_secret),
        defaults={
            "mode": mode,
            "tesla_state_checksum": checksum(state),
            "began_at": now,
            "account": None,
            "signed_in_at": None,
        },
    )
    return tesla_login.address(mode, state, IDENTITY, another_account=True)


def complete(visit: PersonVisit, sent_back: tesla_login.Return, now: datetime) -> None:
    """Take what Tesla sent back. Raises `ConnectProblem`, also for an account that is not connected here."""
    if now - visit.began_at > SIGN_IN_WITHIN:
        raise ConnectProblem(USED_LOGIN)
    account = tesla_login.identify(visit.mode, sent_back)
    if account is None:
        raise ConnectProblem(NOTHING_CONNECTED)
    PersonVisit.objects.filter(pk=visit.pk).update(account=account, signed_in_at=now)


def person_of(browser_secret: str, now: datetime) -> User | None:
    """Who signed in with this browser less than half an hour ago; None for nobody."""
    visits = PersonVisit.objects.select_related("account__person").filter(signed_in_at__gt=now - LASTS)
    visit = visits.filter(browser_checksum=checksum(browser_secret)).first() if browser_secret else None
    return visit.account.person if visit and visit.account else None


def leave(browser_secret: str) -> None:
    """Forget who signed in with this browser."""
    PersonVisit.objects.filter(browser_checksum=checksum(browser_secret)).delete()
