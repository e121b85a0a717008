"""Somebody without a login or a token raises no table: at no address, by no method, whatever is sent along."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.test import Client
from django.utils import timezone

from connect.models import ShownFault
from tests.rules.test_routes import API_VERSION, ROUTES, example

pytestmark = pytest.mark.django_db

ROUNDS = 3
COUNTED = {"connect.ShownFault", "connect.AddressBudget"}
"""The first has only so many rows a reason and hour, and the reasons are counted here; the second one an address."""


def rows() -> Counter[str]:
    return Counter({model._meta.label: model._default_manager.count() for model in apps.get_models()})


def visit(pattern: str, number: int) -> None:
    """Open it in a new browser, and send it a form, with names and values that nobody sent before."""
    mark = f"x{number}"
    for method in ("get", "post"):
        client = Client(raise_request_exception=False)
        address = example(pattern).replace("/1", f"/{mark}")
        given = {mark: mark, "state": mark, "code": mark, "run": mark, "mode": "simulated", "username": mark}
        getattr(client, method)(address, given)
        getattr(client, method)(f"{address}?{mark}=1&{mark}=2&%00{mark}&%00{mark}")


def is_closed(pattern: str) -> bool:
    """Whether strangers are turned away before anything is looked at."""
    return pattern.startswith(API_VERSION) or (pattern.startswith("admin/") and pattern != "admin/login/")


@pytest.mark.parametrize(
    "pattern",
    [pytest.param(each, marks=pytest.mark.slow if is_closed(each) else ()) for each in ROUTES],
)
def test_no_address_makes_more_rows_for_strangers_than_an_address_may_have(
    settings: Any, pattern: str
) -> None:
    settings.STARTS_PER_ADDRESS_AND_MINUTE = 1
    before, reasons = rows(), []
    with time_machine.travel(timezone.now(), tick=False):
        for number in range(ROUNDS):
            visit(pattern, number)
            reasons.append(set(ShownFault.objects.values_list("reason", flat=True)))

    more = {name: number for name, number in (rows() - before).items() if name not in COUNTED}
    assert all(number == 1 for number in more.values()), more
    assert reasons[1] == reasons[-1], "a reason that the caller chose"
