"""Deploy checks: what is unsafe, missing or cannot be used becomes a numbered message that says what to set."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.http.request import validate_host

from portal.configuration import settings_in_use

SHORTEST_SECRET: Final = 32
_LEAST_DIFFERENT_CHARACTERS: Final = 8
TESLA_ADDRESSES: Final = (
    "TESLA_AUTH_URL",
    "TESLA_TOKEN_URL",
    "TESLA_API_URL",
    "TESLA_OWNER_API_URL",
    "TESLA_PAIRING_URL",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to find wrong with the settings. `E` in the number stops a deployment, `W` only warns.

    `fault` returns what is wrong in one sentence, empty where nothing is.
    """

    number: str
    fault: Callable[[], str]
    hint: str


def _unless(is_right: Callable[[], object], message: str) -> Callable[[], str]:
    return lambda: "" if is_right() else message


def _secret_key_is_long_and_mixed() -> bool:
    key = str(settings.SECRET_KEY)
    return len(key) >= SHORTEST_SECRET and len(set(key)) >= _LEAST_DIFFERENT_CHARACTERS


def _plain_tesla_addresses() -> str:
    given = {name: str(getattr(settings, name)) for name in TESLA_ADDRESSES}
    named = [name for name, address in given.items() if address and not address.startswith("https://")]
    return f"Tesla's tokens would travel in clear: {', '.join(named)} is not https." if named else ""


def _hosts() -> str:
    allowed = settings.ALLOWED_HOSTS
    if any(host.strip(".") in ("*", "") for host in allowed):
        return "ALLOWED_HOSTS takes every host name."
    public = urlsplit(settings.PUBLIC_URL).hostname or ""
    return "" if validate_host(public, allowed) else "ALLOWED_HOSTS leaves out the host of PUBLIC_URL."


def _is_anybody(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return network.prefixlen == 0


RULES: Final = (
    Rule(
        "E001",
        _unless(lambda: settings.PUBLIC_URL.startswith("https://"), "PUBLIC_URL is not https."),
        "Set PUBLIC_URL=https://…",
    ),
    Rule(
        "E002",
        settings_in_use.vault_keys,
        "Set VAULT_KEYS to name:key pairs, newest first; `openssl rand -base64 32` makes a key.",
    ),
    Rule(
        "E003",
        _unless(
            lambda: settings.TESLA_CLIENT_ID and settings.TESLA_CLIENT_SECRET,
            "No Tesla developer registration is configured.",
        ),
        "Set TESLA_CLIENT_ID and TESLA_CLIENT_SECRET from developer.tesla.com.",
    ),
    Rule(
        "E004",
        settings_in_use.key_file,
        "Set TESLA_KEY_FILE to a P-256 private key in PEM format: "
        "`openssl ecparam -name prime256v1 -genkey -noout` makes one.",
    ),
    Rule(
        "E005",
        _unless(
            lambda: not settings.STAFF_SECOND_FACTOR,
            "A second factor for staff is asked for, and this version has none.",
        ),
        "Put a proxy that asks for one in front of /admin/, and set STAFF_SECOND_FACTOR=off.",
    ),
    Rule(
        "E006",
        _unless(lambda: not settings.DEBUG, "DEBUG is on: error pages would show what is secret."),
        "Set DEBUG=off, or leave it out.",
    ),
    Rule(
        "E007",
        _unless(_secret_key_is_long_and_mixed, "SECRET_KEY can be guessed."),
        "Set SECRET_KEY to 50 random characters: `openssl rand -base64 48` makes them.",
    ),
    Rule("E008", _plain_tesla_addresses, "Leave them out, or set them to https:// addresses."),
    Rule("E009", _hosts, "Set ALLOWED_HOSTS to the host names of this portal, or leave it out."),
    Rule("E010", settings_in_use.database, "Set DATABASE_URL to a database that answers and takes writes."),
    Rule("E011", settings_in_use.cached, "Set CACHE_URL to a Redis that answers, or leave it out."),
    Rule(
        "E012",
        settings_in_use.broker,
        "Set CELERY_BROKER_URL to a broker that answers; without it, make var/queue writable.",
    ),
    Rule(
        "E013",
        _unless(
            lambda: settings.BEHIND_PROXY or not settings.PUBLIC_URL.startswith("https://"),
            "PUBLIC_URL is https, and no proxy is believed that says so: every request would be redirected forever.",
        ),
        "Put a proxy in front (docs/behind-a-proxy.md) and set BEHIND_PROXY=on.",
    ),
    Rule(
        "E014",
        _unless(
            lambda: not any(_is_anybody(network) for network in settings.TRUSTED_PROXIES),
            "TRUSTED_PROXIES believes everybody.",
        ),
        "Set TRUSTED_PROXIES to the addresses of the proxies in front of this portal.",
    ),
    Rule(
        "W001",
        _unless(
            lambda: settings.SUPPORT_CONTACT and settings.PRIVACY_URL,
            "Owners find no support or privacy link.",
        ),
        "Set SUPPORT_CONTACT and PRIVACY_URL.",
    ),
    Rule(
        "W002",
        _unless(lambda: not settings.SIMULATOR_URL, "The simulated Tesla is reachable through Connect."),
        "Leave SIMULATOR_URL empty unless applications of yours still test with it.",
    ),
    Rule("W003", settings_in_use.key_file_is_private, "Run chmod o= on it."),
    Rule(
        "W004",
        _unless(
            lambda: not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES,
            "Webhooks reach private addresses: whoever may add one can send requests into this network.",
        ),
        "Leave WEBHOOKS_TO_PRIVATE_ADDRESSES out unless all receivers are in your own network.",
    ),
)

_SEVERITY: Final = {"E": checks.Error, "W": checks.Warning}


@checks.register(checks.Tags.security, deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse what must not run in front of owners (`manage.py check --deploy`)."""
    found = [(rule, rule.fault()) for rule in RULES]
    return [
        _SEVERITY[rule.number[0]](fault, hint=rule.hint, id=f"carport.{rule.number}")
        for rule, fault in found
        if fault
    ]
