"""The vehicle API's addresses, included at the root. What else begins with a version is `versions.EVERYTHING_ELSE`."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.views import SpectacularSwaggerSplitView

from vehicles.api.management import views
from vehicles.api.schema import SchemaView
from vehicles.api.v2 import (
    batch,
    charge_records,
    charging,
    climate,
    closures,
    compatibility,
    connections,
    gauges,
    navigation,
    pin,
    readings,
    security,
    tesla_charging,
    tesla_endpoints,
    webhooks,
)
from vehicles.api.v2.not_offered import not_offered
from vehicles.api.versions import VEHICLE, versioned

urlpatterns = [
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    versioned("management/connections", views.ConnectionsView.as_view()),
    versioned("management/diagnoses", views.DiagnosesView.as_view()),
    versioned("compatibility", compatibility.CompatibilityView.as_view()),
    versioned("compatibility/matrix", compatibility.MatrixView.as_view()),
    versioned("user", connections.UserView.as_view()),
    versioned("vehicles", connections.VehiclesView.as_view()),
    versioned(VEHICLE, readings.AttributesView.as_view()),
    versioned(f"{VEHICLE}/application", connections.ApplicationView.as_view()),
    versioned(f"{VEHICLE}/batch", batch.BatchView.as_view()),
    versioned(f"{VEHICLE}/permissions", connections.PermissionsView.as_view()),
    versioned(f"{VEHICLE}/vin", readings.VinView.as_view()),
    versioned(f"{VEHICLE}/battery", charging.BatteryView.as_view()),
    versioned(f"{VEHICLE}/battery/capacity", charging.BatteryCapacityView.as_view()),
    versioned(f"{VEHICLE}/battery/nominal_capacity", charging.NominalCapacityView.as_view()),
    versioned(f"{VEHICLE}/charge", charging.ChargeView.as_view()),
    versioned(f"{VEHICLE}/charge/limit", charging.ChargeLimitView.as_view()),
    versioned(f"{VEHICLE}/odometer", readings.OdometerView.as_view()),
    versioned(f"{VEHICLE}/location", readings.LocationView.as_view()),
    versioned(f"{VEHICLE}/security", security.SecurityView.as_view()),
    versioned(f"{VEHICLE}/tires/pressure", gauges.TirePressureView.as_view()),
    versioned(f"{VEHICLE}/navigation/destination", navigation.DestinationView.as_view()),
    versioned(f"{VEHICLE}/webhooks/(?P<webhook_id>[^/]+)", webhooks.WebhookView.as_view()),
    *not_offered(VEHICLE),
    versioned(f"{VEHICLE}/tesla/charge", tesla_charging.ChargeDetailsView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/ammeter", tesla_charging.AmmeterView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/voltmeter", tesla_charging.VoltmeterView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/wattmeter", tesla_charging.WattmeterView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/completion", tesla_charging.ChargeCompletionView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/schedule", tesla_charging.ChargeScheduleView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/records", charge_records.RecordsView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/records/billing", charge_records.BillingView.as_view()),
    versioned(f"{VEHICLE}/tesla/charge/charge_port_door", tesla_charging.ChargePortView.as_view()),
    versioned(f"{VEHICLE}/tesla/climate/cabin", climate.CabinView.as_view()),
    versioned(f"{VEHICLE}/tesla/climate/defroster", climate.DefrosterView.as_view()),
    versioned(f"{VEHICLE}/tesla/climate/steering_wheel", climate.SteeringWheelView.as_view()),
    versioned(f"{VEHICLE}/tesla/thermometer/exterior", climate.ExteriorThermometerView.as_view()),
    versioned(f"{VEHICLE}/tesla/thermometer/interior", climate.InteriorThermometerView.as_view()),
    versioned(f"{VEHICLE}/tesla/security/trunk", closures.TrunkView.as_view()),
    versioned(f"{VEHICLE}/tesla/security/frunk", closures.FrunkView.as_view()),
    versioned(f"{VEHICLE}/tesla/pin", pin.PinView.as_view()),
    versioned(f"{VEHICLE}/tesla/status", gauges.CarStatusView.as_view()),
    versioned(f"{VEHICLE}/tesla/compass", gauges.CompassView.as_view()),
    versioned(f"{VEHICLE}/tesla/speedometer", gauges.SpeedometerView.as_view()),
    versioned(f"{VEHICLE}/tesla/alerts", gauges.AlertsView.as_view()),
    versioned(f"{VEHICLE}/tesla/attributes", gauges.TeslaAttributesView.as_view()),
    versioned(f"{VEHICLE}/tesla/user/info", gauges.UserProfileView.as_view()),
    versioned(f"{VEHICLE}/tesla/virtual_key", tesla_endpoints.VirtualKeyView.as_view()),
    versioned(f"{VEHICLE}/tesla/migration", tesla_endpoints.MigrationView.as_view()),
    versioned(f"{VEHICLE}/tesla/user/access", tesla_endpoints.UserAccessView.as_view()),
    versioned(f"{VEHICLE}/tesla/diagnosis", tesla_endpoints.DiagnosisView.as_view()),
    versioned(
        rf"{VEHICLE}/[A-Z][A-Z_-]+(?:/[\s\S]*)?",
        tesla_endpoints.UpperCaseMake.as_view(schema=None),
    ),
]
