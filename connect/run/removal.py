"""The guide through removing access at Tesla, for a consent that Tesla uses again without asking (Fleet API:
third-party tokens).

Tesla keeps one consent for all applications of the operator. Removing it pauses them all until the person signs in
again, so they are named first. Nothing is ticked that was not seen: the removal shows when the login is renewed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connect.keys import key_page
from connect.models import ConnectSession, Step
from connect.run import consent
from vehicles import origins, sync

REFRESH_EVERY_SECONDS: Final = 5
"""Younger observations answer from the store, however often a page asks."""
SEEN: Final[dict[bool, str | Promise]] = {
    False: _("Waiting until Tesla says that access was removed."),
    True: _("Access is removed. Now sign in at Tesla again."),
}


@dataclass(frozen=True, slots=True)
class Guide:
    """What the guide shows. `others` are the applications that pause until the person signs in again."""

    is_removed: bool
    others: list[str]
    account_hint: str
    tesla_page: str

    @property
    def state_text(self) -> str | Promise:
        return SEEN[self.is_removed]


def is_open(session: ConnectSession) -> bool:
    """Whether the run stands where a removal can help."""
    return session.step == Step.PERMISSIONS and session.account_id is not None and session.ended_at is None


def guide(session: ConnectSession, now: datetime) -> Guide:
    """The guide for this run, its state fresh."""
    account = sync.refresh_consent(consent.signed_in_account(session), now, REFRESH_EVERY_SECONDS)
    way_back = settings.PUBLIC_URL + reverse("connect:removal", args=[session.pk])
    return Guide(
        is_removed=account.consent in consent.ENDED,
        others=list(consent.other_applications(session)),
        account_hint=key_page.masked(account.email),
        tesla_page=origins.consent_page(session.mode, way_back),
    )
