"""The queue of a run: each chosen car that lacked the key at approval gets its key page, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connect.keys import key_page
from connect.keys.key_page import KeyPage
from connect.models import ConnectSession, Step
from connect.problems.catalogue import UNKNOWN_RUN, ConnectProblem
from connect.run import flow
from vehicles import pairing
from vehicles.diagnosis import Key
from vehicles.models import Application, TeslaAccount, Vehicle, VehicleAccess
from vehicles.permissions import PERMISSIONS

LATELY: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Place:
    """A chosen car and its key step: `now` (its page is shown), `waiting`, `added`, `later` (left out), or
    `not_queued`, as it needed none. `number` counts the cars that lacked the key.
    """

    vehicle: Vehicle
    state: str
    number: int = 0


def queue_for(application: Application, vehicles: Sequence[Vehicle], allowed: Iterable[str]) -> list[str]:
    """Ids of the cars that need a key page, in this order.

    None does where nothing was allowed that takes a key, unless the application demands keys.
    """
    if not (application.requires_key or any(PERMISSIONS[name].needs_key for name in allowed)):
        return []
    return [str(vehicle.pk) for vehicle in vehicles if pairing.needs_key(vehicle)]


def queue_of(session: ConnectSession, current: Vehicle) -> list[Place]:
    """Every car of the run: those that lacked the key at approval in their order, then the others."""
    found = {str(pk): vehicle for pk, vehicle in Vehicle.objects.in_bulk(session.chosen_vehicles).items()}
    others = [each for each in session.chosen_vehicles if each not in session.key_queue]
    lacking = [
        Place(found[each], _state_in_queue(session, found[each], current), number)
        for number, each in enumerate(session.key_queue, start=1)
        if each in found
    ]
    return [*lacking, *(Place(found[each], "not_queued") for each in others if each in found)]


def _state_in_queue(session: ConnectSession, vehicle: Vehicle, current: Vehicle) -> str:
    if vehicle.pk == current.pk:
        return "now"
    if not pairing.needs_key(vehicle):
        return "added"
    return "later" if str(vehicle.pk) in session.skipped_keys else "waiting"


def current_page(session: ConnectSession, now: datetime) -> KeyPage | None:
    """The page of the first car that is neither done nor skipped, its key state fresh; None when all are."""
    left = _left(session)
    return page(session, left[0], now) if left else None


def is_waiting(session: ConnectSession) -> bool:
    """Whether a car's key page has not been left yet."""
    return bool(_left(session))


def _left(session: ConnectSession) -> list[str]:
    done = {*session.keys_added, *session.skipped_keys}
    return [vehicle_id for vehicle_id in session.key_queue if vehicle_id not in done]


def page(session: ConnectSession, vehicle_id: str, now: datetime) -> KeyPage:
    """The key page of one car of the run.

    Raises `ConnectProblem` (unknown run) for a car that is not in its queue.
    """
    access = (
        VehicleAccess.objects.select_related("vehicle", "account")
        .filter(account=session.account, vehicle_id=vehicle_id)
        .first()
    )
    if access is None:
        raise ConnectProblem(UNKNOWN_RUN)
    return key_page.page_of(access, flow.last_visit(session, Step.KEYS), now)


def lately_arrived(now: datetime) -> list[TeslaAccount]:
    """The accounts of people who came to a key page within `LATELY`, and are still there."""
    runs = ConnectSession.objects.filter(step=Step.KEYS, ended_at=None, expires_at__gt=now)
    accounts = {
        run.account.pk: run.account
        for run in runs.select_related("account")
        if run.account and flow.last_visit(run, Step.KEYS) > now - LATELY
    }
    return list(accounts.values())


def may_skip(session: ConnectSession) -> bool:
    """Whether the key may wait: an application that requires one is content with one car that can take commands."""
    if not session.application.requires_key:
        return True
    chosen = Vehicle.objects.filter(pk__in=session.chosen_vehicles)
    return chosen.filter(key__in=[Key.PRESENT, Key.NOT_REQUIRED]).exists()


def leave(session: ConnectSession, current: KeyPage, now: datetime, *, skip: bool) -> bool:
    """Leave this car's page, if it may be left so; False when it may not, or was left already.

    Cars further on that got their key in the meantime are done with it.
    """
    if not (current.is_done or (skip and may_skip(session))):
        return False
    left = Vehicle.objects.in_bulk(_left(session)).values()
    added = [str(vehicle.pk) for vehicle in left if not pairing.needs_key(vehicle)]
    later = [] if current.is_done else [str(current.vehicle.pk)]
    return flow.move(
        session,
        Step.KEYS,
        now,
        keys_added=[*session.keys_added, *added],
        skipped_keys=[*session.skipped_keys, *later],
    )
