"""Every setting: its name in the environment, how it is read, and what it is where nothing is set.

Read once, at start: all that is wrong is said together, a sentence for each, and no value is repeated, since it may be
a secret. `docs/settings.md` shows this table; `portal.configuration.checks` opens and uses what is named here before a
deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal.configuration import settings_values as values

REGIONS: Final = ("na", "eu", "cn")


@dataclass(frozen=True, slots=True)
class Setting:
    """`default` is what would stand in the environment; a function makes it from what was read before."""

    name: str
    read: values.Reader
    default: str | Callable[[Mapping[str, Any]], str] = ""


def _development_secret(known: Mapping[str, Any]) -> str:
    return "only-for-development" if known.get("DEBUG") else ""


def _public_host(known: Mapping[str, Any]) -> str:
    host = urlsplit(known.get("PUBLIC_URL", "")).hostname or "localhost"
    return f"[{host}]" if ":" in host else host


def _public_host_and_port(known: Mapping[str, Any]) -> str:
    return urlsplit(known.get("PUBLIC_URL", "")).netloc or "localhost"


SETTINGS: Final = (
    Setting("DEBUG", values.switch, "off"),
    Setting("SECRET_KEY", values.text, _development_secret),
    Setting("PUBLIC_URL", values.origin, "http://localhost:8000"),
    Setting("ALLOWED_HOSTS", values.hosts, _public_host),
    Setting("BEHIND_PROXY", values.switch, "off"),
    Setting("TRUSTED_PROXIES", values.networks, "127.0.0.0/8,::1"),
    Setting("OPERATOR_NAME", values.text, "Carport"),
    Setting("SUPPORT_CONTACT", values.text),
    Setting("PRIVACY_URL", values.web_address),
    Setting("STAFF_SECOND_FACTOR", values.switch, "off"),
    Setting("LOG_LEVEL", values.log_level, "INFO"),
    Setting("LOG_FORMAT", values.log_format, "text"),
    Setting("REFUSALS_KEPT_DAYS", values.whole_number, "30"),
    Setting("RUNS_KEPT_DAYS", values.at_least(30), "90"),
    Setting("VISITS_KEPT_DAYS", values.whole_number, "1"),
    Setting("COMMANDS_KEPT_DAYS", values.at_least(2), "365"),
    Setting("FAULT_PAGES_KEPT_DAYS", values.whole_number, "30"),
    Setting("LOOKS_KEPT_DAYS", values.at_least(30), "365"),
    Setting("DELIVERIES_KEPT_DAYS", values.at_least(4), "30"),
    Setting("WEBHOOKS_TO_PRIVATE_ADDRESSES", values.switch, "off"),
    Setting("STARTS_PER_ADDRESS_AND_MINUTE", values.whole_number, "60"),
    Setting("DATABASE_URL", values.database_url),
    Setting("CELERY_BROKER_URL", values.broker_url, "filesystem://"),
    Setting("CACHE_URL", values.cache_url, "locmemcache://"),
    Setting("VAULT_KEYS", values.vault_keys),
    Setting("TESLA_CLIENT_ID", values.word),
    Setting("TESLA_CLIENT_SECRET", values.text),
    Setting("TESLA_REGIONS", values.one_or_more_of(REGIONS), "na,eu"),
    Setting("TESLA_KEY_FILE", values.text),
    Setting("TESLA_KEY_DOMAIN", values.host_and_port, _public_host_and_port),
    Setting("TESLA_UPSTREAM_SLOTS", values.whole_number, "96"),
    Setting("TESLA_DATA_PER_MINUTE", values.whole_number, "60"),
    Setting("TESLA_WAKES_PER_MINUTE", values.whole_number, "3"),
    Setting("TESLA_COMMANDS_PER_MINUTE", values.whole_number, "30"),
    Setting("LEGACY_OWNER_API", values.switch, "off"),
    Setting("SIMULATOR_URL", values.base_address),
    Setting("TESLA_AUTH_URL", values.base_address, "https://auth.tesla.com"),
    Setting("TESLA_TOKEN_URL", values.base_address, "https://fleet-auth.prd.vn.cloud.tesla.com"),
    Setting("TESLA_API_URL", values.base_address),
    Setting("TESLA_OWNER_API_URL", values.base_address, "https://owner-api.teslamotors.com"),
    Setting("TESLA_PAIRING_URL", values.base_address, "https://www.tesla.com"),
)


def read_all(environment: Mapping[str, str]) -> dict[str, Any]:
    """The value of each setting. What is unset or empty has its default, and is empty where it has none.

    Raises `ImproperlyConfigured` with a line for each setting that cannot be used.
    """
    known: dict[str, Any] = {}
    faults = []
    for setting in SETTINGS:
        try:
            known[setting.name] = _value(setting, environment, known)
        except ValueError as fault:
            faults.append(f"{setting.name} {fault}")
    is_named = any(fault.startswith(("SECRET_KEY ", "DEBUG ")) for fault in faults)
    if not known.get("SECRET_KEY") and not known.get("DEBUG") and not is_named:
        faults.append("SECRET_KEY must be set, to 50 random characters, unless DEBUG is on.")
    if faults:
        raise ImproperlyConfigured("\n".join(faults))
    return known


def _value(setting: Setting, environment: Mapping[str, str], known: Mapping[str, Any]) -> Any:
    given = environment.get(setting.name, "").strip()
    default = setting.default if isinstance(setting.default, str) else setting.default(known)
    if not (given or default):
        return [] if setting.name == "VAULT_KEYS" else ""
    return setting.read(given or default)
