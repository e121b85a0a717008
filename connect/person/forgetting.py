"""Erasing a person: what runs of Connect remember goes with the person; that there was a run, and how it ended, stays.

A run in which nobody signed in belongs to no account. It is a person's where it began in a browser in which they signed
in, where the application called its person the same, or where it names their e-mail address or their car.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from connect.models import ConnectSession, OwnerVisit, PersonVisit, ShownFault, Step
from vehicles import reservations
from vehicles.grants import erasure
from vehicles.models import ApplicationUser, TeslaAccount, User, Vehicle

DATA_DELETED: Final = "data_deleted"
"""Why a run ended in which nobody had signed in yet."""
_FORGOTTEN: Final[dict[str, Any]] = {
    "state": "",
    "external_user": "",
    "external_id": "",
    "single_select_vin": "",
    "chosen_vehicles": [],
    "key_queue": [],
    "keys_added": [],
    "skipped_keys": [],
}
_NOBODY: Final = ("", "null")
"""Ids that name no person."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased: persons with all that is theirs, and runs and reserved ids that only named them."""

    persons: int
    runs: int
    reservations: int


def find(id_or_email: str) -> tuple[list[User], str]:
    """The persons with this id (of person or account, or an application's of them) or e-mail address; and that address.

    Nobody may be known by an address that runs and reservations name all the same.
    """
    text = id_or_email.strip()
    if "@" in text:
        accounts = TeslaAccount.objects.filter(email__iexact=text)
        return list(User.objects.filter(is_person=True, pk__in=accounts.values("person"))), text
    try:
        wanted = uuid.UUID(text)
    except ValueError:
        return [], ""
    known = Q(pk=wanted) | Q(tesla_accounts=wanted) | Q(application_users__public_id=wanted)
    return list(User.objects.filter(known, is_person=True).distinct()), ""


def erase(persons: Iterable[User], *, actor: str, now: datetime, email: str = "") -> Erased:
    """Erase these persons, and whatever else names this e-mail address. Applications are told that access ended."""
    number = 0
    with transaction.atomic():
        for person in persons:
            # Their runs are forgotten as the row goes: `forget`.
            erasure.erase(person, actor=actor, now=now)
            number += 1
        if not email:
            return Erased(number, 0, 0)
        _forget_sent_amiss(email)
        runs, reserved = _forget_abandoned(_names_email(email), now), reservations.forget_email(email)
    return Erased(number, runs, reserved)


def forget(sender: type[User], instance: User, **signal: Any) -> None:
    """Clear the runs of somebody who is about to be deleted. A receiver of `pre_delete`."""
    if not instance.is_person:
        return
    abandoned = _is_of(instance)
    for email in instance.tesla_accounts.exclude(email="").values_list("email", flat=True):
        _forget_sent_amiss(email)
    ConnectSession.objects.filter(account__person=instance).update(**_FORGOTTEN)
    _forget_abandoned(abandoned, timezone.now())


def _is_of(person: User) -> Q:
    """By what runs in which nobody signed in are this person's."""
    own = ConnectSession.objects.filter(account__person=person)
    visits = (
        each.objects.filter(account__person=person).values_list("browser_checksum", flat=True)
        for each in (PersonVisit, OwnerVisit)
    )
    browsers = {*own.values_list("browser_checksum", flat=True), *(one for many in visits for one in many)}
    vins = Vehicle.objects.filter(accesses__account__person=person).values_list("vin", flat=True)
    found = Q(browser_checksum__in=browsers) | Q(single_select_vin__in=[*vins])
    called = {
        *ApplicationUser.objects.filter(person=person).values_list("application", "external_id"),
        *own.values_list("application", "external_id"),
        *own.values_list("application", "external_user"),
    }
    for application, name in called:
        if name not in _NOBODY:
            found |= Q(application=application) & (Q(external_id=name) | Q(external_user=name))
    for email in person.tesla_accounts.exclude(email="").values_list("email", flat=True):
        found |= _names_email(email)
    return found


def _names_email(email: str) -> Q:
    in_state = Q(state__icontains=quote(email, safe="")) | Q(state__icontains=email)
    return in_state | Q(external_user__icontains=email) | Q(external_id__icontains=email)


def _forget_sent_amiss(email: str) -> None:
    """An application's link may have named the person where it should not."""
    ShownFault.objects.filter(sent__icontains=email).update(sent="")


def _forget_abandoned(which: Q, now: datetime) -> int:
    """Clear such runs, and end those that are still open: what they asked for is gone."""
    runs = ConnectSession.objects.filter(account=None)
    found = list(runs.filter(which).values_list("pk", flat=True))
    open_ones = runs.filter(pk__in=found, ended_at=None)
    open_ones.update(ended_at=now, exit_reason=DATA_DELETED, left_at=F("step"), step=Step.ENDED)
    runs.filter(pk__in=found).update(**_FORGOTTEN)
    return len(found)
