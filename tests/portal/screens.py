"""Addresses of the staff screens."""

from __future__ import annotations

from django.db.models import Model
from django.urls import reverse

from connect.models import ConnectSession, FixLink, ShownFault
from vehicles.models import (
    Application,
    Command,
    Event,
    Incident,
    RefusedRequest,
    Reservation,
    TeslaAccount,
    Vehicle,
    VehicleGrant,
    Webhook,
    WebhookDelivery,
)

SCREENS: tuple[type[Model], ...] = (
    Vehicle,
    VehicleGrant,
    TeslaAccount,
    Application,
    Command,
    ConnectSession,
    FixLink,
    ShownFault,
    Event,
    Incident,
    RefusedRequest,
    Reservation,
    Webhook,
    WebhookDelivery,
)


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
