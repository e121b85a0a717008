"""History is append-only: neither rows nor querysets can change or delete it."""

from __future__ import annotations

import pytest

from tests.factories import EventFactory
from vehicles.models import Event

pytestmark = pytest.mark.django_db


def test_an_event_cannot_be_changed_or_deleted() -> None:
    event = EventFactory()
    event.kind = "other"
    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()
    with pytest.raises(TypeError):
        Event.objects.all().delete()
    with pytest.raises(TypeError):
        Event.objects.update(kind="other")
    assert Event.objects.get().kind == "grant:given"
