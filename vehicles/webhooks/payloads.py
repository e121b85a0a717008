"""What is sent: the envelope of version 4.0, as existing receivers know it, around an event of ours."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from vehicles.models import (
    Application,
    ApplicationUser,
    VehicleGrant,
    Webhook,
    WebhookDelivery,
)
from vehicles.webhooks.notices import Name

VERSION: Final = "4.0"


def meta(webhook: Webhook, at: datetime, **more: Any) -> dict[str, Any]:
    """Which webhook, and which try: the id of a delivery is new with each."""
    return {
        "version": VERSION,
        "webhookId": str(webhook.pk),
        "webhookName": webhook.name,
        "deliveryId": str(uuid.uuid4()),
        "deliveredAt": milliseconds(at),
        **more,
    }


def challenge(webhook: Webhook, word: str, at: datetime) -> dict[str, Any]:
    """Asks the address whether it knows the application's management token."""
    return {
        "eventId": str(uuid.uuid4()),
        "eventType": "VERIFY",
        "data": {"challenge": word},
        "meta": meta(webhook, at),
    }


def test_event(webhook: Webhook, name: str, at: datetime) -> dict[str, Any]:
    """An event about no car, to try a receiver with. Its mode is TEST, and receivers act on nothing of that."""
    vehicle_id = str(uuid.uuid4())
    car = {
        "id": vehicle_id,
        "make": "TESLA",
        "model": "Model 3",
        "year": 2023,
        "mode": "test",
        "powertrainType": "BEV",
    }
    return {
        "eventId": str(uuid.uuid4()),
        "eventType": name,
        "vehicleId": vehicle_id,
        "data": {"user": {"id": str(uuid.uuid4()), "externalId": None}, "vehicle": car, "change": {}},
        "triggers": [],
        "meta": meta(webhook, at, sequence=1, signalCount=0, mode="TEST"),
    }


class Standing:
    """Whom and what these deliveries are about, as it stands now."""

    def __init__(self, application: Application, deliveries: Sequence[WebhookDelivery]) -> None:
        self._held: dict[int | None, list[VehicleGrant]] = defaultdict(list)
        connections = {each.subscription.connection_id for each in deliveries} - {None}
        known = VehicleGrant.objects.filter(connection__in=connections).order_by("approved_at", "pk")
        for grant in known.select_related("account", "connection__vehicle"):
            self._held[grant.connection_id].append(grant)
        people = {grant.account.person_id for grants in self._held.values() for grant in grants}
        users = ApplicationUser.objects.filter(application=application, person__in=people)
        self._users = {user.person_id: user for user in users}

    def grant_of(self, delivery: WebhookDelivery) -> VehicleGrant | None:
        """The grant by which the application is told, whether or not it stands; of a car, one that stands."""
        known = self._held[delivery.subscription.connection_id]
        if delivery.grant_id is None:
            return next((grant for grant in known if grant.revoked_at is None), None)
        return next((grant for grant in known if grant.pk == delivery.grant_id), None)

    def is_withdrawn(self, delivery: WebhookDelivery) -> bool:
        """Whether it is not the application's to know any more. That a grant has ended is, always."""
        if delivery.subscription.ended_at is not None:
            return True
        if delivery.name == Name.REVOKED:
            return False
        grant = self.grant_of(delivery)
        return grant is None or grant.revoked_at is not None

    def message(self, webhook: Webhook, delivery: WebhookDelivery, at: datetime) -> dict[str, Any]:
        """The whole message of one try. Where car and person are erased, their ids are all that is left to say."""
        grant = self.grant_of(delivery)
        vehicle_id = str(delivery.subscription.vehicle_public_id)
        data: dict[str, Any] = {"vehicle": {"id": vehicle_id, "make": "TESLA"}}
        mode = {}
        if grant is not None:
            user = self._users.get(grant.account.person_id)
            if user is not None:
                data["user"] = {"id": str(user.public_id), "externalId": user.external_id or None}
            vehicle = grant.connection.vehicle
            told = {"model": vehicle.model, "year": vehicle.year, "mode": grant.mode, "powertrainType": "BEV"}
            data["vehicle"] |= told
            mode = {"mode": str(grant.mode).upper()}
        data["change"] = delivery.data
        data["occurredAt"] = milliseconds(delivery.occurred_at)
        return {
            "eventId": str(delivery.event_id),
            "eventType": delivery.name,
            "vehicleId": vehicle_id,
            "data": data,
            "triggers": [],
            "meta": meta(webhook, at, sequence=delivery.sequence, signalCount=0, **mode),
        }


def milliseconds(at: datetime) -> int:
    """Since 1970, as all times in messages are."""
    return int(at.timestamp() * 1000)
