"""The owner's link: how a car that a driver connected gets its key.

The owner signs in at Tesla, so that Tesla lets them add the key, and adds it. Nothing here can give a grant or a code:
what the application may do stays what the driver allowed. The link is signed, good for a week, and dead once the
driver's grant is.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core import signing
from django.db import transaction

from connect.keys import key_page as keys
from connect.keys.key_page import KeyPage
from connect.models import ConnectSession, OwnerVisit
from connect.problems.catalogue import UNKNOWN_RUN, ConnectProblem
from connect.problems.link_problems import (
    CARS_HIDDEN,
    NOT_THE_OWNER,
    OWNER_LINK_EXPIRED,
    OWNER_LINK_WITHDRAWN,
    SIGN_IN_TOO_SLOW,
)
from connect.run import tesla_login
from connect.run.consent import SHOWS_CARS
from vehicles import facts, history, owner_links, sync
from vehicles.client_credentials import checksum
from vehicles.diagnosis import Access
from vehicles.errors import CatalogueError
from vehicles.grants import erasure
from vehicles.history import Kind
from vehicles.models import Application, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.permissions import covered_by, tesla_scopes_for

NAME_THE_CAR: Final = frozenset({"read_vehicle_info", "read_vin"})
"""What an application may read that shows which car it is."""
GOOD_FOR: Final = timedelta(days=7)
SIGN_IN_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OwnerLink:
    """A link that was found in order: the driver's grant it belongs to, and when it was made."""

    grant: VehicleGrant
    made_at: datetime

    @property
    def token(self) -> str:
        return token(self.grant, self.made_at)

    @property
    def application(self) -> Application:
        return self.grant.connection.application

    @property
    def vehicle(self) -> Vehicle:
        return self.grant.connection.vehicle

    @property
    def names_the_car(self) -> bool:
        """Whether its page may say which car it is to whoever holds the link: the application may be among them."""
        return not NAME_THE_CAR.isdisjoint(facts.working_permissions(self.grant))

    @property
    def support_code(self) -> str:
        """That of the driver's newest run, by which staff find both; empty where the driver never ran through it."""
        runs = ConnectSession.objects.filter(account=self.grant.account_id, application=self.application)
        return runs.order_by("-created_at").values_list("support_code", flat=True).first() or ""


def grant_of(session: ConnectSession, vehicle: Vehicle) -> VehicleGrant | None:
    """What the driver gave in this run for the car; None once it was taken away."""
    return (
        VehicleGrant.objects.active()
        .filter(
            account=session.account, connection__application=session.application, connection__vehicle=vehicle
        )
        .first()
    )


def token(grant: VehicleGrant, made_at: datetime) -> str:
    """The signed word of the link that was made then; the same however often it is written."""
    return owner_links.token(grant, made_at)


def address(grant: VehicleGrant, made_at: datetime) -> str:
    """The whole address of the link, to be passed on."""
    return owner_links.address(grant, made_at)


def open_link(word: str, now: datetime) -> OwnerLink:
    """The link behind a signed word. Raises `ConnectProblem` when it is forged, old, or no longer wanted."""
    try:
        grant_id, made_at = owner_links.unsigned(word)
    except signing.BadSignature:
        raise ConnectProblem(UNKNOWN_RUN) from None
    grants = VehicleGrant.objects.select_related("connection__application", "connection__vehicle", "account")
    grant = grants.filter(pk=grant_id).first()
    if grant is None:
        raise ConnectProblem(UNKNOWN_RUN)
    return _standing(OwnerLink(grant, made_at), now)


def _standing(link: OwnerLink, now: datetime) -> OwnerLink:
    if now - link.made_at > GOOD_FOR:
        raise ConnectProblem(OWNER_LINK_EXPIRED)
    if link.grant.revoked_at is not None:
        raise ConnectProblem(OWNER_LINK_WITHDRAWN)
    return link


def link_of(visit: OwnerVisit, now: datetime) -> OwnerLink:
    """The link that the visitor followed. Raises `ConnectProblem` when it is over."""
    return _standing(OwnerLink(visit.grant, visit.link_made_at), now)


def visit_of(link: OwnerLink, browser_secret: str) -> OwnerVisit | None:
    """The visit of an owner who signed in with this browser; None before."""
    visits = OwnerVisit.objects.select_related("account").filter(grant=link.grant)
    return visits.filter(browser_checksum=checksum(browser_secret), account__isnull=False).first()


def to_tesla(link: OwnerLink, browser_secret: str, now: datetime, *, another_account: bool = False) -> str:
    """Tesla's login page for the owner, asking for no more than Tesla needs to let them add a key.

    An owner who is known here is asked for what their own applications hold as well, which would end otherwise.
    """
    state = secrets.token_urlsafe(32)
    OwnerVisit.objects.update_or_create(
        grant=link.grant,
        browser_checksum=checksum(browser_secret),
        defaults={
            "link_made_at": link.made_at,
            "tesla_state_checksum": checksum(state),
            "began_at": now,
        },
    )
    # In the driver's own browser Tesla would take the driver once more.
    runs_here = ConnectSession.objects.filter(browser_checksum=checksum(browser_secret))
    is_drivers = runs_here.filter(account=link.grant.account).exists()
    return tesla_login.address(
        link.grant.mode,
        state,
        tesla_scopes_for([*tesla_login.held_by(_known_owners(link)), SHOWS_CARS]),
        another_account=another_account or is_drivers,
    )


def _known_owners(link: OwnerLink) -> list[TeslaAccount]:
    owned = VehicleAccess.objects.filter(
        vehicle=link.vehicle,
        access_type=Access.OWNER,
        missing_since=None,
        account__mode=link.grant.mode,
    )
    return [access.account for access in owned.select_related("account")]


def complete(visit: OwnerVisit, sent_back: tesla_login.Return, now: datetime) -> None:
    """Take what Tesla sent back, if the account owns the car. Raises `ConnectProblem`, `CatalogueError`."""
    if now - visit.began_at > SIGN_IN_WITHIN:
        raise ConnectProblem(SIGN_IN_TOO_SLOW)
    account = tesla_login.redeem(visit.grant.mode, sent_back)
    try:
        _refuse_unless_owned(account, visit.grant.connection.vehicle, now)
    except (ConnectProblem, CatalogueError):
        _forget_newcomer(account, visit, now)
        raise
    with transaction.atomic():
        OwnerVisit.objects.filter(pk=visit.pk).update(account=account, signed_in_at=now)
        history.record(
            Kind.OWNER_SIGNED_IN,
            actor=history.person(account.person),
            at=now,
            application=visit.grant.connection.application,
            account=account,
            vehicle=visit.grant.connection.vehicle,
            grant=visit.grant,
        )


def _forget_newcomer(account: TeslaAccount, visit: OwnerVisit, now: datetime) -> None:
    """Keep nothing of somebody who came here for the first time with this login, and for nothing."""
    came_with_it = account.created_at >= visit.began_at
    is_used = account.grants.exists() or ConnectSession.objects.filter(account=account).exists()
    if came_with_it and not is_used:
        erasure.erase(account.person, actor=history.person(account.person), now=now)


def _refuse_unless_owned(account: TeslaAccount, vehicle: Vehicle, now: datetime) -> None:
    if not covered_by([SHOWS_CARS], account.granted_scopes):
        raise ConnectProblem(CARS_HIDDEN)
    accesses = sync.vehicles_of(account, now)
    if not any(row.vehicle_id == vehicle.pk and row.access_type == Access.OWNER for row in accesses):
        raise ConnectProblem(NOT_THE_OWNER)


def key_page(visit: OwnerVisit, now: datetime) -> KeyPage:
    """The car's key page for the owner who signed in. Raises `ConnectProblem` when it is no longer their car."""
    access = VehicleAccess.objects.select_related("vehicle", "account").filter(
        account=visit.account,
        vehicle=visit.grant.connection.vehicle_id,
        access_type=Access.OWNER,
        missing_since=None,
    )
    found = access.first()
    if found is None:
        raise ConnectProblem(NOT_THE_OWNER)
    return keys.page_of(found, visit.signed_in_at or visit.began_at, now)
