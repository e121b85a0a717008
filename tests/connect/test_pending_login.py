"""Who comes back from Tesla: recognised in one place, in the browser that began, and once."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from connect.problems.catalogue import ANOTHER_BROWSER, USED_LOGIN, ConnectProblem, Problem
from connect.run import pending_login
from connect.run.pending_login import Purpose
from connect.views import run
from tests.factories import ConnectSessionFactory, OwnerVisitFactory, PersonVisitFactory
from vehicles.client_credentials import checksum

BEGUN: dict[Purpose, Any] = {
    Purpose.RUN: lambda **row: ConnectSessionFactory(step="tesla", **row),
    Purpose.OWNER_LINK: OwnerVisitFactory,
    Purpose.OWN_PAGE: PersonVisitFactory,
}


def refusal(state: str, browser_secret: str) -> Problem:
    with pytest.raises(ConnectProblem) as refused:
        pending_login.returning(state, browser_secret, timezone.now())
    return refused.value.problem


def test_every_row_that_waits_for_tesla_is_recognised_and_has_a_view() -> None:
    waiting = {
        model
        for model in apps.get_app_config("connect").get_models()
        if any(field.name == "tesla_state_checksum" for field in model._meta.get_fields())
    }
    assert {rows().model for rows in pending_login._WAITING.values()} == waiting
    assert set(pending_login._WAITING) == set(run._RETURNED) == set(BEGUN) == set(Purpose)


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", Purpose)
def test_a_login_comes_back_in_its_own_browser_and_once(purpose: Purpose) -> None:
    row = BEGUN[purpose](tesla_state_checksum=checksum("state"), browser_checksum=checksum("browser"))
    assert refusal("state", "another browser") is ANOTHER_BROWSER
    assert refusal("another state", "browser") is USED_LOGIN
    assert refusal("", "browser") is USED_LOGIN
    pending = pending_login.returning("state", "browser", timezone.now())
    assert (pending.purpose, pending.row) == (purpose, row)
    assert refusal("state", "browser") is USED_LOGIN
