"""Where a read gets its sections from when it is not live data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vehicles import access, errors
from vehicles.errors import CatalogueError
from vehicles.models import Integration, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.upstream import calls

_NOT_REACHED: Final = (errors.ASLEEP, errors.UNREACHABLE)
POSITION_SCOPE: Final = PERMISSIONS["read_location"].tesla_scope


def may_see_position(grant: VehicleGrant) -> bool:
    """Whether Tesla shows this account's tokens where the car is; legacy tokens know no scopes."""
    return grant.integration == Integration.LEGACY or POSITION_SCOPE in grant.account.granted_scopes


def with_position(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """Live data with the heading, which Tesla counts as position. Raises PERMISSION where that was not granted."""
    if not may_see_position(grant):
        raise access.refuse(grant, errors.PERMISSION, reason=f"the heading needs {POSITION_SCOPE}")
    return calls.vehicle_data(grant, sections, scope)


def connectivity(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """The car as Tesla lists it, and what it tells of driving if it is awake; never wakes it."""
    listed = calls.listed_vehicle(grant)
    found: dict[str, Any] = {"vehicle": {"state": listed.state, "in_service": listed.in_service}}
    if listed.state != "online":
        return found
    try:
        return found | {"drive_state": calls.vehicle_data(grant, ["drive_state"], scope).get("drive_state")}
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
