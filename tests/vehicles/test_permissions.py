"""The permission map."""

from __future__ import annotations

from vehicles.permissions import PERMISSIONS, covered_by, tesla_scopes_for
from vehicles.tesla import scopes


def test_the_catalogue_has_every_permission_of_the_original_api() -> None:
    assert len(PERMISSIONS) == 28
    assert all(row.tesla_scope in scopes.LABELS for row in PERMISSIONS.values())


def test_a_permission_works_only_when_its_own_scope_was_granted() -> None:
    asked = ["read_vin", "read_location", "control_charge", "control_security"]
    assert covered_by(asked, [scopes.VEHICLE_DEVICE_DATA]) == ["read_vin"]
    assert covered_by(asked, [scopes.VEHICLE_CMDS, scopes.VEHICLE_LOCATION]) == [
        "read_location",
        "control_security",
    ]
    assert covered_by(asked, []) == []


def test_tesla_is_asked_for_the_scopes_behind_the_permissions_and_for_no_others() -> None:
    assert tesla_scopes_for(["control_security", "read_vin"]) == [
        "openid",
        "offline_access",
        "vehicle_device_data",
        "vehicle_cmds",
    ]


def test_commands_that_must_be_signed_need_the_key_and_navigation_does_not() -> None:
    need = {name for name, row in PERMISSIONS.items() if row.needs_key}
    assert need == {"control_charge", "control_climate", "control_pin", "control_security", "control_trunk"}
