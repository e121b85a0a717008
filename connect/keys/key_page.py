"""What one car's key page shows, wherever it is shown: in a run, on another device, to an owner behind a link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connect.keys import key_causes
from connect.keys.key_causes import Evidence
from connect.keys.qr import qr_code
from connect.templatetags.plain_words import called
from vehicles import pairing
from vehicles.diagnosis import Access, Key
from vehicles.facts import MOST_KEYS
from vehicles.models import TeslaAccount, Vehicle, VehicleAccess

REFRESH_EVERY_SECONDS: Final = 4
"""Younger observations answer from the store, however often a page asks."""
STUCK_AFTER: Final = timedelta(minutes=1)
"""A key mostly arrives within seconds; from here on the page tells the usual reasons."""
_OFFLINE_FOR_SECONDS: Final = 20

STATE_TEXTS: Final[dict[str, str | Promise]] = {
    Key.PRESENT: _("The key is on the car."),
    Key.NOT_REQUIRED: _("This car needs no key."),
    Key.ABSENT: _("Waiting for the key. It mostly arrives within a minute."),
    Key.UNKNOWN: _("Tesla has not told us yet whether the key is on the car."),
    Key.CONFLICT: _("Tesla and the car disagree about the key. It may take a few minutes."),
}
STUCK_TEXT: Final = _("The key has not arrived yet. Below are the usual reasons.")
DRIVERS_TEXT: Final = _("Waiting for the owner to add the key.")


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause of `key_causes` in words for this car."""

    code: str
    title: str
    app_says: str
    step: str


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One car's key page, for the person behind this account. `evidence` is there once the wait is a long one."""

    vehicle: Vehicle
    account: TeslaAccount
    is_owner: bool
    evidence: Evidence | None = None

    @property
    def is_done(self) -> bool:
        return not pairing.needs_key(self.vehicle)

    @property
    def is_stuck(self) -> bool:
        return self.evidence is not None

    @property
    def state_text(self) -> str | Promise:
        if not self.is_done and not self.is_owner:
            return DRIVERS_TEXT
        return STUCK_TEXT if self.is_stuck else STATE_TEXTS[self.vehicle.key]

    @property
    def pairing_link(self) -> str:
        return pairing.link(self.vehicle)

    @property
    def pairing_qr(self) -> SafeString:
        return qr_code(self.pairing_link)

    @property
    def account_hint(self) -> str:
        return masked(self.account.email)

    @property
    def slots_full(self) -> bool:
        return (self.vehicle.total_keys or 0) >= MOST_KEYS

    @property
    def reasons(self) -> list[Reason]:
        """Why the key may not have arrived, the likeliest first; empty before the wait is a long one."""
        if self.evidence is None:
            return []
        words = {
            "car": called(self.vehicle),
            "account": self.account_hint or gettext("the account you used here"),
            "went_to": self.evidence.went_to,
            "operator": settings.OPERATOR_NAME,
        }
        return [
            Reason(cause.code, str(cause.title), str(cause.app_says), str(cause.step) % words)
            for cause in key_causes.likely(self.evidence)
        ]


def page_of(access: VehicleAccess, waiting_since: datetime, now: datetime) -> KeyPage:
    """The key page of this car for the account that reaches it, its key state fresh."""
    is_owner = access.access_type == Access.OWNER
    is_long = is_owner and now - waiting_since >= STUCK_AFTER
    cars = _cars_of(access.account, access.vehicle) if is_long else [access.vehicle]
    pairing.refresh_keys(cars, access.account, now, REFRESH_EVERY_SECONDS)
    vehicle, *others = cars
    is_stuck = is_long and pairing.needs_key(vehicle)
    evidence = _evidence(access.account, vehicle, others, waiting_since) if is_stuck else None
    return KeyPage(vehicle, access.account, is_owner, evidence)


def _cars_of(account: TeslaAccount, first: Vehicle) -> list[Vehicle]:
    others = Vehicle.objects.filter(accesses__account=account, accesses__missing_since=None)
    return [first, *others.exclude(pk=first.pk).order_by("pk")[: pairing.MOST_AT_ONCE - 1]]


def _evidence(
    account: TeslaAccount, vehicle: Vehicle, others: Sequence[Vehicle], waiting_since: datetime
) -> Evidence:
    paired = [other for other in others if other.key == Key.PRESENT]
    since = [other for other in paired if other.key_since and other.key_since >= waiting_since]
    return Evidence(
        cars=1 + len(others),
        keys=vehicle.total_keys,
        went_to=called(since[0]) if since else "",
        paired_before=bool(paired),
        offline=cache.get_or_set(
            f"connect:offline:{vehicle.pk}",
            lambda: pairing.is_offline(vehicle, account),
            _OFFLINE_FOR_SECONDS,
        ),
        in_service=vehicle.in_service,
        remote_access_disabled=vehicle.remote_access_disabled,
    )


def masked(email: str) -> str:
    """An e-mail address that its owner recognises and nobody else learns: `a•••@example.com`."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}" if at else ""
