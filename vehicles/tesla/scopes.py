"""Tesla's scope names as they appear in authorization requests and in the `scp` claim (Fleet API: authentication)."""

from __future__ import annotations

from typing import Final

OPENID: Final = "openid"
OFFLINE_ACCESS: Final = "offline_access"
USER_DATA: Final = "user_data"
VEHICLE_DEVICE_DATA: Final = "vehicle_device_data"
VEHICLE_LOCATION: Final = "vehicle_location"
VEHICLE_CMDS: Final = "vehicle_cmds"
VEHICLE_CHARGING_CMDS: Final = "vehicle_charging_cmds"

SIGN_IN: Final = (OPENID, OFFLINE_ACCESS)
"""Asked for with every login: without them there is no identity and no refresh token."""

LABELS: Final[dict[str, str]] = {
    USER_DATA: "Profile Information",
    VEHICLE_DEVICE_DATA: "Vehicle Information",
    VEHICLE_LOCATION: "Vehicle Location",
    VEHICLE_CMDS: "Vehicle Commands",
    VEHICLE_CHARGING_CMDS: "Vehicle Charging Management",
}
"""What Tesla's consent page calls each scope that a person can tick or untick."""

OWNER_API_SCOPES: Final = (OPENID, "email", OFFLINE_ACCESS)
"""What a login through the legacy Owner API carries: no vehicle scopes at all."""
