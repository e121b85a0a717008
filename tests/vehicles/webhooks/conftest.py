"""An application with a receiver, a car it holds, and a webhook that is told of the car."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from portal import application_credentials
from tests.factories import ApplicationFactory, VehicleGrantFactory
from tests.vehicles.webhooks.consumer import TOKEN, Consumer
from vehicles.models import Application, VehicleGrant, Webhook


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    with Consumer() as running:
        yield running


@pytest.fixture
def application(db: None) -> Application:
    made: Application = ApplicationFactory()
    application_credentials.keep_management_token(made, TOKEN)
    return made


@pytest.fixture
def grant(application: Application) -> VehicleGrant:
    given: VehicleGrant = VehicleGrantFactory(application=application)
    return given


@pytest.fixture
def webhook(application: Application, consumer: Consumer) -> Webhook:
    """Made as a developer makes it."""
    return add_webhook(application, consumer.url)


def add_webhook(application: Application, url: str, *events: str, **options: Any) -> Webhook:
    told = io.StringIO()
    call_command(
        "add_webhook", url, application=application.client_id, event=list(events), stdout=told, **options
    )
    return Webhook.objects.get(pk=told.getvalue().strip())
