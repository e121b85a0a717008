"""An application moves here with its client database: every owner connects anew, and no id in it changes."""

from __future__ import annotations

import base64
import csv
import io
import json
import uuid
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from django.core.management import call_command
from django.utils import timezone

from portal.application_credentials import new_management_token
from tests.factories import EVERY_SCOPE, TeslaAccountFactory, VehicleAccessFactory, VehicleFactory
from tests.journeys.people import EVERYTHING, Consumer, Owner
from vehicles import grants
from vehicles.models import Application, ApplicationUser, Connection, Reservation
from vehicles.tesla.simulator.samples.scenarios import (
    ANNAS_MODEL_3,
    ANNAS_MODEL_Y,
    BERNDS_MODEL_S,
    DIETERS_MODEL_3,
)

pytestmark = pytest.mark.slow

MOST = 1000
CARS_EACH = 4
"""Of everybody who is not of the cast; Connect gives all of them in one run."""
CAST = {
    ("anna", ANNAS_MODEL_3): {},
    ("anna", ANNAS_MODEL_Y): {},
    ("clara", ANNAS_MODEL_3): {},
    ("bernd", BERNDS_MODEL_S): {"external_id": "customer-bernd"},
    ("dieter", DIETERS_MODEL_3): {"email": "Dieter@owners.example"},
}
"""Who comes through a browser; clara only drives a car of anna's."""


def id_of(kind: str, name: object) -> str:
    """The id that the application has known since before it moved."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {name}"))


def client_database() -> list[dict[str, str]]:
    """A thousand rows as an application would export them."""
    cast = [
        {"vehicle_id": id_of("vehicle", vin), "user_id": id_of("user", name), "vin": vin, **more}
        for (name, vin), more in CAST.items()
    ]
    others = [
        {
            "vehicle_id": id_of("vehicle", number),
            "user_id": id_of("user", number - number % CARS_EACH),
            "vin": f"LRW3E7FA8PC{number:06d}",
            "external_id": f"customer-{number - number % CARS_EACH}",
            "scopes": " ".join(EVERYTHING),
        }
        for number in range(MOST - len(cast))
    ]
    return cast + others


@pytest.fixture
def database(tmp_path: Path) -> tuple[Path, list[dict[str, str]]]:
    rows = client_database()
    file = tmp_path / "connections.csv"
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, ["vehicle_id", "user_id", "vin", "external_id", "email", "scopes"])
        writer.writeheader()
        writer.writerows(rows)
    return file, rows


class Manager:
    """The application with its management token, over HTTP."""

    def __init__(self, portal_url: str, token: str) -> None:
        self.url = f"{portal_url}/v2.0/management"
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"default:{token}".encode()).decode()}

    def all(self, what: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            asked = urlencode({**query, "limit": "100", "cursor": cursor})
            answer = urllib3.request("GET", f"{self.url}/{what}?{asked}", headers=self.headers).json()
            yield from answer[what]
            cursor = answer["paging"]["cursor"]


def test_a_client_database_of_a_thousand_rows_moves_and_no_id_in_it_changes(
    owner: Callable[[str], Owner],
    consumer: Callable[..., Consumer],
    portal_url: str,
    database: tuple[Path, list[dict[str, str]]],
) -> None:
    file, rows = database
    application = consumer()
    registered = Application.objects.get(client_id=application.client_id)
    out = io.StringIO()
    call_command(
        "import_connections", file, application=application.client_id, verbosity=0, stdout=out, stderr=out
    )
    assert "1,000 rows: 1,000 reserved" in out.getvalue()
    assert audit_of(application, cause="not_connected") == {(row["vehicle_id"], row["vin"]) for row in rows}
    manager = Manager(portal_url, new_management_token(registered).management_token)
    links = {
        (row["vehicleId"], row["userId"]): row["actions"][0]["url"]
        for row in manager.all("diagnoses", cause="not_connected")
    }
    assert len(links) == MOST

    # Clara shares Anna's car, so each of them needs their own link for it; once Anna is known she needs no other.
    link = {
        name: links[id_of("vehicle", vin), id_of("user", name)]
        for name, vin in (("anna", ANNAS_MODEL_3), ("clara", ANNAS_MODEL_3), ("bernd", BERNDS_MODEL_S))
    }
    for name in ("clara", "anna", "bernd"):
        owner(name).connect(application, url=link[name])
        assert application.call("GET", "/v2.0/user").body == {"id": id_of("user", name)}
    owner("anna").connect(application)
    assert application.ids == {vin: id_of("vehicle", vin) for vin in (ANNAS_MODEL_3, ANNAS_MODEL_Y)}
    owner("dieter").connect(application, [*EVERYTHING, "read_user_profile"])
    assert application.call("GET", "/v2.0/user").body == {"id": id_of("user", "dieter")}
    assert application.ids == {DIETERS_MODEL_3: id_of("vehicle", DIETERS_MODEL_3)}

    connect_the_others(registered, rows[len(CAST) :])

    assert not Reservation.objects.exists()
    connections = {(row["vehicleId"], row["userId"]) for row in manager.all("connections")}
    assert connections == {(row["vehicle_id"], row["user_id"]) for row in rows}
    assert audit_of(application) == {(row["vehicle_id"], row["vin"]) for row in rows}
    assert dict(Connection.objects.values_list("vehicle__vin", "public_id")) == {
        row["vin"]: uuid.UUID(row["vehicle_id"]) for row in rows
    }
    named = {row["user_id"]: row["external_id"] for row in rows if row.get("external_id")}
    for user in ApplicationUser.objects.all():
        assert user.external_id == named.get(str(user.public_id), "")
    call_command(
        "import_connections", file, application=application.client_id, verbosity=0, stdout=out, stderr=out
    )
    assert "0 reserved, 0 reserved before, 1,000 connected already, 0 refused" in out.getvalue()


def connect_the_others(application: Application, rows: list[dict[str, str]]) -> None:
    """What Connect does at the end of a run, for everybody else, each with their own Tesla account."""
    for _, of_user in groupby(rows, key=itemgetter("user_id")):
        account = TeslaAccountFactory(granted_scopes=EVERY_SCOPE)
        vehicles = [VehicleFactory(vin=row["vin"]) for row in of_user]
        for vehicle in vehicles:
            VehicleAccessFactory(account=account, vehicle=vehicle)
        grants.give(
            application=application,
            account=account,
            vehicles=vehicles,
            requested=list(EVERYTHING),
            approved=list(EVERYTHING),
            now=timezone.now(),
        )


def audit_of(application: Consumer, **narrowed: str) -> set[tuple[str, str]]:
    """Vehicle id and VIN of every row of the application's audit list."""
    out = io.StringIO()
    call_command("audit", application=application.client_id, format="json", stdout=out, **narrowed)
    return {(row["vehicle_id"], row["vin"]) for row in json.loads(out.getvalue())}
