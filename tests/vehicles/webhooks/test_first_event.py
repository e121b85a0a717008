"""From nothing to an event that the official SDK finds to be signed: the whole way over HTTP."""

from __future__ import annotations

import importlib
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import AccessTokenFactory, ApplicationFactory, VehicleGrantFactory
from tests.vehicles.webhooks.conftest import add_webhook
from tests.vehicles.webhooks.consumer import TOKEN, Consumer
from vehicles import evidence, tasks
from vehicles.models import Application, VehicleGrant, Webhook, WebhookDelivery
from vehicles.tesla.results import KeyStatus


@pytest.fixture
def smartcar(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK, which reads its origins once, at import."""
    monkeypatch.setenv("SMARTCAR_API_ORIGIN", live_server.url)
    settings.PUBLIC_URL = live_server.url
    sdk = importlib.import_module("smartcar")
    importlib.reload(importlib.import_module("smartcar.config"))
    return sdk


def pair(grant: VehicleGrant) -> None:
    car = grant.connection.vehicle
    status = KeyStatus(car.vin, paired=True, protocol_required=True, total_keys=4, firmware="")
    evidence.key_seen(car, status, now=timezone.now())


def token_of(grant: VehicleGrant) -> str:
    made = AccessTokenFactory(application=grant.connection.application, user=grant.account.person)
    return str(made.raw)


def test_a_key_that_is_added_reaches_the_receiver_signed(
    smartcar: Any, grant: VehicleGrant, webhook: Webhook, consumer: Consumer
) -> None:
    car = smartcar.Vehicle(str(grant.connection.public_id), token_of(grant))
    subscribed = car.subscribe(str(webhook.pk))
    assert (subscribed.webhook_id, subscribed.vehicle_id) == (
        str(webhook.pk),
        str(grant.connection.public_id),
    )

    pair(grant)
    tasks.send_webhooks()

    (event,) = consumer.events
    assert event["eventType"] == "virtual_key.added"
    assert event["vehicleId"] == str(grant.connection.public_id)
    assert event["data"]["vehicle"] == {
        "id": str(grant.connection.public_id), "make": "TESLA", "model": "Model 3", "year": 2019,
        "mode": "live", "powertrainType": "BEV",
    }  # fmt: skip
    assert event["data"]["change"] == {
        "before": "absent", "after": "present", "reason": "", "source": "fleet_status",
    }  # fmt: skip
    assert event["meta"]["version"] == "4.0"
    assert (event["meta"]["webhookId"], event["meta"]["sequence"], event["meta"]["mode"]) == (
        str(webhook.pk), 1, "LIVE",
    )  # fmt: skip
    (kept,) = WebhookDelivery.objects.all()
    assert (kept.status, kept.answer, kept.attempts, str(kept.event_id)) == (
        "delivered", 200, 1, event["eventId"],
    )  # fmt: skip

    tasks.send_webhooks()
    assert len(consumer.events) == 1

    assert car.unsubscribe(TOKEN, str(webhook.pk)).status == "success"
    evidence.key_refused(grant.connection.vehicle, now=timezone.now())
    tasks.send_webhooks()
    assert len(consumer.events) == 1


def test_the_challenge_is_signed_and_names_the_webhook(webhook: Webhook, consumer: Consumer) -> None:
    ((path, headers, body),) = consumer.requests
    assert path == "/hook" and headers["Content-Type"] == "application/json"
    import smartcar

    assert smartcar.verify_payload(TOKEN, headers["SC-Signature"], body.decode())
    assert str(webhook.pk).encode() in body


def test_an_address_that_does_not_know_the_token_gets_no_webhook(
    application: Application, consumer: Consumer
) -> None:
    consumer.token = "another"
    with pytest.raises(CommandError, match=r"answered the challenge wrongly.*Nothing was stored"):
        add_webhook(application, consumer.url)
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("url", "event", "sentence"),
    [
        ("http://127.0.0.1:9/", "", "did not answer the challenge"),
        ("ftp://host/", "", "begins with https"),
        ("https://user:word@host/", "", "no user name"),
        ("https://host/a b", "", "none of them a space"),
        ("http://127.0.0.1:9/", "key.added", "there is no event key.added"),
    ],
)
def test_what_is_wrong_with_a_webhook_is_said(
    application: Application, url: str, event: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        add_webhook(application, url, *filter(None, [event]))


def test_an_application_without_a_management_token_is_told_what_to_do(db: None, consumer: Consumer) -> None:
    with pytest.raises(CommandError, match="make one on its staff screen"):
        add_webhook(ApplicationFactory(), consumer.url)


def test_a_test_event_is_told_apart_by_its_mode(webhook: Webhook, consumer: Consumer) -> None:
    told = io.StringIO()
    call_command("send_test_event", str(webhook.pk), stdout=told)
    assert told.getvalue() == "taken with status 200\n"
    assert [event["meta"]["mode"] for event in consumer.events] == ["TEST"]
    consumer.status = 500
    with pytest.raises(CommandError, match="status 500"):
        call_command("send_test_event", str(webhook.pk))
    with pytest.raises(CommandError, match="there is no webhook"):
        call_command("send_test_event", "nonsense")


class TestSubscribing:
    """Who may, and what is answered else."""

    def call(self, method: str, grant: VehicleGrant, webhook_id: object, token: str) -> Any:
        from django.test import Client

        address = f"/v2.0/vehicles/{grant.connection.public_id}/webhooks/{webhook_id}"
        return Client().generic(method, address, headers={"Authorization": f"Bearer {token}"})

    def test_another_applications_webhook_does_not_exist(self, grant: VehicleGrant, webhook: Webhook) -> None:
        other = VehicleGrantFactory(vehicle=grant.connection.vehicle)
        for wanted in (webhook.pk, "nonsense"):
            answer = self.call("POST", other, wanted, token_of(other))
            assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
            assert answer.json()["detail"][0]["field"] == "webhook_id"

    def test_a_persons_token_ends_nothing_and_a_management_token_begins_nothing(
        self, grant: VehicleGrant, webhook: Webhook
    ) -> None:
        for method, token in (("POST", TOKEN), ("DELETE", token_of(grant)), ("DELETE", "nonsense")):
            assert self.call(method, grant, webhook.pk, token).status_code == 401

    def test_a_car_of_others_is_not_subscribed_and_not_ended(
        self, grant: VehicleGrant, webhook: Webhook
    ) -> None:
        others = VehicleGrantFactory()
        for method, token in (("POST", token_of(grant)), ("DELETE", TOKEN)):
            answer = self.call(method, others, webhook.pk, token)
            assert (answer.status_code, answer.json()["type"]) == (403, "PERMISSION")

    def test_twice_changes_nothing(self, grant: VehicleGrant, webhook: Webhook) -> None:
        for _ in range(2):
            assert self.call("POST", grant, webhook.pk, token_of(grant)).status_code == 200
        assert webhook.subscriptions.count() == 1
        for _ in range(2):
            assert self.call("DELETE", grant, webhook.pk, TOKEN).json() == {"status": "success"}
