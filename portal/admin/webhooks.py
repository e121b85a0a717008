"""Webhooks of applications, and what became of each message: where an application says that it was not told."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin
from portal.admin.columns import NOTHING, ago, label, row_link, two_lines
from portal.admin.filters import ChoiceFilter
from portal.admin.wording import DANGER, NEUTRAL, SUCCESS, WARNING, Wording
from vehicles.models import DeliveryStatus, Webhook, WebhookDelivery

_WORKS: Final = Wording("Works", SUCCESS, "Messages are taken.")
_FAILS: Final = Wording("Fails", WARNING, "Nothing is taken at the moment; it is tried again.")
_PAUSED: Final = Wording(
    "Paused", DANGER, "Nothing was taken for three days: manage.py resume_webhook goes on."
)
_STATUSES: Final[dict[str, Wording]] = {
    DeliveryStatus.PENDING: Wording("Waits", WARNING, "Sent soon, or again after a pause."),
    DeliveryStatus.DELIVERED: Wording("Delivered", SUCCESS, "Taken by the application."),
    DeliveryStatus.GIVEN_UP: Wording("Given up", DANGER, "Refused for three days, while others were taken."),
    DeliveryStatus.WITHDRAWN: Wording("Withdrawn", NEUTRAL, "Not the application's to know any more."),
}


@admin.register(Webhook)
class WebhookAdmin(StaffAdmin):
    """Read-only: webhooks are made and woken by commands."""

    list_display = ("what", "state", "application", "taken", "made")
    list_filter = (filters.ApplicationFilter,)
    list_select_related = ("application",)
    ordering = ("-created_at",)
    search_fields = ("id",)
    search_help_text = "Webhook id"
    fieldsets = (
        ("Webhook", {"fields": ["id", "name", "url", "application", "events"]}),
        ("State", {"fields": ["state", "fault", "failing_since", "paused_since", "last_delivered_at"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return queryset.filter(pk=wanted) if (wanted := _id(text)) else queryset.none()

    def subjects(self, row: Webhook) -> dict[str, Any]:
        return {"application": row.application}

    @admin.display(description="webhook")
    def what(self, webhook: Webhook) -> SafeString:
        return two_lines(webhook.name or str(webhook.pk), webhook.url)

    @admin.display(description="state")
    def state(self, webhook: Webhook) -> SafeString:
        if webhook.paused_since:
            return format_html("{} {}", label(_PAUSED), ago(webhook.paused_since))
        if webhook.failing_since:
            return format_html("{} {}", label(_FAILS), ago(webhook.failing_since))
        return label(_WORKS)

    @admin.display(description="last taken")
    def taken(self, webhook: Webhook) -> SafeString | str:
        return ago(webhook.last_delivered_at)

    @admin.display(description="made")
    def made(self, webhook: Webhook) -> SafeString | str:
        return ago(webhook.created_at)


class StatusFilter(ChoiceFilter):
    title, parameter_name = "status", "status"
    values = wording.choices(_STATUSES)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(StaffAdmin):
    """Read-only: what an application was told, when, and what it answered."""

    list_display = ("what", "state", "answered", "to", "age")
    list_filter = (StatusFilter,)
    list_select_related = ("webhook", "subscription")
    search_fields = ("event_id",)
    search_help_text = "Event id, webhook id or vehicle id of the application"
    fieldsets = (
        ("Event", {"fields": ["name", "event_id", "sequence", "occurred_at", "data"]}),
        ("Delivery", {"fields": ["to", "state", "attempts", "answer", "fault", "milliseconds"]}),
        ("Times", {"fields": ["created_at", "first_tried_at", "tried_at", "ended_at"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        wanted = _id(text)
        if wanted is None:
            return queryset.none()
        told = Q(event_id=wanted) | Q(webhook=wanted) | Q(subscription__vehicle_public_id=wanted)
        return queryset.filter(told)

    def subjects(self, row: WebhookDelivery) -> dict[str, Any]:
        return {"application": row.webhook.application}

    @admin.display(description="event")
    def what(self, delivery: WebhookDelivery) -> SafeString:
        return two_lines(delivery.name, str(delivery.event_id))

    @admin.display(description="status")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        return label(_STATUSES[delivery.status])

    @admin.display(description="answered")
    def answered(self, delivery: WebhookDelivery) -> SafeString | str:
        if delivery.tried_at is None:
            return NOTHING
        last = str(delivery.answer or delivery.fault)
        return two_lines(last, f"try {delivery.attempts}, {delivery.milliseconds} ms")

    @admin.display(description="to")
    def to(self, delivery: WebhookDelivery) -> SafeString:
        return row_link(delivery.webhook)

    @admin.display(description="made")
    def age(self, delivery: WebhookDelivery) -> SafeString | str:
        return ago(delivery.created_at)


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None
