"""Endpoints of the original API that no Tesla answers: the same error, once it is certain who asks."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import access, errors
from vehicles.api.endpoint import Endpoint, grant_of, must_be_approved
from vehicles.api.versions import versioned
from vehicles.errors import CatalogueError, ErrorSpec

NOT_OFFERED: Final[dict[str, tuple[str, ErrorSpec]]] = {
    "fuel": ("read_fuel", errors.VEHICLE_NOT_CAPABLE),
    "engine/oil": ("read_engine_oil", errors.VEHICLE_NOT_CAPABLE),
    "service/history": ("read_service_history", errors.SMARTCAR_NOT_CAPABLE),
    "diagnostics/system_status": ("read_diagnostics", errors.SMARTCAR_NOT_CAPABLE),
    "diagnostics/dtcs": ("read_diagnostics", errors.SMARTCAR_NOT_CAPABLE),
}
"""Path under the vehicle, the permission it needs, and why there is nothing to answer."""


class NotOfferedView(Endpoint):
    """Nothing that a Tesla has, or tells anybody."""

    permission: str = ""
    error: ErrorSpec = errors.VEHICLE_NOT_CAPABLE

    def get(self, request: Request, vehicle_id: str) -> Response:
        """Never answers a value."""
        grant = grant_of(request, vehicle_id)
        must_be_approved(grant, self.permission)
        access.require(grant, self.permission)
        raise CatalogueError(self.error)


def not_offered(vehicle: str) -> list[URLPattern]:
    """The addresses under that vehicle pattern; they are no part of the schema, which shows what can be had."""
    return [
        versioned(
            f"{vehicle}/{path}", NotOfferedView.as_view(schema=None, permission=permission, error=error)
        )
        for path, (permission, error) in NOT_OFFERED.items()
    ]
