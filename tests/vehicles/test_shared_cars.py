"""One car, several accounts and applications: what is seen of the car counts for all, tokens for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.factories import ApplicationFactory, VehicleGrantFactory
from tests.vehicles.commanding import car_of, executed, issue, refused
from vehicles import access, errors, history, pairing, reads, sync
from vehicles.errors import CatalogueError
from vehicles.facts import with_rows
from vehicles.models import Event, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3 as VIN
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db
ASKED = ["read_vin", "read_battery", "read_odometer", "control_security"]


def connect(account: TeslaAccount, application: Any = None, relation: str = "OWNER") -> VehicleGrant:
    """The account's person gives an application the car; the grant with the rows that requests read."""
    made = VehicleGrantFactory(
        account=account,
        vehicle=Vehicle.objects.get(vin=VIN),
        application=application or ApplicationFactory(),
        requested=list(ASKED),
        access=relation,
    )
    return fresh(made)


def fresh(grant: VehicleGrant) -> VehicleGrant:
    return with_rows(VehicleGrant.objects.filter(pk=grant.pk)).get()


def read(grant: VehicleGrant) -> Any:
    return reads.read(fresh(grant), "odometer", imperial=False, now=timezone.now()).body


def put_key_on(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    assert simulator.world.operator
    car_of(simulator, grant).operators.add(simulator.world.operator.client_id)


def give_cars(simulator: SimulatorServer, email: str, **cars: str) -> None:
    """What an account holds from now on: relation by VIN."""
    account = simulator.world.account(email)
    assert account
    for vin in list(account.access):
        del account.access[vin]
        simulator.world.cars[vin].people.pop(email, None)
    for vin, relation in cars.items():
        simulator.world.give_access(account, simulator.world.cars[vin], relation)


@pytest.mark.parametrize("same", [True, False])
def test_owner_and_driver_are_served_with_their_own_tokens_only(
    simulator: SimulatorServer, sign_in: Any, anna: Any, clara: Any, same: bool
) -> None:
    application = ApplicationFactory() if same else None
    owner = connect(sign_in(anna), application)
    driver = connect(sign_in(clara), application, "DRIVER")
    put_key_on(simulator, owner)
    sync.vehicles_of(owner.account, timezone.now())
    for grant in (owner, driver):
        before = len(simulator.world.calls.since(0))
        read(grant)
        issue(fresh(grant))
        asked = simulator.world.calls.since(0)[before:]
        assert asked and {call["email"] for call in asked} == {grant.account.email}


def test_what_the_owners_account_tells_of_the_key_holds_for_the_driver_too(
    simulator: SimulatorServer, sign_in: Any, anna: Any, clara: Any
) -> None:
    driver = connect(sign_in(clara), relation="DRIVER")
    assert access.diagnosis_of(driver).main_cause == "driver_only"
    assert [(each.actor, each.code) for each in access.diagnosis_of(driver).actions] == [
        ("driver", "ask_owner"),
        ("owner", "connect_and_add_key"),
    ]
    owner = connect(sign_in(anna))
    told = access.diagnosis_of(fresh(driver), "control_security")
    assert (told.main_cause, told.error) == ("key_absent", errors.VIRTUAL_KEY_REQUIRED)
    assert [(each.actor, each.code) for each in told.actions] == [
        ("driver", "ask_owner"),
        ("owner", "add_key"),
    ]
    put_key_on(simulator, owner)
    sync.vehicles_of(owner.account, timezone.now())
    assert access.diagnosis_of(fresh(driver)).causes == ()
    assert issue(fresh(driver)).outcome == "succeeded"
    assert executed(simulator, driver) == ["door_lock"]


def test_a_drivers_key_page_asks_tesla_no_oftener_than_an_owners(
    simulator: SimulatorServer, sign_in: Any, clara: Any
) -> None:
    account = sign_in(clara)
    vehicle = Vehicle.objects.get()
    before = len(simulator.world.calls.since(0))
    assert pairing.refresh_key(vehicle, account, timezone.now()).key_reason == "driver_only"
    assert len(simulator.world.calls.since(0)) == before


def test_the_driver_keeps_the_cars_evidence_when_the_owner_disconnects(
    simulator: SimulatorServer, sign_in: Any, anna: Any, clara: Any
) -> None:
    owner, driver = connect(sign_in(anna)), connect(sign_in(clara), relation="DRIVER")
    put_key_on(simulator, owner)
    sync.vehicles_of(owner.account, timezone.now())
    owner.account.person.delete()
    assert access.diagnosis_of(fresh(driver)).axes["key"]["value"] == "present"
    assert issue(fresh(driver)).outcome == "succeeded"


def test_a_sold_car_is_missing_for_the_old_owner_and_works_for_the_new_one(
    simulator: SimulatorServer, sign_in: Any, anna: Any, dieter: Any
) -> None:
    old = connect(sign_in(anna))
    put_key_on(simulator, old)
    sync.vehicles_of(old.account, timezone.now())
    before_sale = timezone.now()
    give_cars(simulator, anna.email)
    give_cars(simulator, dieter.email, **{VIN: "OWNER"})
    with pytest.raises(CatalogueError) as raised:
        read(old)
    assert raised.value.spec is errors.VEHICLE_MISSING
    old.refresh_from_db()
    assert (old.verdict, old.main_cause, old.revoked_at) == ("blocked", "vehicle_missing", None)

    new = connect(sign_in(dieter))
    assert new.connection.vehicle == old.connection.vehicle
    assert read(new) and issue(fresh(new)).outcome == "succeeded"
    sync.vehicles_of(old.account, timezone.now())
    assert refused(fresh(old)).spec is errors.VEHICLE_MISSING
    assert VehicleGrant.objects.filter(main_cause="vehicle_missing").count() == 1

    accesses = history.as_of(new.connection.vehicle, timezone.now())["accesses"]
    assert accesses[str(old.account_id)] == {"access_type": "OWNER", "missing": True}
    assert accesses[str(new.account_id)] == {"access_type": "OWNER", "missing": False}
    then = history.as_of(new.connection.vehicle, before_sale)["accesses"]
    assert then == {str(old.account_id): {"access_type": "OWNER", "missing": False}}


def test_a_car_that_comes_back_is_served_again_and_all_of_it_is_in_the_history(
    simulator: SimulatorServer, sign_in: Any, anna: Any
) -> None:
    grant = connect(sign_in(anna))
    for cars in ({}, {VIN: "OWNER"}):
        give_cars(simulator, anna.email, **cars)
        sync.vehicles_of(grant.account, timezone.now())
    assert read(grant)
    kinds = Event.objects.filter(vehicle_id=grant.connection.vehicle_id, account_id=grant.account_id)
    told = kinds.exclude(kind__startswith="key").order_by("pk").values_list("kind", flat=True)
    assert [kind for kind in told if kind != "vehicle:changed"] == [
        "vehicle:appeared",
        "vehicle:disappeared",
        "access:changed",
    ]


@pytest.mark.parametrize(("before", "after"), [("OWNER", "DRIVER"), ("DRIVER", "OWNER")])
def test_becoming_owner_or_driver_is_recorded_and_changes_whose_move_it_is(
    simulator: SimulatorServer, sign_in: Any, anna: Any, before: str, after: str
) -> None:
    give_cars(simulator, anna.email, **{VIN: before})
    grant = connect(sign_in(anna), relation=before)
    give_cars(simulator, anna.email, **{VIN: after})
    sync.vehicles_of(grant.account, timezone.now())
    event = Event.objects.get(kind="access:changed")
    assert (event.data["access_type"], event.account_id) == (after, grant.account_id)
    assert VehicleAccess.objects.get().access_type == after
    grant.refresh_from_db()
    expected = {"OWNER": ("key_absent", "owner"), "DRIVER": ("key_absent", "driver")}
    assert (grant.main_cause, grant.next_actor) == expected[after]
