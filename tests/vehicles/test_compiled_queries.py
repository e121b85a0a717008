"""Prepared statements do what the ORM would have done, on every database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db.models import Exists, F, OuterRef, Q
from django.forms.models import model_to_dict
from django.utils import timezone

from tests.factories import CommandFactory, SigningSessionFactory, VehicleGrantFactory
from vehicles.db import compiled_queries
from vehicles.db.compiled_queries import Given, Prepared, PreparedUpdate
from vehicles.models import Command, Event, SigningSession, VehicleGrant

pytestmark = pytest.mark.django_db

GRANTS = Prepared(
    lambda: (
        VehicleGrant.objects.filter(pk=Given("grant"), approved_at__lte=Given("now"), revoked_at=None)
        .select_related("account", "connection__vehicle")
        .annotate(is_used=Exists(Command.objects.filter(grant=OuterRef("pk"))))
    )
)
COUNT_ON = PreparedUpdate(
    lambda: SigningSession.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=Given("now")), pk=Given("session")
    ),
    {"counter": F("counter") + 1, "lease_holder": Given("holder"), "lease_until": Given("until")},
    returning=("counter", "epoch"),
)


def test_a_query_gives_the_rows_with_their_related_ones(django_assert_num_queries: Any) -> None:
    for grant in (VehicleGrantFactory(), VehicleGrantFactory()):
        with django_assert_num_queries(1):
            (found,) = GRANTS.rows(grant=grant.pk, now=timezone.now())
            rows = (found, found.account, found.connection, found.connection.vehicle)
        stored = VehicleGrant.objects.get(pk=grant.pk)
        originals = (stored, stored.account, stored.connection, stored.connection.vehicle)
        assert [model_to_dict(row) for row in rows] == [model_to_dict(row) for row in originals]
        assert found.approved_at == stored.approved_at
        assert found.is_used is False  # type: ignore[attr-defined]
        assert not found._state.adding


def test_values_that_fit_no_row_give_none(now: datetime) -> None:
    grant = VehicleGrantFactory(revoked_at=now)
    assert GRANTS.rows(grant=grant.pk, now=now) == []


def test_an_update_changes_the_rows_that_fit_and_returns_what_they_are_then(now: datetime) -> None:
    session, other = SigningSessionFactory(epoch=b"e" * 16, counter=7), SigningSessionFactory(counter=7)
    given = {"session": session.pk, "holder": other.pk, "until": now, "now": now}
    counter, epoch = COUNT_ON.row(**given) or (0, b"")
    assert (counter, bytes(epoch)) == (8, b"e" * 16)
    session.refresh_from_db()
    assert (session.lease_holder, session.lease_until, session.counter) == (other.pk, now, 8)
    assert (COUNT_ON.row(**given), COUNT_ON.run(**given)) == (None, 0)
    other.refresh_from_db()
    assert (other.lease_holder, other.counter) == (None, 7)


def test_a_new_row_is_stored_as_the_model_stores_it(now: datetime) -> None:
    row = CommandFactory.build(
        grant=VehicleGrantFactory(), application=None, arguments={"percent": 80}, created_at=now
    )
    row.application = row.grant.connection.application
    assert compiled_queries.insert(row)
    assert model_to_dict(Command.objects.get()) == model_to_dict(row)
    row.save()
    event = Event(kind="command:ended", at=now, actor="system", grant_id=row.grant_id, data={"outcome": "x"})
    assert compiled_queries.insert(event)
    stored = Event.objects.get()
    assert (stored.at, stored.grant_id, stored.data) == (now, row.grant_id, {"outcome": "x"})


def test_a_row_whose_place_is_taken_is_not_written() -> None:
    row = CommandFactory(outcome="pending")
    again = CommandFactory.build(grant=row.grant, application=row.application, fingerprint=row.fingerprint)
    again.outcome, again.ended_at = "pending", None
    assert not compiled_queries.insert(again)
    assert Command.objects.get().pk == row.pk
