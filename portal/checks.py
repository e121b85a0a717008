"""Deploy checks: unsafe or missing settings become numbered errors that say what to set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution

FAULTS: Final[tuple[tuple[Callable[[], bool], CheckMessage], ...]] = (
    (
        lambda: not settings.PUBLIC_URL.startswith("https://"),
        Error("PUBLIC_URL is not https.", hint="Set PUBLIC_URL=https://…", id="carport.E001"),
    ),
    (
        lambda: not settings.VAULT_KEYS,
        Error(
            "Tesla's tokens have no encryption key of their own.",
            hint="Set VAULT_KEYS to name:key pairs, newest first; key is 32 random bytes in base64.",
            id="carport.E002",
        ),
    ),
    (
        lambda: not (settings.TESLA_CLIENT_ID and settings.TESLA_CLIENT_SECRET),
        Error(
            "No Tesla developer registration is configured.",
            hint="Set TESLA_CLIENT_ID and TESLA_CLIENT_SECRET from developer.tesla.com.",
            id="carport.E003",
        ),
    ),
    (
        lambda: not settings.TESLA_KEY_FILE,
        Error(
            "There is no virtual key.",
            hint="Set TESLA_KEY_FILE to a P-256 private key in PEM format.",
            id="carport.E004",
        ),
    ),
    (
        lambda: settings.STAFF_SECOND_FACTOR,
        Error(
            "A second factor for staff is asked for, and this version has none.",
            hint="Put a proxy that asks for one in front of /admin/, and set STAFF_SECOND_FACTOR=off.",
            id="carport.E005",
        ),
    ),
    (
        lambda: not (settings.SUPPORT_CONTACT and settings.PRIVACY_URL),
        Caution(
            "Owners find no support or privacy link.",
            hint="Set SUPPORT_CONTACT and PRIVACY_URL.",
            id="carport.W001",
        ),
    ),
    (
        lambda: bool(settings.SIMULATOR_URL),
        Caution(
            "The simulated Tesla is reachable through Connect.",
            hint="Leave SIMULATOR_URL empty unless applications of yours still test with it.",
            id="carport.W002",
        ),
    ),
)
"""Each fault with how to tell that it holds."""


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse what must not run in front of owners (`manage.py check --deploy`)."""
    return [message for holds, message in FAULTS if holds()]
