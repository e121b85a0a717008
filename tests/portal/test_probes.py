"""Probes are answered under whatever name they come, and in the clear."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.0.0.7", "10.0.0.7:8000", "[::1]", "anything.internal", "no_name"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_answered_under_whatever_name_they_come(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 200
    assert client.head(path, headers={"Host": host}).status_code == 200
    assert client.post(path, headers={"Host": host}).status_code == 405


@pytest.mark.django_db
def test_probes_are_not_sent_on_to_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
