"""Prepared statements answer what the query they were made from answers, on every database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db.models import DateTimeField, Exists, OuterRef, UUIDField
from django.forms.models import model_to_dict
from django.utils import timezone

from tests.factories import CommandFactory, VehicleGrantFactory
from vehicles import prepared
from vehicles.models import Command, VehicleGrant
from vehicles.prepared import Given, Prepared

pytestmark = pytest.mark.django_db

GRANTS = Prepared(
    lambda: (
        VehicleGrant.objects.filter(
            pk=Given("grant", UUIDField()), approved_at__lte=Given("now", DateTimeField()), revoked_at=None
        )
        .select_related("account", "connection__vehicle")
        .annotate(is_used=Exists(Command.objects.filter(grant=OuterRef("pk"))))
    )
)


def test_it_gives_the_rows_with_their_related_ones_as_the_query_would(
    django_assert_num_queries: Any,
) -> None:
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


def test_a_value_that_fits_no_row_gives_none(now: datetime) -> None:
    grant = VehicleGrantFactory(revoked_at=now)
    assert GRANTS.rows(grant=grant.pk, now=now) == []


def test_moments_ids_and_json_are_stored_as_the_models_store_them(now: datetime) -> None:
    row = CommandFactory()
    written = prepared.run(
        "UPDATE vehicles_command SET sent_at = %s, result = %s WHERE id = %s", now, {"seconds": 3}, row.pk
    )
    stored = Command.objects.get(pk=row.pk)
    assert (written, stored.sent_at, stored.result) == (1, now, {"seconds": 3})
    assert prepared.fetch("SELECT name FROM vehicles_command WHERE sent_at = %s", now) == (row.name,)
    assert prepared.fetch("SELECT name FROM vehicles_command WHERE sent_at IS NULL") is None
