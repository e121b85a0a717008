"""Giving reserved ids back: to the person they belong to and never to anybody else, whoever comes first."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from tests.factories import (
    ApplicationFactory,
    ApplicationUserFactory,
    ReservationFactory,
    TeslaAccountFactory,
    VehicleAccessFactory,
    VehicleFactory,
)
from vehicles import grants
from vehicles.client_credentials import checksum
from vehicles.grants import erasure
from vehicles.models import (
    Application,
    ApplicationUser,
    Connection,
    Event,
    Reservation,
    TeslaAccount,
    User,
    Vehicle,
    VehicleGrant,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def application(db: None) -> Application:
    return ApplicationFactory()


@pytest.fixture
def car(db: None) -> Vehicle:
    return VehicleFactory()


def account(car: Vehicle, *more: Vehicle, access: str = "OWNER", **changes: Any) -> TeslaAccount:
    """Somebody whose Tesla account lists these cars."""
    made: TeslaAccount = TeslaAccountFactory(**changes)
    for vehicle in (car, *more):
        VehicleAccessFactory(account=made, vehicle=vehicle, access_type=access)
    return made


def connect(
    application: Application, account: TeslaAccount, *cars: Vehicle, told: str = "", user: str = ""
) -> None:
    grants.give(
        application=application,
        account=account,
        vehicles=cars,
        requested=["read_vin"],
        approved=["read_vin"],
        external_id=told,
        user=user,
        now=datetime.fromisoformat("2026-12-01T00:00:00+00:00"),
    )


def user_id(application: Application, account: TeslaAccount) -> uuid.UUID:
    return ApplicationUser.objects.get(application=application, person=account.person).public_id


def vehicle_id(application: Application, car: Vehicle) -> uuid.UUID:
    return Connection.objects.get(application=application, vehicle=car).public_id


def test_the_owner_of_the_car_gets_both_ids_back_and_the_reservation_is_gone(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(application=application, vin=car.vin, external_id="customer 7")
    anna = account(car)
    connect(application, anna, car)
    assert user_id(application, anna) == row.user_public_id
    assert vehicle_id(application, car) == row.vehicle_public_id
    assert ApplicationUser.objects.get().external_id == "customer 7"
    assert not Reservation.objects.exists()
    event = Event.objects.get(kind="ids:given_back")
    assert event.data == {"user_id": str(row.user_public_id), "connection_id": str(row.vehicle_public_id)}
    assert VehicleGrant.objects.get().connection.public_id == row.vehicle_public_id


def test_a_car_that_nobody_reserved_gets_ids_of_its_own(application: Application, car: Vehicle) -> None:
    other = ReservationFactory(application=application)
    ReservationFactory(vin=car.vin)
    anna = account(car)
    connect(application, anna, car)
    assert user_id(application, anna) != other.user_public_id
    assert Reservation.objects.count() == 2


def test_a_reservation_for_live_cars_is_not_used_by_a_simulated_one(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(application=application, vin=car.vin)
    simulated = VehicleFactory(vin=car.vin, mode="simulated")
    connect(application, account(simulated, mode="simulated"), simulated)
    assert vehicle_id(application, simulated) != row.vehicle_public_id
    assert Reservation.objects.count() == 1


def test_a_driver_gets_the_cars_id_but_no_user_id_that_only_the_car_speaks_for(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(application=application, vin=car.vin)
    clara, anna = account(car, access="DRIVER"), account(car)
    connect(application, clara, car)
    assert vehicle_id(application, car) == row.vehicle_public_id
    assert user_id(application, clara) != row.user_public_id
    connect(application, anna, car)
    assert user_id(application, anna) == row.user_public_id
    assert not Reservation.objects.exists()


def test_an_email_address_that_tesla_told_proves_also_a_driver(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(
        application=application, vin=car.vin, email_checksum=checksum("clara@owners.example"), shared=True
    )
    clara = account(car, access="DRIVER", email="Clara@owners.example")
    connect(application, clara, car)
    assert user_id(application, clara) == row.user_public_id


def test_another_email_address_than_the_reserved_one_is_another_person(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(
        application=application, vin=car.vin, email_checksum=checksum("old@owners.example")
    )
    buyer = account(car, email="new@owners.example")
    connect(application, buyer, car)
    assert user_id(application, buyer) != row.user_public_id
    assert Reservation.objects.get().claimed_by is None


def test_an_email_address_that_tesla_did_not_tell_neither_proves_nor_denies(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(
        application=application, vin=car.vin, email_checksum=checksum("anna@owners.example")
    )
    anna = account(car, email="")
    connect(application, anna, car)
    assert user_id(application, anna) == row.user_public_id


def test_the_rows_own_link_proves_whose_it_is(application: Application, car: Vehicle) -> None:
    annas, claras = (
        ReservationFactory(application=application, vin=car.vin, shared=True, vehicle_public_id=same)
        for same in [uuid.uuid4()] * 2
    )
    clara, anna = account(car, access="DRIVER"), account(car)
    connect(application, clara, car, user=str(claras.user_public_id))
    connect(application, anna, car, user=str(annas.user_public_id), told="customer 1")
    assert user_id(application, clara) == claras.user_public_id
    assert user_id(application, anna) == annas.user_public_id
    assert vehicle_id(application, car) == annas.vehicle_public_id
    assert not Reservation.objects.exists()
    names = ApplicationUser.objects.values_list("public_id", "external_id")
    assert dict(names) == {claras.user_public_id: "", annas.user_public_id: "customer 1"}


def test_of_a_shared_car_the_owner_alone_is_not_told_apart(application: Application, car: Vehicle) -> None:
    rows = [ReservationFactory(application=application, vin=car.vin, shared=True) for _ in range(2)]
    anna = account(car)
    connect(application, anna, car)
    assert user_id(application, anna) not in {row.user_public_id for row in rows}
    assert vehicle_id(application, car) not in {row.vehicle_public_id for row in rows}
    assert Reservation.objects.count() == 2


def test_the_last_row_of_a_shared_car_is_not_given_to_whoever_comes(
    application: Application, car: Vehicle
) -> None:
    annas = ReservationFactory(
        application=application, vin=car.vin, shared=True, email_checksum=checksum("anna@owners.example")
    )
    others = ReservationFactory(
        application=application, vin=car.vin, shared=True, vehicle_public_id=annas.vehicle_public_id
    )
    connect(application, account(car, email="anna@owners.example"), car)
    stranger = account(car, email="")
    connect(application, stranger, car)
    assert user_id(application, stranger) != others.user_public_id
    assert Reservation.objects.get() == others


@pytest.mark.parametrize("told", ["customer 8", "8f7d9c0e-6a6a-4f8e-9f69-0d6a3f2b1c11"])
def test_an_application_that_names_somebody_else_is_believed(
    application: Application, car: Vehicle, told: str
) -> None:
    row = ReservationFactory(application=application, vin=car.vin, external_id="customer 7")
    buyer = account(car)
    connect(application, buyer, car, told=told)
    assert user_id(application, buyer) != row.user_public_id
    assert ApplicationUser.objects.get().external_id == told


def test_an_external_id_alone_proves_nothing(application: Application, car: Vehicle) -> None:
    row = ReservationFactory(application=application, vin=car.vin, external_id="customer 7", shared=True)
    clever = account(car, access="DRIVER")
    connect(application, clever, car, told="customer 7")
    assert user_id(application, clever) != row.user_public_id


def test_the_link_of_another_user_of_the_car_speaks_against_this_one(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(application=application, vin=car.vin)
    other = ReservationFactory(application=application, vin=car.vin, email_checksum=checksum("x@y.example"))
    anna = account(car, email="anna@owners.example")
    connect(application, anna, car, user=str(other.user_public_id))
    assert user_id(application, anna) not in (row.user_public_id, other.user_public_id)
    assert ApplicationUser.objects.get().external_id == ""


def test_a_user_with_several_cars_is_one_person_however_often_they_connect(
    application: Application, car: Vehicle
) -> None:
    second = VehicleFactory()
    user = uuid.uuid4()
    rows = [
        ReservationFactory(application=application, vin=each.vin, user_public_id=user)
        for each in (car, second)
    ]
    anna = account(car, second)
    connect(application, anna, car)
    assert Reservation.objects.get().claimed_by == ApplicationUser.objects.get()
    connect(application, anna, second)
    assert user_id(application, anna) == user
    assert [vehicle_id(application, each) for each in (car, second)] == [
        row.vehicle_public_id for row in rows
    ]
    assert not Reservation.objects.exists()


def test_a_user_id_on_two_cars_of_different_people_goes_to_the_first_only(
    application: Application, car: Vehicle
) -> None:
    sold = VehicleFactory()
    user = uuid.uuid4()
    for each in (car, sold):
        ReservationFactory(application=application, vin=each.vin, user_public_id=user)
    anna, buyer = account(car), account(sold)
    connect(application, anna, car)
    connect(application, buyer, sold)
    assert user_id(application, anna) == user
    assert user_id(application, buyer) != user
    left = Reservation.objects.get()
    assert (left.vin, left.claimed_by.person) == (sold.vin, anna.person)


def test_somebody_who_chooses_cars_of_two_users_is_neither(application: Application, car: Vehicle) -> None:
    second = VehicleFactory()
    rows = [ReservationFactory(application=application, vin=each.vin) for each in (car, second)]
    both = account(car, second)
    connect(application, both, car, second)
    assert user_id(application, both) not in {row.user_public_id for row in rows}
    assert vehicle_id(application, car) == rows[0].vehicle_public_id


def test_proof_outranks_what_only_seems_so(application: Application, car: Vehicle) -> None:
    second = VehicleFactory()
    ReservationFactory(application=application, vin=car.vin)
    proved = ReservationFactory(
        application=application, vin=second.vin, email_checksum=checksum("anna@owners.example")
    )
    anna = account(car, second, email="anna@owners.example")
    connect(application, anna, car, second)
    assert user_id(application, anna) == proved.user_public_id


def test_ids_in_use_do_not_change(application: Application, car: Vehicle) -> None:
    anna = account(car)
    connect(application, anna, car)
    before = user_id(application, anna), vehicle_id(application, car)
    ReservationFactory(application=application, vin=car.vin)
    connect(application, anna, car)
    assert (user_id(application, anna), vehicle_id(application, car)) == before
    assert Reservation.objects.count() == 1


def test_a_user_id_that_somebody_took_in_the_same_moment_is_not_given_twice(
    application: Application, car: Vehicle
) -> None:
    row = ReservationFactory(application=application, vin=car.vin)
    ApplicationUserFactory(application=application, public_id=row.user_public_id)
    anna = account(car)
    connect(application, anna, car)
    assert user_id(application, anna) != row.user_public_id
    assert vehicle_id(application, car) == row.vehicle_public_id
    assert VehicleGrant.objects.get().account == anna


def test_a_vehicle_id_that_another_car_has_is_not_given_twice(application: Application, car: Vehicle) -> None:
    first = account(car)
    connect(application, first, car)
    second = VehicleFactory()
    row = ReservationFactory(
        application=application, vin=second.vin, vehicle_public_id=vehicle_id(application, car)
    )
    owner = account(second)
    connect(application, owner, second)
    assert vehicle_id(application, second) != row.vehicle_public_id
    assert user_id(application, owner) == row.user_public_id


def test_a_reservation_goes_with_the_person_who_took_its_user_over(
    application: Application, car: Vehicle
) -> None:
    second, user = VehicleFactory(), uuid.uuid4()
    for each in (car, second):
        ReservationFactory(application=application, vin=each.vin, user_public_id=user)
    anna = account(car)
    connect(application, anna, car)
    User.objects.get(pk=anna.person_id).delete()
    assert not Reservation.objects.exists()


def test_the_applications_name_for_a_person_is_kept_replaced_and_cleared(
    application: Application, car: Vehicle
) -> None:
    anna = account(car)
    for told, kept in [("first", "first"), ("", "first"), ("second", "second"), ("null", "")]:
        connect(application, anna, car, told=told)
        assert ApplicationUser.objects.get().external_id == kept


def test_erasing_a_person_erases_what_is_still_reserved_for_them_elsewhere(
    application: Application, car: Vehicle, now: datetime
) -> None:
    proof = {"email_checksum": checksum("anna@owners.example"), "shared": True}
    for theirs in ({}, proof):
        ReservationFactory(vin=car.vin, **theirs)
    others = [ReservationFactory(vin=car.vin, shared=True), ReservationFactory()]
    anna = account(car, email="anna@owners.example")
    connect(application, anna, car)
    erasure.erase(anna.person, actor="system", now=now)
    assert set(Reservation.objects.all()) == set(others)


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_never_take_the_same_user_id(application: Application, car: Vehicle) -> None:
    row = ReservationFactory(application=application, vin=car.vin)
    people = [account(car) for _ in range(4)]
    start = threading.Barrier(len(people))

    def run(someone: TeslaAccount) -> None:
        start.wait()
        connect(application, someone, car)
        connection.close()

    threads = [threading.Thread(target=run, args=(someone,)) for someone in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [user_id(application, someone) for someone in people]
    assert ids.count(row.user_public_id) == 1 and len(set(ids)) == 4
    assert vehicle_id(application, car) == row.vehicle_public_id
    assert not Reservation.objects.exists()
