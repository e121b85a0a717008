"""Staff see which webhook works, and what became of a message that an application misses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from tests.factories import WebhookDeliveryFactory, WebhookFactory
from tests.portal.screens import list_of, page_of
from vehicles.models import Webhook, WebhookDelivery

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "shown"),
    [((), "Works"), (("failing_since",), "Fails"), (("failing_since", "paused_since"), "Paused")],
)
def test_the_list_tells_how_a_webhook_stands(
    viewer: Client, now: datetime, state: tuple[str, ...], shown: str
) -> None:
    webhook = WebhookFactory(name="events of the fleet", **dict.fromkeys(state, now))
    page = viewer.get(list_of(Webhook)).content.decode()
    assert f">{shown}<" in page and "events of the fleet" in page
    assert viewer.get(page_of(webhook)).status_code == 200


def test_a_delivery_is_found_by_the_ids_that_the_application_knows(viewer: Client, now: datetime) -> None:
    wanted = WebhookDeliveryFactory(tried_at=now, attempts=3, answer=503, milliseconds=12)
    WebhookDeliveryFactory()
    for known in (wanted.event_id, wanted.webhook_id, wanted.subscription.vehicle_public_id):
        answer: Any = viewer.get(list_of(WebhookDelivery), {"q": str(known)})
        assert list(answer.context_data["cl"].result_list) == [wanted]
        assert "try 3, 12 ms" in answer.content.decode()
    nothing: Any = viewer.get(list_of(WebhookDelivery), {"q": "nonsense"})
    assert list(nothing.context_data["cl"].result_list) == []
    assert viewer.get(page_of(wanted)).status_code == 200


@pytest.mark.parametrize("status", ["pending", "delivered"])
def test_deliveries_are_told_apart_by_their_status(viewer: Client, now: datetime, status: str) -> None:
    rows = {
        "pending": WebhookDeliveryFactory(),
        "delivered": WebhookDeliveryFactory(status="delivered", ended_at=now),
    }
    answer: Any = viewer.get(list_of(WebhookDelivery), {"status": status})
    assert list(answer.context_data["cl"].result_list) == [rows[status]]
