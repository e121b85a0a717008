"""The vehicle API's addresses. Include them last at the root: they answer everything that begins with a version."""

from __future__ import annotations

from typing import Final

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from vehicles.api import connections, readings, security, tesla_endpoints
from vehicles.api.schema import SETTINGS
from vehicles.api.versions import EVERYTHING_ELSE, versioned

_VEHICLE: Final = "vehicles/(?P<vehicle_id>[^/]+)"

urlpatterns = [
    path("api/schema/", SpectacularAPIView.as_view(custom_settings=SETTINGS), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    versioned("user", connections.UserView.as_view()),
    versioned("vehicles", connections.VehiclesView.as_view()),
    versioned(_VEHICLE, readings.AttributesView.as_view()),
    versioned(f"{_VEHICLE}/application", connections.ApplicationView.as_view()),
    versioned(f"{_VEHICLE}/permissions", connections.PermissionsView.as_view()),
    versioned(f"{_VEHICLE}/vin", readings.VinView.as_view()),
    versioned(f"{_VEHICLE}/battery", readings.BatteryView.as_view()),
    versioned(f"{_VEHICLE}/charge", readings.ChargeView.as_view()),
    versioned(f"{_VEHICLE}/odometer", readings.OdometerView.as_view()),
    versioned(f"{_VEHICLE}/location", readings.LocationView.as_view()),
    versioned(f"{_VEHICLE}/security", security.SecurityView.as_view()),
    versioned(f"{_VEHICLE}/tesla/virtual_key", tesla_endpoints.VirtualKeyView.as_view()),
    versioned(f"{_VEHICLE}/tesla/migration", tesla_endpoints.MigrationView.as_view()),
    versioned(f"{_VEHICLE}/tesla/user/access", tesla_endpoints.UserAccessView.as_view()),
    versioned(f"{_VEHICLE}/tesla/diagnosis", tesla_endpoints.DiagnosisView.as_view()),
    versioned(
        rf"{_VEHICLE}/[A-Z][A-Z_-]+(?:/[\s\S]*)?",
        tesla_endpoints.UpperCaseMake.as_view(schema=None),
    ),
    *EVERYTHING_ELSE,
]
