"""Tesla's addresses, shared by the client and the simulated Tesla so that the two cannot drift apart."""

from __future__ import annotations

from typing import Final

AUTHORIZE: Final = "/oauth2/v3/authorize"
TOKEN: Final = "/oauth2/v3/token"  # noqa: S105 - an address
REVOKE_CONSENT: Final = "/user/revoke/consent"
THIRD_PARTY_APPS: Final = "/teslaaccount/third-party-apps"
PAIRING: Final = "/_ak/{domain}"

USER_ME: Final = "/api/1/users/me"
USER_REGION: Final = "/api/1/users/region"
PRODUCTS: Final = "/api/1/products"
VEHICLES: Final = "/api/1/vehicles"
VEHICLE: Final = "/api/1/vehicles/{vin}"
VEHICLE_DATA: Final = "/api/1/vehicles/{vin}/vehicle_data"
WAKE_UP: Final = "/api/1/vehicles/{vin}/wake_up"
COMMAND: Final = "/api/1/vehicles/{vin}/command/{name}"
SIGNED_COMMAND: Final = "/api/1/vehicles/{vin}/signed_command"
RECENT_ALERTS: Final = "/api/1/vehicles/{vin}/recent_alerts"
MOBILE_ENABLED: Final = "/api/1/vehicles/{vin}/mobile_enabled"
CHARGING_HISTORY: Final = "/api/1/dx/charging/history"
FLEET_STATUS: Final = "/api/1/vehicles/fleet_status"
PARTNER_ACCOUNTS: Final = "/api/1/partner_accounts"
PARTNER_PUBLIC_KEY: Final = "/api/1/partner_accounts/public_key"

PUBLIC_KEY_FILE: Final = "/.well-known/appspecific/com.tesla.3p.public-key.pem"
"""Where the operator's domain serves its public key; Tesla's app checks it at every pairing."""

FLEET_API_HOSTS: Final[dict[str, str]] = {
    "na": "https://fleet-api.prd.na.vn.cloud.tesla.com",
    "eu": "https://fleet-api.prd.eu.vn.cloud.tesla.com",
    "cn": "https://fleet-api.prd.cn.vn.cloud.tesla.cn",
}
OWNER_API_HOST: Final = "https://owner-api.teslamotors.com"
OWNER_API_CLIENT_ID: Final = "ownerapi"
OWNER_API_CALLBACK: Final = "tesla://auth/callback"
"""Where a login to the legacy API ends; no browser can follow it."""
