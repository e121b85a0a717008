"""Template tags that say who runs this portal and how to reach them; every page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.conf import settings

register = template.Library()


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs this portal. `support_url` opens a mail or a page; empty where nothing is configured."""

    name: str
    support_url: str
    privacy_url: str


@register.simple_tag
def operator() -> Operator:
    """The operator of this portal: `{% operator as operator %}`."""
    return Operator(settings.OPERATOR_NAME, _as_link(settings.SUPPORT_CONTACT), settings.PRIVACY_URL)


def _as_link(contact: str) -> str:
    return f"mailto:{contact}" if "@" in contact and "/" not in contact else contact
