"""Fix-it links: a page that tells one person what to do for which car, so that an application works again.

The link holds nothing but a signed id. It ends by itself, and staff or the application that made it can withdraw it.
The page changes nothing: what stands in the way is taken from the diagnosis, and a step is ticked once it is gone.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connect.keys.key_page import REFRESH_EVERY_SECONDS
from connect.keys.qr import qr_code
from connect.links import owner_link
from connect.models import ConnectSession, FixLink
from connect.person import person_visit
from connect.problems import support_codes
from connect.problems.catalogue import UNKNOWN_RUN, ConnectProblem
from connect.problems.link_problems import FIX_LINK_OVER
from vehicles import access, facts, history, pairing
from vehicles.client_credentials import checksum
from vehicles.diagnosis import Action
from vehicles.history import Kind
from vehicles.models import (
    Application,
    Connection,
    Integration,
    TeslaAccount,
    User,
    Vehicle,
    VehicleGrant,
)

LASTS: Final = timedelta(days=7)
_SALT: Final = "connect.links.fix_link"
_OWN_PAGES: Final = {"connect": "reconnect_fleet", "reauthenticate": "reconnect_fleet"}
"""From here nobody is sent on to the application: signing in again ends on a page of ours."""
_FOR_THE_OWNER: Final = "ask_owner"
"""The step in which a driver passes a link on."""
_PAUSES_OTHERS: Final = "remove_access_at_tesla"
"""The step that takes away what all applications of the account rest on."""
_SIGNS_IN: Final = frozenset({"connect_again", "sign_in_again", "reconnect"})
"""Steps that end with a sign-in at Tesla, which serves every car of the account, whatever the step is called."""
_OF_THE_ACCOUNT: Final = _SIGNS_IN | {_PAUSES_OTHERS}
"""Done once, for every car of the Tesla account."""
_BUTTONS: Final[dict[str, str | Promise]] = {
    "connect": _("Sign in at Tesla again"),
    "reauthenticate": _("Sign in at Tesla again"),
    "reconnect_fleet": _("Sign in at Tesla again"),
    "pairing": _("Add the key in the Tesla app"),
    "third_party_apps": _("Open the list at Tesla"),
    "own_page": _("Your cars and who may use them"),
}
"""What the button of a step says, by the link behind it."""


@dataclass(frozen=True, slots=True)
class FixStep:
    """Something the person does. It is done once the fault behind it is gone."""

    key: str
    text: str
    url: str
    needs_phone_key: bool
    is_done: bool
    button: str | Promise = ""

    @property
    def code(self) -> str:
        return self.key.rpartition(":")[2]

    @property
    def is_for_the_owner(self) -> bool:
        return self.code == _FOR_THE_OWNER

    @property
    def pauses_others(self) -> bool:
        return self.code == _PAUSES_OTHERS

    @property
    def sentence(self) -> str:
        return gettext(self.text)

    @property
    def qr(self) -> str:
        return qr_code(self.url)


@dataclass(frozen=True, slots=True)
class CarToFix:
    """One car with the person's steps, in order. `waits_for` names others whose turn it is, if nothing is left here.

    `is_named` where the application has been allowed to know the car: whoever holds the link reads what stands on its
    page. `shared` are steps that stand with an earlier car of the same account and count for this one as well.
    """

    vehicle: Vehicle
    account_id: uuid.UUID
    is_named: bool
    steps: list[FixStep]
    waits_for: list[str]
    shared: list[FixStep] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return all(step.is_done for step in (*self.steps, *self.shared))


def make(
    application: Application, person: User, *, actor: str, now: datetime, connection: Connection | None = None
) -> FixLink:
    """A link for this person about the cars that they connected to this application, or about one of them."""
    with transaction.atomic():
        link = FixLink.objects.create(
            application=application,
            person=person,
            connection=connection,
            support_code=support_codes.new(),
            created_by=actor,
            created_at=now,
            expires_at=now + LASTS,
        )
        _record(Kind.FIX_LINK_MADE, link, actor, now)
    return link


def address(link: FixLink) -> str:
    """The address to send to the person."""
    word = signing.Signer(salt=_SALT).sign(link.pk.hex)
    return str(settings.PUBLIC_URL) + reverse("connect:fix", args=[word])


def withdraw(link: FixLink, *, actor: str, now: datetime) -> bool:
    """End the link before its time; False when it had ended."""
    with transaction.atomic():
        if not FixLink.objects.filter(pk=link.pk, withdrawn_at=None).update(withdrawn_at=now):
            return False
        _record(Kind.FIX_LINK_WITHDRAWN, link, actor, now)
    return True


def open_link(word: str, now: datetime) -> FixLink:
    """The link behind a signed word. Raises `ConnectProblem` when it is forged, over or withdrawn."""
    try:
        pk = uuid.UUID(signing.Signer(salt=_SALT).unsign(word))
    except (signing.BadSignature, ValueError):
        raise ConnectProblem(UNKNOWN_RUN) from None
    link = FixLink.objects.select_related("application", "person").filter(pk=pk).first()
    if link is None:
        raise ConnectProblem(UNKNOWN_RUN)
    if link.withdrawn_at is not None or now >= link.expires_at:
        raise ConnectProblem(FIX_LINK_OVER)
    return link


def _record(kind: Kind, link: FixLink, actor: str, now: datetime) -> None:
    account = TeslaAccount.objects.filter(person=link.person).order_by("created_at").first()
    history.record(
        kind, actor=actor, at=now, application=link.application, account=account, link=str(link.pk)
    )


def cars(link: FixLink, now: datetime, browser_secret: str = "") -> list[CarToFix]:
    """The person's cars with what is to do for each, keys freshly looked at; cars with open steps first.

    Several cars are named to the person themselves, in a browser in which they signed in, or they could not tell them
    apart.
    """
    mine = VehicleGrant.objects.active().filter(
        connection__application=link.application, account__person=link.person
    )
    if link.connection_id is not None:
        mine = mine.filter(connection=link.connection_id)
    rows = list(facts.with_rows(mine).order_by("connection_id", "pk"))
    _refresh_keys(rows, now)
    todo = [_todo(grant, now) for grant in rows]
    _remember(link, todo, now)
    found = sorted((_car(link, each) for each in todo), key=_place)
    if len(found) > 1 and _is_of_the_person(link.person, browser_secret, now):
        found = [replace(car, is_named=True) for car in found]
    return _each_once(found)


def _place(car: CarToFix) -> tuple[bool, bool]:
    """Open steps first, and of those what has to come before any sign-in."""
    return car.is_done, not any(step.pauses_others and not step.is_done for step in car.steps)


def _each_once(found: list[CarToFix]) -> list[CarToFix]:
    """The cars, with what is done for a whole account only at the first of its cars."""
    seen: set[tuple[object, ...]] = set()
    told = []
    for car in found:
        of = {step.key: (car.account_id, *_same(step)) for step in car.steps if step.code in _OF_THE_ACCOUNT}
        shared = [step for step in car.steps if of.get(step.key) in seen]
        told.append(replace(car, steps=[step for step in car.steps if step not in shared], shared=shared))
        seen.update(of.values())
    return told


def _same(step: FixStep) -> tuple[object, ...]:
    """By what steps of one account are the same. One sign-in at a time: what it leaves open asks for the next."""
    return (_SIGNS_IN, False) if step.code in _SIGNS_IN and not step.is_done else (step.text, step.is_done)


def pausing(link: FixLink, browser_secret: str, now: datetime) -> list[str]:
    """The person's other applications, which rest on the same consent at Tesla.

    Only for a browser in which the person signed in themselves: the application that made the link holds it as well,
    and must not learn what else they use.
    """
    if not _is_of_the_person(link.person, browser_secret, now):
        return []
    others = VehicleGrant.objects.filter(
        account__person=link.person, revoked_at=None, integration=Integration.FLEET
    ).exclude(connection__application=link.application)
    return sorted(set(others.values_list("connection__application__name", flat=True)))


def _is_of_the_person(person: User, browser_secret: str, now: datetime) -> bool:
    if not browser_secret:
        return False
    runs = ConnectSession.objects.filter(browser_checksum=checksum(browser_secret), account__person=person)
    return person_visit.person_of(browser_secret, now) == person or runs.exists()


def _refresh_keys(rows: list[VehicleGrant], now: datetime) -> None:
    """Ask for the keys that are missing: one call an account, and none where the last one was a moment ago."""
    by_account: dict[uuid.UUID, list[VehicleGrant]] = {}
    for grant in rows:
        by_account.setdefault(grant.account_id, []).append(grant)
    for grants in by_account.values():
        vehicles = [grant.connection.vehicle for grant in grants]
        pairing.refresh_keys(vehicles[: pairing.MOST_AT_ONCE], grants[0].account, now, REFRESH_EVERY_SECONDS)


@dataclass(frozen=True, slots=True)
class _ToDo:
    """What the diagnosis of one grant asks of the person, by key, and whose turn it is besides."""

    grant: VehicleGrant
    mine: dict[str, Action]
    others: list[str]


def _todo(grant: VehicleGrant, now: datetime) -> _ToDo:
    person = facts.facts_of(grant, now).person
    actions = access.diagnosis_of(grant).actions
    mine = {f"{grant.pk}:{each.code}": each for each in actions if each.actor == person}
    others = [str(each.actor) for each in actions if each.actor != person]
    return _ToDo(grant, mine, list(dict.fromkeys(others)))


def _remember(link: FixLink, todo: list[_ToDo], now: datetime) -> None:
    """Keep what was to do, so that it is ticked instead of vanishing."""
    wanted = {
        key: {"grant": str(each.grant.pk), "text": action.text, "phone": action.needs_phone_key}
        for each in todo
        for key, action in each.mine.items()
    }
    if link.opened_at is not None and wanted.keys() <= link.steps.keys():
        return
    with transaction.atomic():
        # Read where it is written: the page is open on several devices.
        kept = FixLink.objects.select_for_update().get(pk=link.pk)
        link.steps, link.opened_at = {**wanted, **kept.steps}, kept.opened_at or now
        link.save(update_fields=["steps", "opened_at"])


def _car(link: FixLink, todo: _ToDo) -> CarToFix:
    done = [
        FixStep(key, was["text"], "", was["phone"], is_done=True)
        for key, was in link.steps.items()
        if was["grant"] == str(todo.grant.pk) and key not in todo.mine
    ]
    left = [
        FixStep(
            key,
            action.text,
            access.url_for(_OWN_PAGES.get(action.link, action.link), todo.grant),
            action.needs_phone_key,
            is_done=False,
            button=_BUTTONS.get(action.link, ""),
        )
        for key, action in todo.mine.items()
    ]
    is_named = not owner_link.NAME_THE_CAR.isdisjoint(todo.grant.granted)
    waits_for = [] if left else todo.others
    return CarToFix(todo.grant.connection.vehicle, todo.grant.account_id, is_named, [*done, *left], waits_for)
