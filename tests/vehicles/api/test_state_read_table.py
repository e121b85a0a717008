"""What the state reads answer for every value of every axis: isPaired, requiresMigration, accessType, permissions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import IncidentFactory, TeslaAccountFactory, VehicleFactory, VehicleGrantFactory
from tests.vehicles.api.conftest import calls_for
from vehicles.diagnosis import Consent, Key, KeyReason, Provider
from vehicles.models import IncidentKind, VehicleAccess

SCOPES = ["openid", "vehicle_device_data", "vehicle_cmds"]
ALLOWED = ["vehicle_device_data", "vehicle_cmds"]
NOT_CAPABLE, MISSING = "COMPATIBILITY:PLATFORM_NOT_CAPABLE", "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"


@dataclass(frozen=True)
class Row:
    """What holds, and what is answered: `paired` is the value or the error of `virtual_key`."""

    paired: bool | str
    migrate: bool = False
    relation: str | None = "OWNER"
    permissions: list[str] | None = field(default_factory=lambda: list(ALLOWED))
    vehicle: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    grant: dict[str, Any] = field(default_factory=dict)
    is_missing: bool = False
    is_closed: bool = False


def conflict(best: str, paired: bool) -> dict[str, Any]:
    """Sources disagree, and this is what the better one says."""
    return {"key": "conflict", "key_source": best, "key_evidence": {best: {"paired": paired}}}


ROWS: dict[str, Row] = {
    # The key.
    "present": Row(True, vehicle={"key": "present"}),
    "absent": Row(False, vehicle={"key": "absent"}),
    "not required": Row(False, vehicle={"key": "not_required"}),
    "conflict, the car has it": Row(True, vehicle=conflict("command", True)),
    "conflict, the car lacks it": Row(False, vehicle=conflict("handshake", False)),
    **{f"unknown: {why}": Row(False, vehicle={"key": "unknown", "key_reason": why}) for why in KeyReason},
    # The consent: state reads answer whatever it says.
    **{
        f"consent {consent}": Row(True, account={"consent": consent})
        for consent in Consent
        if consent != "revoked"
    },
    "consent revoked": Row(True, permissions=None, account={"consent": "revoked"}),
    # The permissions.
    "scopes withdrawn": Row(True, permissions=None, account={"granted_scopes": ["openid"]}),
    "some scopes withdrawn": Row(
        True, permissions=["vehicle_device_data"], account={"granted_scopes": ["vehicle_device_data"]}
    ),
    # The relation of account and car.
    "driver": Row(MISSING, relation="DRIVER", grant={"access": "DRIVER"}),
    "gone from the account": Row(MISSING, relation=None, is_missing=True),
    # The interface.
    "legacy": Row(NOT_CAPABLE, migrate=True, permissions=None, grant={"integration": "legacy"}),
    "legacy closed": Row(
        NOT_CAPABLE, migrate=True, permissions=None, grant={"integration": "legacy"}, is_closed=True
    ),
    "legacy driver": Row(
        NOT_CAPABLE,
        migrate=True,
        relation="DRIVER",
        permissions=None,
        grant={"integration": "legacy", "access": "DRIVER"},
    ),
    # The car, and who holds requests back.
    "paused": Row(True, vehicle={"paused": True}),
    "in service": Row(True, vehicle={"in_service": True}),
    "mobile access off": Row(True, vehicle={"remote_access_disabled": True}),
    "asleep": Row(True, vehicle={"state": "asleep"}),
    "full of keys": Row(False, vehicle={"key": "absent", "total_keys": 20}),
}


def answer(response: Any, name: str) -> Any:
    body = response.json()
    return body[name] if response.status_code == 200 else f"{body['type']}:{body['code']}"


@pytest.mark.django_db
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_state_reads_answer_from_the_store(row: Row, now: datetime) -> None:
    if row.is_closed:
        IncidentFactory(kind=IncidentKind.LEGACY_CLOSED, mode="live", region="")
    vehicle = VehicleFactory(**{"key": "present", "key_observed_at": now, **row.vehicle})
    account = TeslaAccountFactory(**{"granted_scopes": SCOPES, **row.account})
    grant = VehicleGrantFactory(vehicle=vehicle, account=account, **row.grant)
    if row.is_missing:
        VehicleAccess.objects.update(missing_since=now)
    api = calls_for(grant)
    path = "/v2.0/vehicles/{id}/tesla/"
    assert answer(api.get(f"{path}virtual_key"), "isPaired") == row.paired
    assert answer(api.get(f"{path}migration"), "requiresMigration") is row.migrate
    access = api.get(f"{path}user/access").json()
    assert (access["accessType"], access["permissions"]) == (row.relation, row.permissions)
    assert api.get(f"{path}diagnosis").status_code == 200


def test_the_table_has_every_value_of_every_axis() -> None:
    keys = {str(row.vehicle.get("key", "present")) for row in ROWS.values()}
    reasons = {str(row.vehicle["key_reason"]) for row in ROWS.values() if "key_reason" in row.vehicle}
    consents = {str(row.account.get("consent", "active")) for row in ROWS.values()}
    interfaces = {(str(row.grant.get("integration", "fleet")), row.is_closed) for row in ROWS.values()}
    assert keys == set(Key)
    assert reasons == set(KeyReason)
    assert consents == set(Consent)
    assert len(interfaces) == len(Provider)


@pytest.mark.django_db
def test_a_key_state_too_old_to_count_is_asked_for_again_and_else_told_as_last_known(now: datetime) -> None:
    vehicle = VehicleFactory(key="present", key_observed_at=now - timedelta(days=8))
    api = calls_for(VehicleGrantFactory(vehicle=vehicle))
    assert api.get("/v2.0/vehicles/{id}/tesla/virtual_key").json() == {"isPaired": True}
    body = api.get("/v2.0/vehicles/{id}/tesla/diagnosis").json()
    assert (body["axes"]["key"]["value"], body["axes"]["key"]["reason"]) == ("unknown", "stale")
