"""Tesla's limits are kept per car and per account, by the minute, whoever asks."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import time_machine
from django.db import transaction

from vehicles import errors, rate_budgets
from vehicles.errors import CatalogueError
from vehicles.rate_budgets import Kind

pytestmark = pytest.mark.django_db


def test_the_call_after_the_last_is_refused_with_the_rest_of_the_minute_to_wait(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 30}
    car = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        for _ in range(3):
            rate_budgets.spend(Kind.WAKES, [car])
        with pytest.raises(CatalogueError) as raised:
            rate_budgets.spend(Kind.WAKES, [car])
        rate_budgets.spend(Kind.COMMANDS, [car])
        rate_budgets.spend(Kind.WAKES, [uuid.uuid4()])
    assert (raised.value.spec, raised.value.retry_after) == (errors.RATE_LIMIT_VEHICLE, 45)
    with time_machine.travel("2026-11-23T12:01:00Z", tick=False):
        rate_budgets.spend(Kind.WAKES, [car])


def test_an_account_with_two_cars_has_one_budget_for_both(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 2}
    account = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, [uuid.uuid4(), account])
        rate_budgets.spend(Kind.COMMANDS, [uuid.uuid4(), account])
        with pytest.raises(CatalogueError):
            rate_budgets.spend(Kind.COMMANDS, [uuid.uuid4(), account])


def test_a_process_whose_clock_is_behind_counts_in_the_minute_that_others_have_begun(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 2}
    car = uuid.uuid4()
    with time_machine.travel("2026-11-23T12:01:00Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, [car])
    with time_machine.travel("2026-11-23T12:00:59Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, [car])
        with pytest.raises(CatalogueError):
            rate_budgets.spend(Kind.COMMANDS, [car])


def test_nobody_pays_for_a_call_that_is_refused_for_somebody_elses_budget(settings: Any) -> None:
    settings.TESLA_RATE_LIMITS = {"data": 60, "wakes": 3, "commands": 1}
    car, account = uuid.uuid4(), uuid.uuid4()
    with time_machine.travel("2026-11-23T12:00:15Z", tick=False):
        rate_budgets.spend(Kind.COMMANDS, [account])
        with pytest.raises(CatalogueError), transaction.atomic():
            rate_budgets.spend(Kind.COMMANDS, [car, account])
        rate_budgets.spend(Kind.COMMANDS, [car])


def test_both_budgets_are_kept_with_one_statement(django_assert_num_queries: Any) -> None:
    for _ in range(2):
        with django_assert_num_queries(1):
            rate_budgets.spend(Kind.COMMANDS, [uuid.uuid4(), uuid.uuid4()])
