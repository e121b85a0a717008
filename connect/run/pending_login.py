"""A login at Tesla that was begun and has not come back: in which browser, by which `state`, and what for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.db.models import QuerySet

from connect.models import ConnectSession, OwnerVisit, PersonVisit, Step
from connect.problems.catalogue import ANOTHER_BROWSER, EXPIRED, USED_LOGIN, ConnectProblem
from connect.run import browser
from vehicles.client_credentials import checksum


class Purpose(StrEnum):
    """What somebody signs in for."""

    RUN = "run"
    OWNER_LINK = "owner_link"
    OWN_PAGE = "own_page"


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """The row that waits for the login: a run, an owner's visit or a person's visit to their own page."""

    purpose: Purpose
    row: Any


_WAITING: Final[dict[Purpose, Callable[[], QuerySet[Any]]]] = {
    Purpose.OWNER_LINK: lambda: OwnerVisit.objects.select_related(
        "grant__connection__application", "grant__connection__vehicle", "grant__account"
    ),
    Purpose.OWN_PAGE: PersonVisit.objects.all,
    Purpose.RUN: lambda: ConnectSession.objects.filter(step=Step.TESLA).select_related(
        "application", "account", "connection__vehicle"
    ),
}


def returning(state: str, browser_secret: str, now: datetime) -> PendingLogin:
    """What a callback with this `state` belongs to; the state is used up by this.

    Raises `ConnectProblem` for a state that is unknown or used, for another browser, and for an expired run.
    """
    pending = _find(checksum(state)) if state else None
    if pending is None:
        raise ConnectProblem(USED_LOGIN)
    row = pending.row
    if not browser.has_checksum(browser_secret, row.browser_checksum):
        raise ConnectProblem(ANOTHER_BROWSER)
    if pending.purpose is Purpose.RUN and not row.is_open(now):
        raise ConnectProblem(EXPIRED)
    unused = type(row).objects.filter(pk=row.pk, tesla_state_checksum=checksum(state))
    if not unused.update(tesla_state_checksum=""):
        raise ConnectProblem(USED_LOGIN)
    return pending


def _find(state_checksum: str) -> PendingLogin | None:
    for purpose, rows in _WAITING.items():
        row = rows().filter(tesla_state_checksum=state_checksum).first()
        if row is not None:
            return PendingLogin(purpose, row)
    return None
