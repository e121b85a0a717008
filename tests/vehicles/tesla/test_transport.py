"""What refuses a call may repeat what it was sent; no token is told on."""

from __future__ import annotations

import pytest

from vehicles.tesla.transport import without_secrets


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("login_required Login required", "login_required Login required"),
        ("user out of region, use base URL: https://fleet-api.prd.eu.vn.cloud.tesla.com",) * 2,
        ("bad token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl!", "bad token [hidden]!"),
        ("EU_0123456789abcdef0123456789abcdef is no code", "[hidden] is no code"),
        ("secret-of-the-operator does not match", "[hidden] does not match"),
    ],
)
def test_no_token_or_secret_is_told_on(text: str, told: str) -> None:
    assert without_secrets(text, ["", "secret-of-the-operator"]) == told
