"""Reserving the ids of an application that moves here: good rows get in, bad ones are named, nothing happens twice."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.factories import (
    ApplicationFactory,
    ApplicationUserFactory,
    ConnectionFactory,
    ReservationFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from vehicles.client_credentials import checksum
from vehicles.models import Application, Event, Reservation

pytestmark = pytest.mark.django_db

COLUMNS = ["vehicle_id", "user_id", "vin", "external_id", "email", "scopes"]


def vin(number: int) -> str:
    return f"5YJ3E7EA7KF{number:06d}"


def row(number: int, **changes: str) -> dict[str, str]:
    """A good row; `number` tells the car, the person and their ids."""
    return {
        "vehicle_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"vehicle {number}")),
        "user_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"user {number}")),
        "vin": vin(number),
    } | changes


class Import:
    """One application's list, and the command that reads it."""

    def __init__(self, folder: Path) -> None:
        self.application: Application = ApplicationFactory()
        self.file = folder / "connections.csv"
        self.out = self.err = ""

    def __call__(self, *rows: dict[str, str], text: str | bytes = "", **options: Any) -> None:
        """Write the rows (or the text) and import them. Raises `CommandError` when rows were refused."""
        if rows:
            lines = io.StringIO()
            writer = csv.DictWriter(lines, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            text = lines.getvalue()
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.run(**options)

    def run(self, **options: Any) -> None:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(
                "import_connections", self.file, application=self.application.client_id,
                verbosity=0, stdout=out, stderr=err, **options,
            )  # fmt: skip
        finally:
            self.out, self.err = out.getvalue(), err.getvalue()

    def refused(self, *rows: dict[str, str], **more: Any) -> list[str]:
        """Import rows of which some are refused; what was told about them."""
        with pytest.raises(CommandError, match="refused"):
            self(*rows, **more)
        return self.err.splitlines()

    @property
    def stored(self) -> list[dict[str, Any]]:
        return list(Reservation.objects.order_by("vin", "user_public_id").values())


@pytest.fixture
def imported(db: None, tmp_path: Path) -> Import:
    return Import(tmp_path)


def test_a_row_reserves_its_ids_with_nothing_personal_but_the_vin(imported: Import) -> None:
    imported(
        row(
            1,
            external_id="customer 1",
            email="Anna@Owners.example",
            scopes="required:read_vin control_charge",
        )
    )
    [stored] = imported.stored
    assert str(stored["vehicle_public_id"]) == row(1)["vehicle_id"]
    assert str(stored["user_public_id"]) == row(1)["user_id"]
    assert (stored["vin"], stored["external_id"], stored["mode"]) == (vin(1), "customer 1", "live")
    assert stored["scopes"] == ["read_vin", "control_charge"]
    assert stored["email_checksum"] == checksum("anna@owners.example")
    assert imported.out.startswith("1 rows: 1 reserved, 0 reserved before, 0 connected already, 0 refused.")
    event = Event.objects.get(kind="ids:reserved")
    assert event.data == {"reserved": 1, "replaced": 0} and event.application_id == imported.application.pk


def test_the_same_file_twice_changes_nothing(imported: Import) -> None:
    imported(*(row(number) for number in range(1, 6)), row(6), row(6, user_id=row(7)["user_id"]))
    before = imported.stored
    imported.run()
    assert imported.stored == before
    assert "7 reserved before" in imported.out and "0 reserved," in imported.out
    assert Event.objects.filter(kind="ids:reserved").count() == 1


def test_a_corrected_row_replaces_what_was_not_used_yet(imported: Import) -> None:
    imported(row(1), row(2))
    for corrected in (
        row(1, vin=vin(9)),
        row(1, user_id=row(8)["user_id"]),
        row(1, vehicle_id=row(8)["vehicle_id"]),
        row(1, external_id="customer 1", email="a@b.example"),
    ):
        imported(corrected)
        assert Reservation.objects.count() == 2
        made = Reservation.objects.exclude(vin=vin(2)).get()
        assert (str(made.vehicle_public_id), str(made.user_public_id), made.vin) == (
            corrected["vehicle_id"], corrected["user_id"], corrected["vin"],
        )  # fmt: skip
        assert "1 earlier reservations replaced" in imported.out
    assert (made.external_id, made.email_checksum) == ("customer 1", checksum("a@b.example"))


def test_rows_whose_cars_were_swapped_can_be_swapped_back(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vehicles.management.commands.import_connections.BATCH", 1)
    user = row(1)["user_id"]
    imported(row(1, vin=vin(2)), row(2, vin=vin(1), user_id=user))
    imported(row(1), row(2, user_id=user))
    assert {str(made.vehicle_public_id): made.vin for made in Reservation.objects.all()} == {
        row(1)["vehicle_id"]: vin(1),
        row(2)["vehicle_id"]: vin(2),
    }


def test_a_dry_run_tells_the_same_and_writes_nothing(imported: Import) -> None:
    imported(row(1))
    before = imported.stored
    lines = imported.refused(row(1, vin=vin(3)), row(2), row(4, vin="short"), dry_run=True)
    assert imported.stored == before and Event.objects.count() == 1
    assert (
        "2 reserved" in imported.out
        and "1 earlier" in imported.out
        and "Nothing was written." in imported.out
    )
    assert lines == ["line 4: not imported: vin must be a VIN: 17 letters and digits, none of them I, O or Q"]


@pytest.mark.parametrize(
    ("changes", "column", "right"),
    [
        ({"vehicle_id": ""}, "vehicle_id", "UUID of 36 characters"),
        ({"vehicle_id": "36ab27d0fd9d4455823ace30af709ffc"}, "vehicle_id", "UUID of 36 characters"),
        ({"user_id": str(uuid.UUID(int=255)).upper()}, "user_id", "small letters"),
        ({"vin": ""}, "vin", "17 letters and digits"),
        ({"vin": "5YJ3E7EA7KF00000O"}, "vin", "none of them I, O or Q"),
        ({"vin": "WVWZZZ1KZ6W612305"}, "vin", "must be a Tesla's"),
        ({"email": "no address"}, "email", "of the Tesla account, or empty"),
        ({"scopes": "read_vin read_minds"}, "scopes", "unknown: read_minds"),
        ({"external_id": "x" * 256}, "external_id", "at most 255 characters"),
        ({"external_id": "\0"}, "external_id", "UTF-8"),
    ],
)
def test_a_bad_row_is_named_with_what_would_be_right_and_the_others_get_in(
    imported: Import, changes: dict[str, str], column: str, right: str
) -> None:
    [line] = imported.refused(row(1), row(2, **changes), row(3))
    assert line.startswith(f"line 3: not imported: {column} ") and right in line
    assert [stored["vin"] for stored in imported.stored] == [vin(1), vin(3)]


@pytest.mark.parametrize(
    "line",
    [
        b'"a quotation mark that never closes',
        b"\xff\xfe,\xff,\xff",
        b"," * 9,
        b"x" * 100_000,
        b'{"not": "CSV"}',
    ],
)
def test_no_line_spoils_the_others(imported: Import, line: bytes) -> None:
    good = ",".join(row(1).values()).encode()
    lines = imported.refused(text=b"vehicle_id,user_id,vin\n" + line + b"\n" + good + b"\n")
    assert [told.partition(":")[0] for told in lines] == ["line 2"]
    assert [stored["vin"] for stored in imported.stored] == [vin(1)]


@pytest.mark.parametrize("column", ["external_id", "email"])
def test_half_a_character_that_json_escapes_spoils_no_other_line(imported: Import, column: str) -> None:
    half = json.dumps(row(1, **{column: "half@\ud83d"}))
    lines = imported.refused(text=f"{half}\n{json.dumps(row(2))}\n")
    assert lines == [f"line 1: not imported: {column} must be text in UTF-8"]
    assert [stored["vin"] for stored in imported.stored] == [vin(2)]


@pytest.mark.parametrize(
    "text",
    [
        *("", "\n", "vehicle_id,vin\n", "a file of something else\n", "\N{BYTE ORDER MARK}"),
        "vehicle_id,user_id,vin\rlines of old spreadsheets\r",
    ],
)
def test_a_file_that_is_no_such_list_is_refused_with_the_columns_it_needs(
    imported: Import, text: str
) -> None:
    with pytest.raises(CommandError, match="user_id"):
        imported(text=text)


def test_a_missing_file_or_application_is_told_plainly(imported: Import) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        imported.run()
    with pytest.raises(CommandError, match="there is no application nobody"):
        call_command("import_connections", imported.file, application="nobody")


def test_other_ways_of_writing_the_file_are_understood(imported: Import) -> None:
    first, second = row(1), row(2)
    imported(
        text="\N{BYTE ORDER MARK}Vehicle ID;userId;VIN;name\r\n"
        f"{first['vehicle_id']};{first['user_id']};{first['vin'].lower()};Anna\r\n\r\n"
    )
    imported(
        text=json.dumps(
            {"vehicleId": second["vehicle_id"], "userId": second["user_id"], "vin": second["vin"],
             "scopes": ["read_vin"], "email": None}
        )
    )  # fmt: skip
    assert [(stored["vin"], stored["scopes"]) for stored in imported.stored] == [
        (vin(1), []),
        (vin(2), ["read_vin"]),
    ]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (row(1, vin=vin(2), user_id=row(2)["user_id"]), "an id names one car"),
        (row(1, vehicle_id=row(2)["vehicle_id"]), "is not the only one in this file for this car and user"),
        (row(1, external_id="other"), "says something else about this vehicle and user"),
        (row(2, user_id=row(1)["user_id"], external_id="other"), "a user has one"),
    ],
)
def test_rows_that_contradict_each_other_are_all_refused(
    imported: Import, second: dict[str, str], message: str
) -> None:
    lines = imported.refused(row(1, external_id="one"), second, row(3))
    assert [line.partition(":")[0] for line in lines] == ["line 2", "line 3"]
    assert all(message in line for line in lines)
    assert [stored["vin"] for stored in imported.stored] == [vin(3)]


def test_the_same_row_twice_in_a_file_is_one(imported: Import) -> None:
    imported(row(1), row(1))
    assert Reservation.objects.count() == 1


def test_a_car_of_several_users_is_reserved_and_named_as_ambiguous(imported: Import) -> None:
    same_id = {"vehicle_id": row(1)["vehicle_id"]}
    imported(row(1), row(2, vin=vin(1), **same_id), row(3), row(4, vin=vin(3)))
    assert [stored["shared"] for stored in imported.stored] == [True] * 4
    assert [line.partition(":")[0] for line in imported.err.splitlines()] == [
        f"line {n}" for n in (2, 3, 4, 5)
    ]
    assert "several users have this car" in imported.err and "4 ambiguous" in imported.out


def test_ids_in_use_are_named_and_left_alone(imported: Import) -> None:
    used = ConnectionFactory(application=imported.application, vehicle=VehicleFactory(vin=vin(1)))
    own, others = imported.refused(row(1), row(2, vehicle_id=str(used.public_id)), row(3))
    assert own == (
        f"line 2: not imported: vehicle_id the car was connected already and is known as {used.public_id}; "
        "an id in use is never changed"
    )
    assert others.startswith("line 3: ") and "in use here for another car (VIN ending 0001)" in others
    assert [stored["vin"] for stored in imported.stored] == [vin(3)]


def test_another_applications_ids_are_no_conflict(imported: Import) -> None:
    ConnectionFactory(public_id=row(1)["vehicle_id"], vehicle=VehicleFactory(vin=vin(1)))
    ReservationFactory(vin=vin(1), vehicle_public_id=row(1)["vehicle_id"], user_public_id=row(1)["user_id"])
    imported(row(1))
    assert Reservation.objects.filter(application=imported.application).count() == 1


@pytest.fixture
def connected(imported: Import) -> Callable[[int], None]:
    """`connected(1)`: the owner of row 1 has connected its car, and has both ids back."""

    def connected(number: int) -> None:
        user = ApplicationUserFactory(application=imported.application, public_id=row(number)["user_id"])
        vehicle = VehicleFactory(vin=vin(number))
        connection = ConnectionFactory(
            application=imported.application, vehicle=vehicle, public_id=row(number)["vehicle_id"]
        )
        VehicleGrantFactory(connection=connection, account__person=user.person)

    return connected


def test_a_row_that_was_connected_since_is_not_reserved_again(
    imported: Import, connected: Callable[[int], None]
) -> None:
    connected(1)
    imported(row(1), row(2))
    assert [stored["vin"] for stored in imported.stored] == [vin(2)]
    assert "1 connected already" in imported.out


def test_a_second_user_of_a_connected_car_needs_proof(
    imported: Import, connected: Callable[[int], None]
) -> None:
    connected(1)
    imported(row(2, vin=vin(1), vehicle_id=row(1)["vehicle_id"]))
    assert imported.stored[0]["shared"] is True


def test_a_user_who_is_here_already_keeps_their_other_cars_to_themselves(
    imported: Import, connected: Callable[[int], None]
) -> None:
    connected(1)
    imported(row(2, user_id=row(1)["user_id"]))
    claimed = Reservation.objects.get().claimed_by
    assert claimed is not None and str(claimed.public_id) == row(1)["user_id"]


def test_a_user_id_whose_cars_ended_up_with_different_people_is_named(
    imported: Import, connected: Callable[[int], None]
) -> None:
    connected(1)
    connected(2)
    imported(row(2, user_id=row(1)["user_id"]))
    assert (
        "line 2: ambiguous: user_id the person who has this user id now did not connect this car"
        in imported.err
    )


def test_progress_is_shown_unless_it_is_not_wanted(
    imported: Import, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(row(1))
    assert imported.err == ""
    imported.file.write_text(imported.file.read_text())
    call_command("import_connections", imported.file, application=str(imported.application.pk))
    assert "Reading" in capsys.readouterr().err
