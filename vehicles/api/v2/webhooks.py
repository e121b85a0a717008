"""Which cars an application's webhooks are told about."""

from __future__ import annotations

import uuid

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import errors
from vehicles.api import serializers
from vehicles.api.authorization import BearerAuthentication
from vehicles.api.endpoint import SUCCESS, Endpoint, caller, grant_of
from vehicles.api.management.authorization import ManagementTokenAsBearer
from vehicles.api.management.views import application_of
from vehicles.errors import CatalogueError, invalid
from vehicles.models import Application, Connection, Webhook
from vehicles.webhooks import subscriptions

_WEBHOOK_ID = OpenApiParameter("webhook_id", str, OpenApiParameter.PATH, description="The id of the webhook")


class WebhookView(Endpoint):
    """A car's subscription to a webhook: made with a person's token, ended with the management token."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        ends = getattr(self.request, "method", "") == "DELETE"
        return [ManagementTokenAsBearer() if ends else BearerAuthentication()]

    @extend_schema(
        operation_id="subscribe",
        parameters=[serializers.IDENTIFIER, _WEBHOOK_ID],
        request=None,
        responses=serializers.answers(serializers.SubscriptionSerializer),
    )
    def post(self, request: Request, vehicle_id: str, webhook_id: str) -> Response:
        """Tell the webhook what happens to this vehicle from now on."""
        grant = grant_of(request, vehicle_id)
        webhook = _webhook_of(caller(request).application, webhook_id)
        subscriptions.subscribe(webhook, grant.connection, timezone.now())
        return Response({"vehicleId": str(grant.connection.public_id), "webhookId": str(webhook.pk)})

    @extend_schema(
        operation_id="unsubscribe",
        auth=[{"managementToken": []}],  # type: ignore[list-item]
        parameters=[serializers.IDENTIFIER, _WEBHOOK_ID],
        responses=serializers.answers(serializers.StatusSerializer),
    )
    def delete(self, request: Request, vehicle_id: str, webhook_id: str) -> Response:
        """Tell the webhook nothing more of this vehicle, not even what waits."""
        application = application_of(request)
        try:
            wanted = uuid.UUID(vehicle_id)
        except ValueError:
            raise invalid("id", "must be a vehicle id, a UUID of 36 characters") from None
        connection = Connection.objects.filter(application=application, public_id=wanted).first()
        if connection is None:
            raise CatalogueError(errors.PERMISSION, reason="the application has no such car")
        subscriptions.unsubscribe(_webhook_of(application, webhook_id), connection, timezone.now())
        return Response(SUCCESS)


def _webhook_of(application: Application, webhook_id: str) -> Webhook:
    """Raises VALIDATION for what is no webhook of this application."""
    try:
        found = Webhook.objects.filter(application=application, pk=uuid.UUID(webhook_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise invalid("webhook_id", "must be the id of a webhook of this application")
    return found
