"""The error catalogue: every documented code, with its status and what it offers, and where each is raised."""

from __future__ import annotations

import re
from typing import Final

from tests.runner import ROOT
from vehicles import errors
from vehicles.errors import CATALOGUE, ONLY_SIMULATED, ErrorSpec

AGAIN, LATER, SUPPORT = "REAUTHENTICATE", "RETRY_LATER", "CONTACT_SUPPORT"
DOCUMENTED: Final[dict[str, tuple[int, dict[str | None, str | None]]]] = {
    "AUTHENTICATION": (401, {None: None}),
    "PERMISSION": (403, {None: AGAIN}),
    "VALIDATION": (400, {None: None, "PARAMETER": None}),
    "RESOURCE_NOT_FOUND": (404, {"PATH": None, "VERSION": None}),
    "RATE_LIMIT": (429, {"SMARTCAR_API": LATER, "VEHICLE": LATER}),
    "BILLING": (
        430,
        {
            "VEHICLE_LIMIT": SUPPORT,
            "VEHICLE_REQUEST_LIMIT": SUPPORT,
            "INVALID_PLAN": SUPPORT,
            "ACCOUNT_SUSPENDED": "FINANCE",
        },
    ),
    "COMPATIBILITY": (
        501,
        {
            "MAKE_NOT_COMPATIBLE": None,
            "SMARTCAR_NOT_CAPABLE": None,
            "VEHICLE_NOT_CAPABLE": None,
            "PLATFORM_NOT_CAPABLE": AGAIN,
        },
    ),
    "CONNECTED_SERVICES_ACCOUNT": (
        400,
        {
            "ACCOUNT_ISSUE": None,
            "AUTHENTICATION_FAILED": AGAIN,
            "NO_VEHICLES": None,
            "PERMISSION": AGAIN,
            "SUBSCRIPTION": None,
            "VEHICLE_MISSING": None,
            "VIRTUAL_KEY_REQUIRED": "ACTION_REQUIRED",
        },
    ),
    "SERVER": (500, {"INTERNAL": LATER, "RECORD_NOT_FOUND": SUPPORT, "MULTIPLE_RECORDS_FOUND": SUPPORT}),
    "UPSTREAM": (
        502,
        dict.fromkeys(("INVALID_DATA", "KNOWN_ISSUE", "NO_RESPONSE", "RATE_LIMIT", "UNKNOWN_ISSUE"), LATER),
    ),
    "VEHICLE_STATE": (
        409,
        {
            **dict.fromkeys(
                ("ASLEEP", "UNREACHABLE", "VEHICLE_OFFLINE_FOR_SERVICE", "REMOTE_ACCESS_DISABLED")
            ),
            **dict.fromkeys(
                ("CHARGING_IN_PROGRESS", "CHARGING_PLUG_CONNECTED", "CHARGING_PLUG_NOT_CONNECTED")
            ),
            **dict.fromkeys(("FULLY_CHARGED", "NOT_CHARGING", "CHARGE_FAULT", "IGNITION_ON", "IN_MOTION")),
            **dict.fromkeys(("DOOR_OPEN", "HOOD_OPEN", "TRUNK_OPEN")),
            **dict.fromkeys(("LOW_BATTERY", "UNKNOWN"), LATER),
        },
    ),
}
"""Status of each type of error of the v2.0 API, its codes, and the type of the resolution that each offers."""


def test_the_catalogue_holds_every_documented_code_and_only_two_of_our_own() -> None:
    documented = {
        (kind, code): (status, resolution)
        for kind, (status, codes) in DOCUMENTED.items()
        for code, resolution in codes.items()
    }
    held = {(spec.type, spec.code): (spec.status, spec.resolution) for spec in CATALOGUE.values()}
    ours = {key: held.pop(key) for key in [("SERVER", "OVERLOADED"), ("SERVER", "UNAVAILABLE")]}
    assert held == documented
    assert set(ours.values()) == {(503, LATER)}


def test_every_error_is_raised_somewhere_or_told_to_be_of_simulated_cars_alone() -> None:
    names = {name: spec for name, spec in vars(errors).items() if isinstance(spec, ErrorSpec)}
    used = {
        name
        for app in ("vehicles", "connect", "portal")
        for file in (ROOT / app).rglob("*.py")
        if file.name not in ("simulated_errors.py", "error_reference.py")
        for name in re.findall(r"\berrors\.([A-Z_]+)\b", file.read_text())
    }
    assert {name for name, spec in names.items() if spec in ONLY_SIMULATED} == set(names) - used


def test_every_error_has_a_sentence_and_what_a_person_can_mend_one_for_them() -> None:
    for spec in CATALOGUE.values():
        assert spec.description.endswith(".")
        if spec.type in {"CONNECTED_SERVICES_ACCOUNT", "VEHICLE_STATE", "UPSTREAM", "BILLING"}:
            assert spec.user_message


def test_an_error_shows_its_name_and_nothing_of_the_request() -> None:
    assert str(errors.invalid("pin", "must be four digits")) == "VALIDATION"
