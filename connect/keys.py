"""The key step: a page for each car that lacks the virtual key, and the signed link that shows it on another device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

import segno
from django.core import signing
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connect import flow
from connect.models import ConnectSession, Step
from connect.problems import UNKNOWN_RUN, ConnectProblem
from vehicles import pairing
from vehicles.diagnosis import Access, Key
from vehicles.models import TeslaAccount, Vehicle, VehicleAccess

LOOK_EVERY_SECONDS: Final = 4
"""Younger observations answer from the store, however often a page asks."""
SHARED_SECONDS: Final = 24 * 3600
_SALT: Final = "connect.keys"

STATE_TEXTS: Final[dict[str, str | Promise]] = {
    Key.PRESENT: _("The key is on the car."),
    Key.NOT_REQUIRED: _("This car needs no key."),
    Key.ABSENT: _("Waiting for the key."),
    Key.UNKNOWN: _("Tesla has not told us yet whether the key is on the car."),
    Key.CONFLICT: _("Tesla and the car disagree about the key. It may take a few minutes."),
}


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One car's key page. `number` of `total` counts the cars of this run that lacked the key."""

    vehicle: Vehicle
    account: TeslaAccount
    is_owner: bool
    number: int
    total: int
    may_skip: bool

    @property
    def is_done(self) -> bool:
        return not pairing.needs_key(self.vehicle)

    @property
    def state_text(self) -> str | Promise:
        return STATE_TEXTS[self.vehicle.key]

    @property
    def pairing_link(self) -> str:
        return pairing.link(self.vehicle)

    @property
    def account_hint(self) -> str:
        return masked(self.account.email)


def queue_for(vehicles: Sequence[Vehicle]) -> list[str]:
    """Ids of the cars that need a key page, in this order."""
    return [str(vehicle.pk) for vehicle in vehicles if pairing.needs_key(vehicle)]


def current_page(session: ConnectSession, now: datetime) -> KeyPage | None:
    """The page of the first car that is neither done nor skipped, its key state fresh; None when all are."""
    left = _left(session)
    return _page(session, left[0], now) if left else None


def is_waiting(session: ConnectSession) -> bool:
    """Whether a car's key page has not been left yet."""
    return bool(_left(session))


def _left(session: ConnectSession) -> list[str]:
    settled = {*session.keys_added, *session.skipped_keys}
    return [vehicle_id for vehicle_id in session.key_queue if vehicle_id not in settled]


def _page(session: ConnectSession, vehicle_id: str, now: datetime) -> KeyPage:
    access = (
        VehicleAccess.objects.select_related("vehicle", "account")
        .filter(account=session.account, vehicle_id=vehicle_id)
        .first()
    )
    if access is None:
        raise ConnectProblem(UNKNOWN_RUN)
    vehicle = pairing.look(access.vehicle, access.account, now, LOOK_EVERY_SECONDS)
    return KeyPage(
        vehicle=vehicle,
        account=access.account,
        is_owner=access.access_type == Access.OWNER,
        number=session.key_queue.index(vehicle_id) + 1,
        total=len(session.key_queue),
        may_skip=may_skip(session),
    )


def may_skip(session: ConnectSession) -> bool:
    """Whether the key may wait: an application that requires one is content with one car that can take commands."""
    if not session.application.requires_key:
        return True
    chosen = Vehicle.objects.filter(pk__in=session.chosen_vehicles)
    return chosen.filter(key__in=[Key.PRESENT, Key.NOT_REQUIRED]).exists()


def leave(session: ConnectSession, page: KeyPage, now: datetime, *, skip: bool) -> bool:
    """Leave this car's page, if it may be left so; False when it may not, or was left already."""
    if not (page.is_done or (skip and page.may_skip)):
        return False
    field = "keys_added" if page.is_done else "skipped_keys"
    return flow.move(session, Step.KEYS, now, **{field: [*getattr(session, field), str(page.vehicle.pk)]})


def shared_token(session: ConnectSession, vehicle: Vehicle) -> str:
    """A signed word for one car's key page, good for a day on any device; it allows looking, nothing else."""
    return signing.dumps([session.pk.hex, vehicle.pk.hex], salt=_SALT)


def shared_page(token: str, now: datetime) -> tuple[ConnectSession, KeyPage]:
    """The run and the car's page behind a signed word. Raises `ConnectProblem` when it is forged or old."""
    try:
        session_id, vehicle_id = signing.loads(token, salt=_SALT, max_age=SHARED_SECONDS)
    except signing.BadSignature:
        raise ConnectProblem(UNKNOWN_RUN) from None
    session = ConnectSession.objects.select_related("application").filter(pk=session_id).first()
    if session is None:
        raise ConnectProblem(UNKNOWN_RUN)
    known = next((item for item in session.key_queue if item.replace("-", "") == vehicle_id), None)
    if known is None or session.account_id is None:
        raise ConnectProblem(UNKNOWN_RUN)
    return session, _page(session, known, now)


def qr_code(address: str) -> str:
    """The address as an SVG drawing, black on transparent, to be put into a page."""
    drawing = BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(
        drawing, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=1, svgclass=None, lineclass=None
    )
    return drawing.getvalue().decode()


def masked(email: str) -> str:
    """An e-mail address that its owner recognises and nobody else learns: `a•••@example.com`."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}" if at else ""
