"""What must not run in front of owners is refused, with a hint that says what to set."""

from __future__ import annotations

from typing import Any

import pytest

from portal.checks import check_deployment

SAFE = {
    "PUBLIC_URL": "https://carport.example",
    "VAULT_KEYS": ["one:key"],
    "TESLA_CLIENT_ID": "id",
    "TESLA_CLIENT_SECRET": "secret",
    "TESLA_KEY_FILE": "key.pem",
    "STAFF_SECOND_FACTOR": False,
    "SUPPORT_CONTACT": "help@carport.example",
    "PRIVACY_URL": "https://carport.example/privacy",
    "SIMULATOR_URL": "",
}


def found(settings: Any, **changes: Any) -> list[str]:
    for name, value in (SAFE | changes).items():
        setattr(settings, name, value)
    return [str(message.id) for message in check_deployment(None)]


def test_safe_settings_are_let_through(settings: Any) -> None:
    assert found(settings) == []


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"PUBLIC_URL": "http://carport.example"}, "carport.E001"),
        ({"VAULT_KEYS": []}, "carport.E002"),
        ({"TESLA_CLIENT_SECRET": ""}, "carport.E003"),
        ({"TESLA_KEY_FILE": ""}, "carport.E004"),
        ({"STAFF_SECOND_FACTOR": True}, "carport.E005"),
        ({"PRIVACY_URL": ""}, "carport.W001"),
        ({"SIMULATOR_URL": "http://127.0.0.1:8001"}, "carport.W002"),
    ],
)
def test_each_unsafe_setting_has_its_number(settings: Any, changes: dict[str, Any], number: str) -> None:
    assert found(settings, **changes) == [number]
