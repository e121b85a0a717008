"""The permission map: what an application may ask for, in plain words, and what at Tesla must cover it.

One row per permission of the Smartcar v2.0 catalogue. Everything that has to know which Tesla scope stands behind a
permission, or whether using it needs the virtual key, reads it here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from vehicles.tesla import scopes
from vehicles.translatable import gettext_noop


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing an application may be allowed to do; `sentence` completes "This application can ..."."""

    name: str
    sentence: str
    tesla_scope: str
    needs_key: bool = False
    """Using it sends a command that most cars accept only when signed by a key on the car."""
    served: bool = True
    """False where there is nothing to answer: no Tesla has it, or Tesla tells it to nobody."""


_INFO, _COMMANDS = scopes.VEHICLE_DEVICE_DATA, scopes.VEHICLE_CMDS
_CHARGING, _LOCATION, _PROFILE = scopes.VEHICLE_CHARGING_CMDS, scopes.VEHICLE_LOCATION, scopes.USER_DATA

PERMISSIONS: Final[dict[str, Permission]] = {
    row.name: row
    for row in (
        Permission("read_alerts", gettext_noop("see alerts that the car raises"), _INFO),
        Permission("read_battery", gettext_noop("see the battery level and range"), _INFO),
        Permission("read_charge", gettext_noop("see whether and how the car is charging"), _INFO),
        Permission("read_charge_events", gettext_noop("be told when charging starts, stops or ends"), _INFO),
        Permission("read_charge_locations", gettext_noop("see where the car was charged"), _CHARGING),
        Permission(
            "read_charge_records", gettext_noop("see past charging sessions and their cost"), _CHARGING
        ),
        Permission("read_climate", gettext_noop("see the climate settings"), _INFO),
        Permission("read_compass", gettext_noop("see which way the car points"), _INFO),
        Permission(
            "read_diagnostics", gettext_noop("see the state of the car's systems"), _INFO, served=False
        ),
        Permission("read_engine_oil", gettext_noop("see the state of the engine oil"), _INFO, served=False),
        Permission("read_extended_vehicle_info", gettext_noop("see details of the car's equipment"), _INFO),
        Permission("read_fuel", gettext_noop("see the fuel level"), _INFO, served=False),
        Permission("read_location", gettext_noop("see where the car is"), _LOCATION),
        Permission("read_odometer", gettext_noop("see the distance driven"), _INFO),
        Permission("read_security", gettext_noop("see locks, doors, windows and charge port"), _INFO),
        Permission("read_service_history", gettext_noop("see service records"), _INFO, served=False),
        Permission("read_speedometer", gettext_noop("see how fast the car is going"), _INFO),
        Permission("read_thermometer", gettext_noop("see the temperature inside and outside"), _INFO),
        Permission("read_tires", gettext_noop("see the tire pressure"), _INFO),
        Permission(
            "read_user_profile", gettext_noop("see the e-mail address of your Tesla account"), _PROFILE
        ),
        Permission("read_vehicle_info", gettext_noop("see make, model and year"), _INFO),
        Permission("read_vin", gettext_noop("see the vehicle identification number"), _INFO),
        Permission(
            "control_charge", gettext_noop("start, stop and adjust charging"), _CHARGING, needs_key=True
        ),
        Permission("control_climate", gettext_noop("control the climate"), _COMMANDS, needs_key=True),
        Permission("control_navigation", gettext_noop("send destinations to the car"), _COMMANDS),
        Permission("control_pin", gettext_noop("set and remove the PIN to drive"), _COMMANDS, needs_key=True),
        Permission("control_security", gettext_noop("lock and unlock the car"), _COMMANDS, needs_key=True),
        Permission(
            "control_trunk", gettext_noop("open the trunk and front trunk"), _COMMANDS, needs_key=True
        ),
    )
}

REQUIRED_PREFIX: Final = "required:"
"""In Connect's `scope` parameter: the owner cannot finish without granting this permission."""


IDENTITY: Final = (scopes.OPENID,)
"""The Tesla scope that tells who somebody is, and nothing more."""


def shows_cars(name: str) -> bool:
    """Whether this permission rests on the scope without which Tesla lists no cars (Fleet API: vehicles)."""
    return PERMISSIONS[name].tesla_scope == _INFO


def covered_by(names: Iterable[str], tesla_scopes: Collection[str]) -> list[str]:
    """Those of the permissions whose Tesla scope the person granted, in the order given."""
    return [name for name in names if PERMISSIONS[name].tesla_scope in tesla_scopes]


def tesla_scopes_for(names: Iterable[str]) -> list[str]:
    """The Tesla scopes to ask a person for so that all these permissions can work, sign-in scopes first."""
    needed = {PERMISSIONS[name].tesla_scope for name in names}
    return [*scopes.SIGN_IN, *(scope for scope in scopes.LABELS if scope in needed)]
