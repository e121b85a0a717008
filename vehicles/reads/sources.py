"""Where a read gets its sections from when it is not live data alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vehicles import access, errors
from vehicles.errors import CatalogueError
from vehicles.models import Integration, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.reads import together
from vehicles.upstream import calls

_NOT_REACHED: Final = (errors.ASLEEP, errors.UNREACHABLE)
_POSITION: Final = "location_data"
_LIVE: Final = frozenset(
    {
        *("charge_state", "charge_schedule_data", "climate_state", "drive_state", _POSITION),
        *("vehicle_config", "vehicle_state"),
    }
)
"""What one question for live data answers (Fleet API: vehicle_data); the rest has a question of its own."""
POSITION_SCOPE: Final = PERMISSIONS["read_location"].tesla_scope


def may_see_position(grant: VehicleGrant) -> bool:
    """Whether Tesla shows this account's tokens where the car is; legacy tokens know no scopes."""
    return grant.integration == Integration.LEGACY or POSITION_SCOPE in grant.account.granted_scopes


def shown_live(grant: VehicleGrant, sections: Iterable[str]) -> list[str]:
    """Those of the sections that are live data which Tesla shows this account's tokens."""
    hidden = () if may_see_position(grant) else (_POSITION,)
    return [section for section in sections if section in _LIVE and section not in hidden]


def with_position(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """Live data with the heading, which Tesla counts as position. Raises PERMISSION where that was not granted."""
    if not may_see_position(grant):
        raise access.refuse(grant, errors.PERMISSION, reason=f"the heading needs {POSITION_SCOPE}")
    return together.vehicle_data(grant, sections, scope)


def connectivity(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """The car as Tesla lists it, and what it tells of driving if it is awake; never wakes it."""
    listed = calls.listed_vehicle(grant)
    found: dict[str, Any] = {"vehicle": {"state": listed.state, "in_service": listed.in_service}}
    if listed.state != "online":
        return found
    try:
        driving = together.vehicle_data(grant, ["drive_state"], scope)
        return found | {"drive_state": driving.get("drive_state")}
    except CatalogueError as error:
        if error.spec not in _NOT_REACHED:
            raise
        return found


def recent_alerts(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """What the car complained about of late."""
    return {"alerts": calls.recent_alerts(grant, scope)}


def profile(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """The Tesla account's own profile."""
    return {"profile": calls.profile(grant, scope)}
