"""Deploy checks: unsafe or missing settings become numbered errors that say what to set."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse what must not run in front of owners (`manage.py check --deploy`)."""
    found: list[CheckMessage] = []
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(Error("PUBLIC_URL is not https.", hint="Set PUBLIC_URL=https://…", id="carport.E001"))
    if not settings.VAULT_KEYS:
        found.append(
            Error(
                "Tesla's tokens have no encryption key of their own.",
                hint="Set VAULT_KEYS to name:key pairs, newest first; key is 32 random bytes in base64.",
                id="carport.E002",
            )
        )
    if not (settings.TESLA_CLIENT_ID and settings.TESLA_CLIENT_SECRET):
        found.append(
            Error(
                "No Tesla developer registration is configured.",
                hint="Set TESLA_CLIENT_ID and TESLA_CLIENT_SECRET from developer.tesla.com.",
                id="carport.E003",
            )
        )
    if not settings.TESLA_KEY_FILE:
        found.append(
            Error(
                "There is no virtual key.",
                hint="Set TESLA_KEY_FILE to a P-256 private key in PEM format.",
                id="carport.E004",
            )
        )
    if settings.STAFF_SECOND_FACTOR:
        found.append(
            Error(
                "A second factor for staff is asked for, and this version has none.",
                hint="Put a proxy that asks for one in front of /admin/, and set STAFF_SECOND_FACTOR=off.",
                id="carport.E005",
            )
        )
    if not (settings.SUPPORT_CONTACT and settings.PRIVACY_URL):
        found.append(
            Caution(
                "Owners find no support or privacy link.",
                hint="Set SUPPORT_CONTACT and PRIVACY_URL.",
                id="carport.W001",
            )
        )
    if settings.SIMULATOR_URL:
        found.append(
            Caution(
                "The simulated Tesla is reachable through Connect.",
                hint="Leave SIMULATOR_URL empty unless applications of yours still test with it.",
                id="carport.W002",
            )
        )
    return found
