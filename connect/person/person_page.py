"""What a person's own page shows: which application may do what with which car, and how to take it away again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from vehicles import facts, grants, history
from vehicles.models import Application, Mode, User, Vehicle, VehicleGrant
from vehicles.origins import third_party_apps_page
from vehicles.permissions import PERMISSIONS, Permission


@dataclass(frozen=True, slots=True)
class AllowedCar:
    """One car that an application may use, with what works of it now."""

    grant: VehicleGrant

    @property
    def may(self) -> list[Permission]:
        """What works, seeing before doing."""
        allowed = [PERMISSIONS[name] for name in facts.working_permissions(self.grant)]
        return sorted(allowed, key=lambda item: item.name.startswith("control_"))


@dataclass(frozen=True, slots=True)
class AllowedApplication:
    """An application with the cars that it may use."""

    application: Application
    cars: list[AllowedCar]

    @property
    def vehicles(self) -> list[Vehicle]:
        return [car.grant.connection.vehicle for car in self.cars]


def allowed(person: User) -> list[AllowedApplication]:
    """Everything that the person allows now, application by application."""
    by_application: dict[int, AllowedApplication] = {}
    rows = facts.with_rows(_standing(person)).order_by("connection__application__name", "connection_id", "pk")
    for grant in rows:
        application = grant.connection.application
        entry = by_application.setdefault(application.pk, AllowedApplication(application, []))
        entry.cars.append(AllowedCar(grant))
    return list(by_application.values())


def chosen(person: User, ids: Sequence[str]) -> list[VehicleGrant]:
    """Those of the person's grants that have these ids; ids of anybody else's find nothing."""
    known = [wanted for wanted in map(_uuid, ids) if wanted]
    return list(facts.with_rows(_standing(person).filter(pk__in=known)).order_by("connection_id", "pk"))


def take_away(person: User, rows: Sequence[VehicleGrant], now: datetime) -> None:
    """End these grants; history tells the applications."""
    mine = _standing(person).filter(pk__in=[grant.pk for grant in rows])
    grants.revoke_all(mine, actor=history.person(person), now=now)


def third_party_apps(person: User) -> str:
    """Tesla's page on which the person takes the operator's access away altogether."""
    mode = person.tesla_accounts.values_list("mode", flat=True).first() or Mode.LIVE
    return third_party_apps_page(mode)


def _standing(person: User) -> QuerySet[VehicleGrant, Any]:
    return VehicleGrant.objects.active().filter(account__person=person)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
