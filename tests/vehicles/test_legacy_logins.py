"""Logins to the legacy API: beside the Fleet login of the same account, and never one in place of the other."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from vehicles import sync
from vehicles.errors import CatalogueError
from vehicles.models import Integration, Mode, TeslaAccount, TeslaToken
from vehicles.tesla import auth, client, paths
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import logins, store
from vehicles.upstream import account_call

VERIFIER = "v" * 64


def legacy_code(simulator: SimulatorServer, person: ScenarioPerson, client_id: str = "ownerapi") -> str:
    """The code of a login that was begun with `VERIFIER`."""
    world = simulator.world
    account = world.account(person.email)
    assert account
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {"redirect_uri": paths.OWNER_API_CALLBACK, "code_challenge": challenge}
    return world.tokens.new_code(world.clients[client_id], account, ("openid", "offline_access"), query)


def sign_in_legacy(
    simulator: SimulatorServer, person: ScenarioPerson, verifier: str = VERIFIER
) -> TeslaAccount:
    code = legacy_code(simulator, person)
    account = logins.sign_in_legacy(mode=Mode.LIVE, code=code, code_verifier=verifier)
    sync.learn_email(account, Integration.LEGACY)
    return account


def issuer_of(row: TeslaToken) -> str:
    stored = store.load(row.account, row.integration)
    assert stored
    return auth.read_claims(stored.access_token).made_for


@pytest.mark.django_db
def test_both_logins_of_one_person_are_one_account_with_two_rows_of_tokens(
    simulator: SimulatorServer, sign_in: Any, emma: ScenarioPerson, settings: Any
) -> None:
    legacy, fleet = sign_in_legacy(simulator, emma), sign_in(emma)
    assert legacy == fleet
    kinds = {row.integration: issuer_of(row) for row in TeslaToken.objects.filter(account=fleet)}
    assert kinds == {"legacy": "ownerapi", "fleet": settings.TESLA_CLIENT_ID}
    assert legacy.email == emma.email


@pytest.mark.django_db
def test_each_is_refreshed_as_what_it_is(
    simulator: SimulatorServer, sign_in: Any, emma: ScenarioPerson, settings: Any
) -> None:
    account = sign_in_legacy(simulator, emma)
    sign_in(emma)
    for integration, made_for in (
        (Integration.LEGACY, "ownerapi"),
        (Integration.FLEET, settings.TESLA_CLIENT_ID),
    ):
        account_call.renew_login(account, integration)
        assert issuer_of(TeslaToken.objects.get(account=account, integration=integration)) == made_for
    assert account_call.call(account, Integration.LEGACY, client.products)


@pytest.mark.django_db
def test_a_legacy_refresh_goes_where_browsers_sign_in(
    simulator: SimulatorServer, emma: ScenarioPerson, settings: Any
) -> None:
    account = sign_in_legacy(simulator, emma)
    settings.TESLA_TOKEN_URL = "http://127.0.0.1:9"
    account_call.renew_login(account, Integration.LEGACY)


@pytest.mark.django_db
def test_tokens_of_the_other_interface_are_refused_wherever_they_come_from(
    simulator: SimulatorServer, sign_in: Any, emma: ScenarioPerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = sign_in_legacy(simulator, emma)
    world = simulator.world
    operator, person = world.operator, world.account(emma.email)
    assert operator and person
    foreign = auth.Tokens(world.tokens.access_token(operator, person, ("openid",)), "EU_x", 28_800)
    kept = store.load(account, Integration.LEGACY)
    monkeypatch.setattr(auth, "exchange_owner_api_code", lambda *_, **__: foreign)
    monkeypatch.setattr(auth, "refresh", lambda *_, **__: foreign)
    with pytest.raises(CatalogueError):
        logins.sign_in_legacy(mode=Mode.LIVE, code="pasted", code_verifier=VERIFIER)
    with pytest.raises(CatalogueError):
        account_call.renew_login(account, Integration.LEGACY)
    still = store.load(account, Integration.LEGACY)
    assert kept and still and replace(still, lease_until=None) == kept
    assert not TeslaToken.objects.filter(integration=Integration.FLEET).exists()


@pytest.mark.django_db
def test_a_code_is_worth_nothing_without_its_verifier(
    simulator: SimulatorServer, emma: ScenarioPerson
) -> None:
    with pytest.raises(CatalogueError, match="AUTHENTICATION_FAILED"):
        sign_in_legacy(simulator, emma, verifier="w" * 64)
    assert not TeslaAccount.objects.exists()
