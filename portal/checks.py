"""Deploy checks: unsafe or missing settings become numbered messages that say what to set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core import checks


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to find wrong with the settings. `E` in the number stops a deployment, `W` only warns."""

    number: str
    is_broken: Callable[[], bool]
    message: str
    hint: str


RULES: Final = (
    Rule(
        "E001",
        lambda: not settings.PUBLIC_URL.startswith("https://"),
        "PUBLIC_URL is not https.",
        "Set PUBLIC_URL=https://…",
    ),
    Rule(
        "E002",
        lambda: not settings.VAULT_KEYS,
        "Tesla's tokens have no encryption key of their own.",
        "Set VAULT_KEYS to name:key pairs, newest first; key is 32 random bytes in base64.",
    ),
    Rule(
        "E003",
        lambda: not (settings.TESLA_CLIENT_ID and settings.TESLA_CLIENT_SECRET),
        "No Tesla developer registration is configured.",
        "Set TESLA_CLIENT_ID and TESLA_CLIENT_SECRET from developer.tesla.com.",
    ),
    Rule(
        "E004",
        lambda: not settings.TESLA_KEY_FILE,
        "There is no virtual key.",
        "Set TESLA_KEY_FILE to a P-256 private key in PEM format.",
    ),
    Rule(
        "E005",
        lambda: settings.STAFF_SECOND_FACTOR,
        "A second factor for staff is asked for, and this version has none.",
        "Put a proxy that asks for one in front of /admin/, and set STAFF_SECOND_FACTOR=off.",
    ),
    Rule(
        "W001",
        lambda: not (settings.SUPPORT_CONTACT and settings.PRIVACY_URL),
        "Owners find no support or privacy link.",
        "Set SUPPORT_CONTACT and PRIVACY_URL.",
    ),
    Rule(
        "W002",
        lambda: bool(settings.SIMULATOR_URL),
        "The simulated Tesla is reachable through Connect.",
        "Leave SIMULATOR_URL empty unless applications of yours still test with it.",
    ),
)

_SEVERITY: Final = {"E": checks.Error, "W": checks.Warning}


@checks.register(checks.Tags.security, deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse what must not run in front of owners (`manage.py check --deploy`)."""
    return [
        _SEVERITY[rule.number[0]](rule.message, hint=rule.hint, id=f"carport.{rule.number}")
        for rule in RULES
        if rule.is_broken()
    ]
