"""What Tesla's tokens say, by kind (Fleet API: third-party tokens, partner tokens; Owner API: login)."""

from __future__ import annotations

from typing import Any, Final

from vehicles.tesla import paths
from vehicles.tesla.scopes import OWNER_API_SCOPES
from vehicles.tesla.simulator.account.accounts import Account, Client

ISSUER: Final = "https://auth.tesla.com/oauth2/v3"
THIRD_PARTY_ISSUER: Final = f"{ISSUER}/nts"
_USER_INFO: Final = f"{ISSUER}/userinfo"


def fleet_claims(client: Client, account: Account, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Of an access token for a registered application."""
    return {
        "iss": THIRD_PARTY_ISSUER,
        "azp": client.client_id,
        "sub": account.sub,
        "aud": [paths.FLEET_API_HOSTS["na"], paths.FLEET_API_HOSTS["eu"], _USER_INFO],
        "scp": list(scopes),
        "amr": ["pwd"],
        "ou_code": account.region.upper(),
        "locale": "en-US",
        "account_type": "person",
        "open_source": False,
    }


def legacy_claims(client: Client, account: Account, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Of an access token for the Owner API, which knows no vehicle scopes."""
    return {
        "iss": ISSUER,
        "azp": client.client_id,
        "sub": account.sub,
        "aud": [f"{paths.OWNER_API_HOST}/", _USER_INFO],
        "scp": list(OWNER_API_SCOPES),
        "amr": ["pwd"],
        "ou_code": account.region.upper(),
        "locale": "en-US",
    }


def partner_claims(client: Client, scopes: tuple[str, ...], audience: str) -> dict[str, Any]:
    """Of a token that belongs to the application itself."""
    return {
        "iss": THIRD_PARTY_ISSUER,
        "azp": client.client_id,
        "sub": client.client_id,
        "aud": [audience],
        "scp": list(scopes),
        "gty": "client-credentials",
    }


def id_claims(client: Client, account: Account, nonce: str) -> dict[str, Any]:
    """Of an ID token."""
    said = {"iss": THIRD_PARTY_ISSUER, "aud": client.client_id, "sub": account.sub, "email": account.email}
    return said | ({"nonce": nonce} if nonce else {})
