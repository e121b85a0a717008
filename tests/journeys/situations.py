"""How each fault of the diagnosis comes about: what people, staff and Tesla did before anybody asked what to do next.

One car with its owner, one driver and one application; the faults of a situation are brought about one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.test import Client
from django.utils import timezone

from tests.factories import IncidentFactory
from tests.journeys.people import EVERYTHING, Consumer, Owner
from tests.portal.screens import page_of
from vehicles import tasks
from vehicles.models import Vehicle
from vehicles.permissions import covered_by
from vehicles.tesla import paths
from vehicles.tesla.scopes import LABELS, VEHICLE_CHARGING_CMDS, VEHICLE_LOCATION
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3 as VIN
from vehicles.tesla.simulator.samples.scenarios import PASSWORD

KEY: Final = "control_security"
DECLINED, NEVER_ASKED = "control_navigation", "read_tires"


@dataclass
class Scene:
    """Who plays, and how the car's person came to connect it. `clock` moves for everybody."""

    owner: Owner
    driver: Owner
    application: Consumer
    control: Callable[..., Any]
    staff: Client
    clock: Any
    is_driver: bool = False
    scope: tuple[str, ...] = EVERYTHING
    tick: tuple[str, ...] = tuple(LABELS)
    declined: tuple[str, ...] = ()
    asked: str = KEY
    vehicle_id: str = ""
    played: list[str] = field(default_factory=list)

    @property
    def person(self) -> Owner:
        """Whose account the application uses."""
        return self.driver if self.is_driver else self.owner

    @property
    def vehicle(self) -> Vehicle:
        return Vehicle.objects.get(vin=VIN)

    def car(self, **facts: Any) -> None:
        self.control("PATCH", f"/vehicles/{VIN}", facts)

    def give_cars(self, *vins: str) -> None:
        """What the person's Tesla account holds."""
        access_type = "DRIVER" if self.is_driver else "OWNER"
        cars = [{"vin": vin, "access_type": access_type} for vin in vins]
        self.control("PATCH", f"/accounts/{self.person.email}", {"vehicles": cars})

    def connect(self) -> None:
        offered = covered_by(self.scope, self.tick)
        approved = {"permissions": [name for name in offered if name not in self.declined]}
        self.person.connect(
            self.application, self.scope, tick=self.tick, **(approved if self.declined else {})
        )
        [self.vehicle_id] = self.application.call("GET", "/v2.0/vehicles").body["vehicles"]
        self.application.ids[VIN] = self.vehicle_id

    def use(self) -> None:
        """The application goes on using the car, as far as it may, and so notices what has changed."""
        self.application.ids[VIN] = self.vehicle_id
        for read in ("battery", "location"):
            self.application.get(VIN, read)
        self.application.lock(VIN)


Step = Callable[[Scene], object]


@dataclass(frozen=True)
class Situation:
    """One fault: what happens `before` the person connects and `after`. Some stand only if `asked` about."""

    before: Step = lambda scene: None
    after: Step = lambda scene: None
    asked: str = ""
    is_legacy: bool = False
    is_driver: bool = False
    has_key: bool = True


def _unticks_a_box(scene: Scene) -> None:
    client_id = next(iter(scene.control("GET", f"/accounts/{scene.person.email}")["consents"]))
    browser = scene.person.browser.open(
        f"{scene.person.simulator_url}{paths.REVOKE_CONSENT}?revoke_client_id={client_id}"
    )
    scene.person.sign_in()
    left = [scope for scope in scene.tick if scope != VEHICLE_LOCATION]
    assert browser.press("save-scopes-button", scope=left).has("scopes-saved")
    _logins_are_renewed(scene)


def _logins_are_renewed(scene: Scene) -> None:
    """Towards the end of a working day, before they run out; only then a token tells what Tesla still allows."""
    scene.clock.shift(8 * 3600 - 300)
    tasks.renew_logins()
    scene.application.refresh()


def _a_driver_only_learns_it_from_the_car(scene: Scene) -> None:
    if scene.is_driver:
        scene.use()


def _removes_access(scene: Scene) -> None:
    scene.person.remove_access()
    scene.use()


def _changes_the_password(scene: Scene) -> None:
    """To the same one, so that the cast stays simple: Tesla signs the account out all the same."""
    scene.control("PATCH", f"/accounts/{scene.person.email}", {"password": PASSWORD})
    for path, error in (("/api/1", "invalid bearer token"), (paths.TOKEN, "password_changed")):
        scene.control(
            "POST", "/faults", {"match": {"path": path}, "status": 401, "body": {"error": error}, "times": 1}
        )
    scene.application.get(VIN, "battery")


def _sold(scene: Scene) -> None:
    scene.give_cars()
    scene.use()


def _tesla_closes_the_older_interface(scene: Scene) -> None:
    scene.control("PATCH", "/provider", {"legacy_open": False})
    scene.use()


def _developer_account_fails(scene: Scene) -> None:
    scene.control(
        "POST", "/faults", {"match": {"path": "/api/1"}, "status": 402, "body": {"error": "unpaid"}}
    )
    scene.use()


def _twenty_others_failed_too(scene: Scene) -> None:
    IncidentFactory(ended_at=None, ended_by="", began_at=timezone.now())
    scene.control("PATCH", "/provider", {"mass_revocation_fault": 1})
    scene.use()


def _staff_pauses(scene: Scene) -> None:
    assert scene.staff.post(page_of(scene.vehicle), {"paused": "on"}).status_code == 302


def _falls_asleep(scene: Scene) -> None:
    scene.car(state="asleep")
    scene.application.get(VIN, "battery")


def _asks_for_less(scene: Scene) -> None:
    scene.scope = tuple(name for name in scene.scope if name != NEVER_ASKED)


def _leaves_a_box_open(scene: Scene) -> None:
    scene.tick = tuple(scope for scope in scene.tick if scope != VEHICLE_CHARGING_CMDS)


def _declines(scene: Scene) -> None:
    scene.declined = (DECLINED,)


SITUATIONS: Final[dict[str, Situation]] = {
    "driver_only": Situation(is_driver=True, has_key=False),
    "not_requested": Situation(before=_asks_for_less, asked=NEVER_ASKED),
    "declined_in_connect": Situation(before=_declines, asked=DECLINED),
    "not_granted_at_tesla": Situation(before=_leaves_a_box_open),
    "key_absent": Situation(has_key=False, after=_a_driver_only_learns_it_from_the_car),
    "legacy_cannot_sign": Situation(is_legacy=True, has_key=False),
    "remote_access_disabled": Situation(before=lambda scene: scene.car(mobile_access=False)),
    "in_service": Situation(before=lambda scene: scene.car(in_service=True)),
    "withdrawn_at_tesla": Situation(after=_unticks_a_box),
    "asleep": Situation(after=_falls_asleep, asked="read_battery"),
    "sign_in_needed": Situation(after=_changes_the_password),
    "consent_revoked": Situation(after=_removes_access),
    "vehicle_missing": Situation(after=_sold),
    "legacy_closed": Situation(after=_tesla_closes_the_older_interface, is_legacy=True),
    "operator_fault": Situation(after=_developer_account_fails),
    "provider_incident": Situation(after=_twenty_others_failed_too),
    "paused": Situation(after=_staff_pauses),
}
"""Every cause that the rules know, in an order in which each can still be noticed after those above it."""


def bring_about(scene: Scene, causes: Sequence[str]) -> None:
    """Let the car's person connect it with all of these faults."""
    chosen = [situation for cause, situation in SITUATIONS.items() if cause in causes]
    scene.is_driver = scene.is_driver or any(situation.is_driver for situation in chosen)
    if all(situation.has_key for situation in chosen):
        scene.control("POST", f"/vehicles/{VIN}/keys", {"public_key_pem": "operator"})
    scene.asked = next((situation.asked for situation in chosen if situation.asked), KEY)
    for situation in chosen:
        situation.before(scene)
    scene.connect()
    for situation in chosen:
        situation.after(scene)
