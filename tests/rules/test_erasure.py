"""After a person is erased, nothing anywhere names them: every text of every row is planted, then searched for.

A model or a column that is new has to be planted here, or be said to hold nothing of a person, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from celery import Celery
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client
from django.utils import timezone

from connect import tasks
from connect.models import ConnectSession, PersonVisit
from portal.running import folder_queue
from tests.factories import (
    AccessTokenFactory,
    ApplicationFactory,
    AuthorizationCodeFactory,
    CommandFactory,
    ConnectSessionFactory,
    EventFactory,
    FixLinkFactory,
    OwnerVisitFactory,
    PersonVisitFactory,
    RefreshTokenFactory,
    ReservationFactory,
    RunStepFactory,
    ShownFaultFactory,
    SigningSessionFactory,
    TeslaAccountFactory,
    TeslaTokenFactory,
    VehicleAccessFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from vehicles.client_credentials import checksum
from vehicles.models import Event, Reservation, User, Vehicle

pytestmark = pytest.mark.django_db

MARK: Final = "verax7"
EMAIL: Final = f"{MARK}@owners.example"
EXTERNAL_ID: Final = f"customer-{MARK}"
VIN: Final = "5YJ3E7EA7KFVERAX7"
SHARED_VIN: Final = "7SAYGDEE5NF000001"
BROWSER: Final = "browser-" + "b" * 35

NOTHING_OF_A_PERSON: Final = {
    "vehicles.Application": "an API consumer",
    "vehicles.Event": "history holds our ids and facts alone (tests/vehicles/test_history.py)",
    "vehicles.Incident": "what Tesla said of many accounts at once, and who of staff ended it",
    "vehicles.RateBudget": "a kind of call",
    "vehicles.RefusedRequest": "ids and codes of ours; nothing that the caller or Tesla wrote",
    "vehicles.Webhook": "an address of an API consumer",
    "vehicles.WebhookDelivery": "facts of history (states, names of permissions) and ids of ours",
    "vehicles.VehicleGrant.requested": "names of permissions", "vehicles.VehicleGrant.approved": "names of permissions",
    "vehicles.VehicleGrant.declined": "names of permissions",
    "vehicles.VehicleGrant.not_granted": "names of permissions",
    "connect.ConnectSession.redirect_uri": "the application's own address, one of those registered",
    "connect.ConnectSession.requested": "names of permissions",
    "connect.ConnectSession.required": "names of permissions",
    "connect.ConnectSession.make": "TESLA",
    "connect.ConnectSession.code_challenge": "drawn at random by the application",
    "connect.ConnectSession.code_challenge_method": "S256",
    "connect.ConnectSession.support_code": "drawn at random",
    "connect.ConnectSession.browser_checksum": "a checksum of what is drawn at random",
    "connect.ConnectSession.tesla_state_checksum": "a checksum of what is drawn at random",
    "connect.ConnectSession.trail": "steps and times", "connect.ConnectSession.exit_reason": "one of our words",
    "connect.ShownFault.support_code": "drawn at random", "connect.ShownFault.reason": "one of our sentences",
    "connect.ShownFault.page": "the name of an address of ours", "connect.ShownFault.request_id": "drawn at random",
    "admin.LogEntry": "written by no screen: staff's acts are events",
    "auth.Permission": "a right of staff", "auth.Group": "a role of staff", "contenttypes.ContentType": "a model",
    "sessions.Session": "sessions of staff; persons have none",
    "oauth2_provider.IDToken": "never issued", "oauth2_provider.DeviceGrant": "never issued",
    "portal.SignInTally": "sign-ins of staff",
}  # fmt: skip


def texts_of(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """The columns that can hold anything, and not one of a few words."""
    kinds = (models.CharField, models.TextField, models.JSONField, models.BinaryField)
    return [field for field in model._meta.concrete_fields if isinstance(field, kinds) and not field.choices]


def is_spared(field: models.Field[Any, Any]) -> bool:
    label = field.model._meta.label
    return label in NOTHING_OF_A_PERSON or f"{label}.{field.name}" in NOTHING_OF_A_PERSON


PLANTED_AS_THEY_ARE: Final = {
    ("vehicles.Vehicle", "vin"), ("vehicles.TeslaAccount", "email"), ("vehicles.ApplicationUser", "external_id"),
    ("vehicles.Reservation", "vin"), ("vehicles.Reservation", "external_id"),
    ("vehicles.Reservation", "email_checksum"), ("connect.PersonVisit", "browser_checksum"),
    ("connect.OwnerVisit", "browser_checksum"),
}  # fmt: skip
"""Of these the value decides whose the row is; they are planted with it."""


class Planted:
    """A person with a row of every kind, and everything in it that can hold a text naming them."""

    def __init__(self) -> None:
        self.application = ApplicationFactory()
        self.account = TeslaAccountFactory(email=EMAIL)
        self.person: User = self.account.person
        self.rows: list[models.Model] = [self.person, self.account]
        self.plant()
        for row in self.rows:
            self.fill(row)

    def plant(self) -> None:
        person, application, account = self.person, self.application, self.account
        car = VehicleFactory(vin=VIN)
        grant = VehicleGrantFactory(application=application, vehicle=car, account=account)
        person.application_users.update(external_id=EXTERNAL_ID)
        signed_in = {"application": application, "account": account, "browser_checksum": checksum(BROWSER)}
        self.rows += [
            car,
            grant,
            car.accesses.get(),
            SigningSessionFactory(vehicle=car),
            CommandFactory(grant=grant, application=application),
            TeslaTokenFactory(account=account),
            person.application_users.get(),
            FixLinkFactory(application=application, person=person),
            PersonVisitFactory(account=account, browser_checksum=checksum(BROWSER)),
            OwnerVisitFactory(account=account, browser_checksum=checksum("phone")),
            ConnectSessionFactory(**signed_in),
            AccessTokenFactory(application=application, user=person),
            RefreshTokenFactory(application=application, user=person),
            AuthorizationCodeFactory(application=application, user=person),
            ReservationFactory(vin=VIN, application=application),
            ReservationFactory(email_checksum=checksum(EMAIL)),
            ReservationFactory(application=application, external_id=EXTERNAL_ID),
            ShownFaultFactory(),
        ]
        self.shared = VehicleFactory(vin=SHARED_VIN)
        self.rows_of_shared = [
            VehicleAccessFactory(account=account, vehicle=self.shared, access_type="DRIVER"),
            VehicleAccessFactory(vehicle=self.shared),
        ]
        Vehicle.objects.filter(pk=self.shared.pk).update(display_name=f"{MARK}'s estate")

    def fill(self, row: models.Model) -> None:
        """Write the mark into whatever takes it."""
        label = row._meta.label
        if label == "connect.ShownFault":
            type(row)._default_manager.filter(pk=row.pk).update(sent=f"lock {EMAIL.upper()}")
            return
        wanted = [field for field in texts_of(type(row)) if not is_spared(field)]
        values = {
            each.name: self.text(each) for each in wanted if (label, each.name) not in PLANTED_AS_THEY_ARE
        }
        if values:
            type(row)._default_manager.filter(pk=row.pk).update(**values)

    @staticmethod
    def text(field: models.Field[Any, Any]) -> Any:
        if isinstance(field, models.BinaryField):
            return EMAIL.encode()
        if isinstance(field, models.JSONField):
            return [EMAIL] if field.default is list else {MARK: EMAIL}
        longest = field.max_length or 64
        return EMAIL if longest >= len(EMAIL) else MARK[:longest]


ABANDONED: Final[dict[str, Callable[[Planted], dict[str, Any]]]] = {
    "in a browser of a run": lambda planted: {"browser_checksum": checksum(BROWSER), "state": MARK},
    "in a browser of a visit": lambda planted: {"browser_checksum": checksum("phone"), "external_user": MARK},
    "of a customer": lambda planted: {"application": planted.application, "external_id": EXTERNAL_ID, "state": MARK},
    "of a customer, by the other name": lambda planted: {
        "application": planted.application, "external_user": EXTERNAL_ID,
    },
    "with the address as the person's name": lambda planted: {"external_user": EMAIL.upper()},
    "with the address as an id": lambda planted: {"external_id": f"mailto:{EMAIL}"},
    "with the address in the state": lambda planted: {"state": f"%7B%22mail%22%3A%22{EMAIL.replace('@', '%40')}%22"},
    "for one car": lambda planted: {"single_select_vin": VIN, "external_id": MARK},
}  # fmt: skip
"""Runs in which nobody signed in, and what tells whose they are."""


@pytest.fixture
def planted(db: None) -> Planted:
    made = Planted()
    for number, case in enumerate(ABANDONED.values()):
        over = {"ended_at": timezone.now(), "exit_reason": "expired", "step": "ended"} if number % 2 else {}
        run = ConnectSessionFactory(
            **{
                "browser_checksum": checksum(f"another {number}"),
                "support_code": "ABCD1234",
                **case(made),
                **over,
            }
        )
        RunStepFactory(session=run)
    return made


def names_in(content: Iterator[tuple[str, str]]) -> set[str]:
    wanted = (
        MARK,
        EMAIL.lower(),
        EMAIL.replace("@", "%40").lower(),
        VIN.lower(),
        EXTERNAL_ID,
        checksum(EMAIL),
    )
    return {place for place, text in content if any(each in text.lower() for each in wanted)}


def database() -> Iterator[tuple[str, str]]:
    """Every value of every column of every table, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - its own names
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(columns, row, strict=True):
                    raw = bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None
                    yield f"{table}.{name}", str(value) if raw is None else raw.decode("latin-1")


def by_their_own_page(planted: Planted) -> None:
    client = Client()
    client.cookies["carport_connect"] = BROWSER
    PersonVisit.objects.filter(account=planted.account, browser_checksum=checksum(BROWSER)).update(
        signed_in_at=timezone.now()
    )
    assert "deleted" in client.post("/connect/account/delete", {"confirmed": "yes"}).content.decode()


WAYS: Final[dict[str, Callable[[Planted], object]]] = {
    "their own page": by_their_own_page,
    "command, id": lambda planted: call_command("erase_person", str(planted.person.pk)),
    "command, id of the account": lambda planted: call_command("erase_person", str(planted.account.pk)),
    "command, e-mail": lambda planted: call_command("erase_person", f" {EMAIL.upper()} "),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_in_the_database_names_them_afterwards(planted: Planted, way: str) -> None:
    before = names_in(database())
    assert len(before) > 40, sorted(before)

    WAYS[way](planted)

    assert names_in(database()) == set()
    assert (
        ConnectSession.objects.filter(ended_at=None, account=None, external_user="").count() == 1
    )  # their own
    assert Event.objects.filter(kind="account:erased").count() == 1


def test_every_text_of_every_model_is_planted_or_said_to_hold_nothing_of_a_person(planted: Planted) -> None:
    kinds = {row._meta.label for row in planted.rows}
    fields = [field for model in apps.get_models() for field in texts_of(model)]
    unplanted = {
        f"{field.model._meta.label}.{field.name}"
        for field in fields
        if not is_spared(field) and field.model._meta.label not in kinds
    }
    assert unplanted == set()
    held = names_in(database())
    empty = (
        {f"{field.model._meta.db_table}.{field.column}" for field in fields if not is_spared(field)}
        - held
        - {"oauth2_provider_accesstoken.token", "oauth2_provider_refreshtoken.token"}
    )
    assert {name for name in empty if "checksum" not in name} == set()
    known = {field.model._meta.label for field in fields} | {
        f"{field.model._meta.label}.{field.name}" for field in fields
    }
    assert set(NOTHING_OF_A_PERSON) <= known


def test_what_belongs_to_others_stays(planted: Planted) -> None:
    others = [
        ConnectSessionFactory(
            account=TeslaAccountFactory(), browser_checksum=checksum(BROWSER), external_user="somebody else"
        ),
        ConnectSessionFactory(external_user="a stranger", browser_checksum=checksum("far away")),
        ConnectSessionFactory(
            external_id=EXTERNAL_ID + "0", application=planted.application, browser_checksum="x"
        ),
    ]
    reserved = ReservationFactory(email_checksum=checksum("other@owners.example"))

    call_command("erase_person", EMAIL)

    kept = [(row.external_user, row.external_id) for row in others]
    for row in others:
        row.refresh_from_db()
    assert [(row.external_user, row.external_id) for row in others] == kept
    assert Reservation.objects.filter(pk=reserved.pk).exists()
    shared = Vehicle.objects.get(vin=SHARED_VIN)
    assert shared.display_name == "" and shared.accesses.count() == 1


def test_somebody_who_never_signed_in_is_erased_by_address(db: None) -> None:
    run = ConnectSessionFactory(external_user=EMAIL, state="x")
    ReservationFactory(email_checksum=checksum(EMAIL))
    call_command("erase_person", EMAIL)
    assert names_in(database()) == set()
    run.refresh_from_db()
    assert run.ended_at and run.exit_reason == "data_deleted"


@pytest.mark.parametrize(
    "text", ["nobody@owners.example", "nonsense", "36ab27d0-fd9d-4455-823a-ce30af709ffc"]
)
def test_the_command_says_where_nobody_is_known(planted: Planted, text: str) -> None:
    with pytest.raises(CommandError, match="Nobody is known"):
        call_command("erase_person", text)
    assert User.objects.filter(pk=planted.person.pk).exists()


def test_members_of_staff_are_not_erased_like_this(planted: Planted) -> None:
    User.objects.filter(pk=planted.person.pk).update(is_person=False, is_staff=True)
    with pytest.raises(CommandError, match="Nobody is known"):
        call_command("erase_person", str(planted.person.pk))


def test_the_queue_names_nobody(planted: Planted, tmp_path: Path) -> None:
    folder_queue.make(tmp_path)
    queue = Celery("erasure-test", set_as_current=False)
    queue.conf.update(
        broker_url="filesystem://", broker_transport="portal.running.folder_queue:Transport",
        broker_transport_options=folder_queue.options(tmp_path), task_ignore_result=True,
    )  # fmt: skip
    queue.send_task(tasks.learn_colours.name, [str(planted.account.pk)], retry=False)
    queue.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert names_in((path.name, path.read_text()) for path in files) == set()


def test_an_event_of_theirs_was_never_in_need_of_it(planted: Planted) -> None:
    EventFactory(account_id=planted.account.pk, at=timezone.now() - timedelta(days=1))
    assert not {place for place in names_in(database()) if place.startswith("vehicles_event.")}
