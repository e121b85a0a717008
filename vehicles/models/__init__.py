"""The rows: a file per concept, re-exported here so that the rest of the code imports `vehicles.models`."""

from vehicles.models.accounts import Integration, Mode, TeslaAccount, User
from vehicles.models.applications import Application, ApplicationUser
from vehicles.models.commands import Command, Outcome
from vehicles.models.events import Event
from vehicles.models.grants import Connection, VehicleGrant
from vehicles.models.incidents import Incident, IncidentKind
from vehicles.models.rate_budgets import RateBudget
from vehicles.models.refused_requests import RefusedRequest
from vehicles.models.reservations import Reservation
from vehicles.models.signing_sessions import SigningSession
from vehicles.models.tokens import LoginEnd, TeslaToken
from vehicles.models.vehicles import Vehicle, VehicleAccess
from vehicles.models.webhooks import DeliveryStatus, Webhook, WebhookDelivery, WebhookSubscription

__all__ = [
    "Application",
    "ApplicationUser",
    "Command",
    "Connection",
    "DeliveryStatus",
    "Event",
    "Incident",
    "IncidentKind",
    "Integration",
    "LoginEnd",
    "Mode",
    "Outcome",
    "RateBudget",
    "RefusedRequest",
    "Reservation",
    "SigningSession",
    "TeslaAccount",
    "TeslaToken",
    "User",
    "Vehicle",
    "VehicleAccess",
    "VehicleGrant",
    "Webhook",
    "WebhookDelivery",
    "WebhookSubscription",
]
