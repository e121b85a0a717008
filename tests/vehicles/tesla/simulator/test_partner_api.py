"""Registering an application with a region."""

from __future__ import annotations

import pytest

from tests.vehicles.tesla.simulator.visitors import Application, Control, claims, error
from vehicles.tesla import paths
from vehicles.tesla.signing.keys import PrivateKey
from vehicles.tesla.simulator.account.accounts import Client


@pytest.fixture
def partner(application: Application, client: Client) -> Application:
    application.tokens = application.token_call(fields(client)).json()
    return application


def fields(client: Client, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret or "",
        "audience": paths.FLEET_API_HOSTS["eu"],
        "scope": "openid vehicle_device_data",
    } | changes


def test_a_partner_token_is_the_applications_own(partner: Application, client: Client) -> None:
    said = claims(partner.tokens["access_token"])
    assert (said["sub"], said["scp"]) == (client.client_id, ["openid", "vehicle_device_data"])
    assert "refresh_token" not in partner.tokens


def test_a_partner_token_needs_the_secret(application: Application, client: Client) -> None:
    answer = application.token_call(fields(client, client_secret="wrong"))
    assert (answer.status, answer.json()["error"]) == (400, "unauthorized_client")


def test_registering_in_a_region_ends_its_refusals(
    partner: Application, control: Control, client: Client, operators_key: PrivateKey
) -> None:
    control("PATCH", "/provider", {"registered_regions": []})
    asked = f"{paths.PARTNER_PUBLIC_KEY}?domain={client.key_domain}"
    status, text = error(partner.call("GET", asked))
    assert status == 412 and paths.FLEET_API_HOSTS["eu"] in text
    answer = partner.call("POST", paths.PARTNER_ACCOUNTS, {"domain": client.key_domain}).json()["response"]
    assert (answer["client_id"], answer["public_key"]) == (client.client_id, operators_key.public_key.hex())
    assert partner.call("GET", asked).json()["response"]["public_key"].startswith("04")
    assert control("PATCH", "/provider", {})["registered_regions"] == ["eu"]


def test_another_domain_cannot_be_registered(partner: Application) -> None:
    assert partner.call("POST", paths.PARTNER_ACCOUNTS, {"domain": "other.example"}).status == 422


def test_a_domain_without_a_key_cannot_be_registered(partner: Application, client: Client) -> None:
    client.public_key_pem = None
    assert partner.call("POST", paths.PARTNER_ACCOUNTS, {"domain": client.key_domain}).status == 424


def test_users_and_partners_cannot_take_each_others_place(partner: Application, client: Client) -> None:
    assert partner.call("GET", paths.VEHICLES).status == 403
    partner.connect("anna@owners.example")
    answer = partner.call("POST", paths.PARTNER_ACCOUNTS, {"domain": client.key_domain})
    assert answer.status == 403
