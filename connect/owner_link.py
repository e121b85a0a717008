"""The owner's link: how a car that a driver connected gets its key.

The owner signs in at Tesla, so that Tesla lets them add the key, and adds it. Nothing here can give a grant or a code:
what the application may do stays what the driver allowed. The link is signed, good for a week from the beginning of the
driver's run, and dead once the driver's grant is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from connect import browser, keys, tesla_login
from connect.consent import SHOWS_CARS
from connect.keys import KeyPage
from connect.models import ConnectSession, OwnerVisit
from connect.problems import (
    ANOTHER_BROWSER,
    CARS_HIDDEN,
    NOT_THE_OWNER,
    OWNER_LINK_EXPIRED,
    OWNER_LINK_WITHDRAWN,
    SIGN_IN_TOO_SLOW,
    UNKNOWN_RUN,
    USED_LOGIN,
    ConnectProblem,
)
from vehicles import history, sync
from vehicles.client_credentials import checksum
from vehicles.diagnosis import Access
from vehicles.history import Kind
from vehicles.models import Application, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.permissions import covered_by, tesla_scopes_for

GOOD_FOR: Final = timedelta(days=7)
SIGN_IN_WITHIN: Final = timedelta(hours=1)
_SALT: Final = "connect.owner"


@dataclass(frozen=True, slots=True)
class OwnerLink:
    """A link that was found in order: whose run it belongs to, and the car that wants the key."""

    token: str
    session: ConnectSession
    vehicle: Vehicle

    @property
    def application(self) -> Application:
        return self.session.application


def token(session: ConnectSession, vehicle: Vehicle) -> str:
    """The signed word of the link; the same however often it is made."""
    return signing.Signer(salt=_SALT).sign_object([session.pk.hex, vehicle.pk.hex])


def address(session: ConnectSession, vehicle: Vehicle) -> str:
    """The whole address of the link, to be passed on."""
    return str(settings.PUBLIC_URL) + reverse("connect:owner", args=[token(session, vehicle)])


def read(word: str, now: datetime) -> OwnerLink:
    """The link behind a signed word. Raises `ConnectProblem` when it is forged, old, or no longer wanted."""
    try:
        session_id, vehicle_id = signing.Signer(salt=_SALT).unsign_object(word)
    except signing.BadSignature:
        raise ConnectProblem(UNKNOWN_RUN) from None
    session = ConnectSession.objects.select_related("application").filter(pk=session_id).first()
    vehicle = Vehicle.objects.filter(pk=vehicle_id).first()
    if session is None or vehicle is None:
        raise ConnectProblem(UNKNOWN_RUN)
    if now - session.created_at > GOOD_FOR:
        raise ConnectProblem(OWNER_LINK_EXPIRED)
    if not _is_wanted(session, vehicle):
        raise ConnectProblem(OWNER_LINK_WITHDRAWN)
    return OwnerLink(word, session, vehicle)


def _is_wanted(session: ConnectSession, vehicle: Vehicle) -> bool:
    standing = VehicleGrant.objects.filter(account=session.account, revoked_at=None)
    return standing.filter(connection__application=session.application, connection__vehicle=vehicle).exists()


def visit_of(link: OwnerLink, browser_secret: str) -> OwnerVisit | None:
    """The visit of an owner who signed in with this browser; None before."""
    visits = OwnerVisit.objects.select_related("account").filter(session=link.session, vehicle=link.vehicle)
    return visits.filter(browser_checksum=checksum(browser_secret), account__isnull=False).first()


def to_tesla(link: OwnerLink, browser_secret: str, now: datetime, *, another_account: bool = False) -> str:
    """Tesla's login page for the owner, asking for no more than Tesla needs to let them add a key."""
    state = secrets.token_urlsafe(32)
    OwnerVisit.objects.update_or_create(
        session=link.session,
        vehicle=link.vehicle,
        browser_checksum=checksum(browser_secret),
        defaults={"tesla_state_checksum": checksum(state), "began_at": now},
    )
    # In the driver's own browser Tesla would take the driver once more.
    is_drivers = browser.is_of(link.session, browser_secret)
    return tesla_login.address(
        link.session.mode,
        state,
        browser_secret,
        tesla_scopes_for([SHOWS_CARS]),
        another_account=another_account or is_drivers,
    )


def returning(state: str, browser_secret: str) -> OwnerVisit | None:
    """The visit that a callback with this `state` belongs to, the state used up; None where it is no visit's.

    Raises `ConnectProblem` for another browser.
    """
    wanted = checksum(state)
    visits = OwnerVisit.objects.select_related("session__application", "vehicle")
    visit = visits.filter(tesla_state_checksum=wanted).first() if state else None
    if visit is None:
        return None
    if not browser.has_checksum(browser_secret, visit.browser_checksum):
        raise ConnectProblem(ANOTHER_BROWSER)
    unused = OwnerVisit.objects.filter(pk=visit.pk, tesla_state_checksum=wanted)
    if not unused.update(tesla_state_checksum=""):
        raise ConnectProblem(USED_LOGIN)
    return visit


def complete(visit: OwnerVisit, sent_back: tesla_login.Return, now: datetime) -> None:
    """Take what Tesla sent back, if the account owns the car. Raises `ConnectProblem`, `CatalogueError`."""
    if now - visit.began_at > SIGN_IN_WITHIN:
        raise ConnectProblem(SIGN_IN_TOO_SLOW)
    account = tesla_login.redeem(visit.session.mode, sent_back)
    _refuse_unless_owned(account, visit.vehicle, now)
    with transaction.atomic():
        OwnerVisit.objects.filter(pk=visit.pk).update(account=account, signed_in_at=now)
        history.record(
            Kind.OWNER_SIGNED_IN,
            actor=history.person(account.person),
            at=now,
            application=visit.session.application,
            account=account,
            vehicle=visit.vehicle,
            session=str(visit.session_id),
        )


def _refuse_unless_owned(account: TeslaAccount, vehicle: Vehicle, now: datetime) -> None:
    if not covered_by([SHOWS_CARS], account.granted_scopes):
        raise ConnectProblem(CARS_HIDDEN)
    accesses = sync.vehicles_of(account, now)
    if not any(row.vehicle_id == vehicle.pk and row.access_type == Access.OWNER for row in accesses):
        raise ConnectProblem(NOT_THE_OWNER)


def key_page(visit: OwnerVisit, now: datetime) -> KeyPage:
    """The car's key page for the owner who signed in. Raises `ConnectProblem` when it is no longer their car."""
    access = VehicleAccess.objects.select_related("vehicle", "account").filter(
        account=visit.account, vehicle=visit.vehicle_id, access_type=Access.OWNER, missing_since=None
    )
    found = access.first()
    if found is None:
        raise ConnectProblem(NOT_THE_OWNER)
    return keys.page_of(found, visit.signed_in_at or visit.began_at, now)
