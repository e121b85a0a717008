"""Where Tesla is: the real one for live rows, the simulated one for simulated rows."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from django.conf import settings

from vehicles.models import Integration, Mode, TeslaAccount
from vehicles.tesla import paths


@dataclass(frozen=True, slots=True)
class Origins:
    """Base addresses of one Tesla. `api` is empty where the account's region decides."""

    auth: str
    token: str
    api: str
    owner_api: str
    pairing: str


def origins(mode: str) -> Origins:
    """The addresses that rows of this mode talk to."""
    if mode == Mode.SIMULATED:
        return Origins(*(settings.SIMULATOR_URL,) * 5)
    return Origins(
        auth=settings.TESLA_AUTH_URL,
        token=settings.TESLA_TOKEN_URL,
        api=settings.TESLA_API_URL,
        owner_api=settings.TESLA_OWNER_API_URL,
        pairing=settings.TESLA_PAIRING_URL,
    )


def api_base(account: TeslaAccount, integration: str) -> str:
    """The host that serves this account: a configured one, the one that answered before, or its home region's."""
    where = origins(account.mode)
    if integration == Integration.LEGACY:
        return where.owner_api
    home = paths.FLEET_API_HOSTS.get(account.region, paths.FLEET_API_HOSTS["na"])
    return where.api or account.api_host or home


def available(mode: str) -> bool:
    """Whether Connect offers this mode here: simulated only where a simulated Tesla is configured."""
    return mode == Mode.LIVE or bool(settings.SIMULATOR_URL)


def pairing_page(mode: str, vin: str = "") -> str:
    """Tesla's page for adding the operator's key, with the car preselected where a VIN is given."""
    address = origins(mode).pairing + paths.PAIRING.format(domain=settings.TESLA_KEY_DOMAIN)
    return f"{address}?vin={quote(vin)}" if vin else address


def consent_page(mode: str, way_back: str) -> str:
    """Tesla's page on which a person changes or removes what they allowed the operator, with a link to `way_back`."""
    query = urlencode({"revoke_client_id": settings.TESLA_CLIENT_ID, "back_url": way_back})
    return f"{origins(mode).auth}{paths.REVOKE_CONSENT}?{query}"


def third_party_apps_page(mode: str) -> str:
    """Tesla's page on which a person takes away what they allowed."""
    base = origins(mode).auth if mode == Mode.SIMULATED or settings.TESLA_API_URL else "https://www.tesla.com"
    return base + paths.THIRD_PARTY_APPS
