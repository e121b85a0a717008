"""Bearer tokens: which are accepted, what they reach, and how little it costs to find out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from tests.factories import AccessTokenFactory, VehicleFactory, VehicleGrantFactory
from tests.vehicles.api.conftest import Calls, calls_for
from vehicles.api import authorization, token_scope
from vehicles.api.authorization import caller_of

DESCRIPTION = (
    "The authorization header is missing or malformed, or it contains invalid or expired authentication "
    "credentials. Please check for missing parameters, spelling and casing mistakes, and other syntax issues."
)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer garbage",
        "Bearer a b",
        "Basic YTpi",
        "garbage",
        "Bearer \u00fc",
        "Bearer " + "x" * 5000,
    ],
)
@pytest.mark.parametrize(
    "path", ["/v2.0/user", "/v2.0/vehicles/not-an-id/vin", "/v2.0/vehicles/x/TESLA/charge"]
)
def test_no_good_token_is_refused_before_anything_else(db: None, authorization: str, path: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = Client().get(path, headers=headers)
    assert answer.status_code == 401
    body = answer.json()
    assert body.pop("requestId") == answer.headers["SC-Request-Id"]
    assert body == {
        "type": "AUTHENTICATION",
        "code": None,
        "description": DESCRIPTION,
        "docURL": f"{settings.PUBLIC_URL}/docs/errors/authentication/",
        "statusCode": 401,
        "resolution": {"type": None},
    }


def test_an_expired_token_is_refused(api: Calls, now: datetime) -> None:
    assert api.get("/v2.0/user").status_code == 200
    old = calls_for(api.grant, expires=now - timedelta(seconds=1))
    assert old.get("/v2.0/user").status_code == 401


def test_a_token_of_a_person_who_was_shut_out_is_refused(api: Calls) -> None:
    api.account.person.is_active = False
    api.account.person.save()
    assert api.get("/v2.0/user").status_code == 401


def test_a_token_without_application_or_with_a_foreign_scope_is_refused(api: Calls) -> None:
    person = api.account.person
    for token in (
        AccessTokenFactory(application=None, user=person),
        AccessTokenFactory(application=api.application, user=person, scope="read"),
        AccessTokenFactory(application=api.application, user=person, scope=""),
    ):
        assert api.get("/v2.0/user", token=token.raw).status_code == 401


def test_one_query_finds_the_caller(api: Calls, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        caller = caller_of(f"bearer {api.token}")
        assert (caller.application.pk, caller.person.pk) == (api.application.pk, api.account.person_id)
        assert caller.only_connection == ""


def test_a_token_just_seen_needs_no_query(api: Calls, django_assert_num_queries: Any) -> None:
    first = caller_of(f"Bearer {api.token}")
    with django_assert_num_queries(0):
        assert caller_of(f"Bearer {api.token}") == first


@pytest.mark.parametrize("how", ["revoked", "shut_out"])
def test_a_token_that_was_taken_back_is_refused_within_five_seconds(api: Calls, how: str) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        fresh = calls_for(api.grant)
        assert fresh.get("/v2.0/user").status_code == 200
        if how == "revoked":
            AccessToken.objects.filter(application=api.application).delete()
        else:
            type(api.account.person).objects.update(is_active=False)
        clock.shift(5)
        assert fresh.get("/v2.0/user").status_code == 401


def test_a_token_just_seen_still_ends_when_it_expires(api: Calls) -> None:
    with time_machine.travel("2026-11-23T12:00:00Z", tick=False) as clock:
        short = calls_for(api.grant, expires=timezone.now() + timedelta(seconds=2))
        assert short.get("/v2.0/user").status_code == 200
        clock.shift(2)
        assert short.get("/v2.0/user").status_code == 401


def test_only_so_many_tokens_are_remembered(api: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    authorization.SEEN.clear()
    monkeypatch.setattr(authorization.SEEN, "most", 2)
    for _ in range(4):
        caller_of(f"Bearer {calls_for(api.grant).token}")
    assert len(authorization.SEEN) == 2


def test_what_the_person_gave_is_read_anew_although_the_token_was_just_seen(api: Calls) -> None:
    assert api.get("/v2.0/vehicles/{id}/permissions").status_code == 200
    type(api.grant).objects.update(revoked_at=timezone.now())
    assert api.get("/v2.0/vehicles/{id}/permissions").status_code == 403


def test_a_token_for_one_car_reaches_and_lists_only_that_car(api: Calls) -> None:
    other = VehicleGrantFactory(
        application=api.application, account=api.account, vehicle=VehicleFactory(), requested=["read_vin"]
    )
    both = api.get("/v2.0/vehicles").json()
    assert both["paging"]["count"] == 2
    narrow = calls_for(api.grant, scope=token_scope.one_car(api.vehicle_id))
    assert narrow.get("/v2.0/vehicles").json() == {
        "vehicles": [api.vehicle_id],
        "paging": {"count": 1, "offset": 0},
    }
    assert narrow.get("/v2.0/vehicles/{id}/vin").status_code == 200
    assert narrow.get(f"/v2.0/vehicles/{other.connection.public_id}/vin").status_code == 403
