"""Tesla's limits are kept per car and per account, by the minute, whoever asks."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import time_machine
from django.db import transaction

from tests.factories import ApplicationFactory, VehicleGrantFactory
from vehicles import errors
from vehicles.errors import CatalogueError
from vehicles.models import VehicleGrant
from vehicles.upstream import calls, rate_budgets
from vehicles.upstream.rate_budgets import Kind, Spender

pytestmark = pytest.mark.django_db


def spender(car: uuid.UUID | None = None, account: uuid.UUID | None = None) -> Spender:
    """An application that calls over this account, on this car; what is not named is new each time."""
    return Spender(car or uuid.uuid4(), account or uuid.uuid4(), 1)


def test_the_call_after_the_last_is_refused_with_the_rest_of_the_minute_to_wait(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 30}
    car = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        for _ in range(3):
            rate_budgets.spend(Kind.WAKES, spender(car))
        with pytest.raises(CatalogueError) as raised:
            rate_budgets.spend(Kind.WAKES, spender(car))
        rate_budgets.spend(Kind.COMMANDS, spender(car))
        rate_budgets.spend(Kind.WAKES, spender())
    assert (raised.value.spec, raised.value.retry_after) == (errors.RATE_LIMIT_VEHICLE, 45)
    with time_machine.travel("2026-11-23T12:01:00Z", tick=False):
        rate_budgets.spend(Kind.WAKES, spender(car))


def test_an_account_with_two_cars_has_one_budget_for_both(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 2}
    account = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, spender(account=account))
        rate_budgets.spend(Kind.COMMANDS, spender(account=account))
        with pytest.raises(CatalogueError):
            rate_budgets.spend(Kind.COMMANDS, spender(account=account))


def test_a_process_whose_clock_is_behind_counts_in_the_minute_that_others_have_begun(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 2}
    car = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:01:00Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, spender(car))
    with time_machine.travel("2026-11-23T12:00:59Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, spender(car))
        with pytest.raises(CatalogueError):
            rate_budgets.spend(Kind.COMMANDS, spender(car))


@pytest.mark.parametrize("ahead", ["2026-11-23T13:00:00Z", "2027-11-23T12:00:00Z", "2026-11-23T12:02:00Z"])
def test_a_clock_that_was_ahead_once_leaves_no_budget_used_up(settings: Any, ahead: str) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 2}
    car = uuid.uuid4()
    with time_machine.travel(ahead, tick=False):
        for _ in range(2):
            rate_budgets.spend(Kind.COMMANDS, spender(car))
    with time_machine.travel("2026-11-23T12:00:10Z", tick=False):
        for _ in range(2):
            rate_budgets.spend(Kind.COMMANDS, spender(car))
        with pytest.raises(CatalogueError) as raised:
            rate_budgets.spend(Kind.COMMANDS, spender(car))
    assert raised.value.retry_after == 50


def test_who_waits_as_long_as_was_said_is_let_in_even_where_another_clock_is_ahead(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 1}
    car = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:01:00Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, spender(car))
    with time_machine.travel("2026-11-23T12:00:59Z", tick=False) as clock:
        with pytest.raises(CatalogueError) as raised:
            rate_budgets.spend(Kind.COMMANDS, spender(car))
        assert raised.value.retry_after
        clock.shift(raised.value.retry_after)
        rate_budgets.spend(Kind.COMMANDS, spender(car))


def shared(count: int) -> list[VehicleGrant]:
    """One car of one account, connected to so many applications."""
    first = VehicleGrantFactory()
    others = [
        VehicleGrantFactory(
            account=first.account, vehicle=first.connection.vehicle, application=ApplicationFactory()
        )
        for _ in range(count - 1)
    ]
    return [first, *others]


def spent(grant: VehicleGrant, kind: Kind = Kind.DATA, most: int = 1000) -> int:
    """How often the application is let through before it is refused."""
    for count in range(most):
        try:
            with transaction.atomic():
                rate_budgets.spend(kind, calls._spender(grant))
        except CatalogueError:
            return count
    return most


@pytest.mark.parametrize(("applications", "each"), [(1, 60), (2, 30), (3, 20), (7, 8)])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_one_application_does_on_a_shared_car_leaves_every_other_its_part(
    settings: Any, applications: int, each: int, at_once: bool
) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 30}
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        grants = shared(applications)
        if at_once:
            counts = dict.fromkeys([grant.pk for grant in grants], 0)
            for _ in range(60):
                for grant in grants:
                    counts[grant.pk] += spent(grant, most=1)
            assert set(counts.values()) == {each}
        else:
            assert [spent(grant) for grant in grants] == [each] * applications


def test_more_applications_than_calls_still_get_what_there_is(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 30}
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        assert [spent(grant, Kind.WAKES) for grant in shared(5)] == [1, 1, 1, 0, 0]


def test_an_application_that_was_disconnected_has_no_part_any_more(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 30}
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        first, second = shared(2)
        VehicleGrant.objects.filter(pk=second.pk).update(revoked_at="2026-11-23T12:00:00Z")
        assert spent(first) == 60


def test_owner_and_driver_with_an_application_each_share_the_car(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 30}
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        owner = VehicleGrantFactory()
        driver = VehicleGrantFactory(vehicle=owner.connection.vehicle, application=ApplicationFactory())
        assert (spent(owner), spent(driver)) == (30, 30)


def test_nobody_pays_for_a_call_that_is_refused_for_somebody_elses_budget(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 1}
    car, account = uuid.uuid4(), uuid.uuid4()
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, spender(account=account))
        with pytest.raises(CatalogueError), transaction.atomic():
            rate_budgets.spend(Kind.COMMANDS, spender(car, account))
        rate_budgets.spend(Kind.COMMANDS, spender(car))


def test_budgets_and_parts_of_them_are_kept_with_one_statement_a_call(django_assert_num_queries: Any) -> None:
    for _ in range(2):
        with django_assert_num_queries(1):
            rate_budgets.spend(Kind.COMMANDS, spender())
