"""A second run goes on from the first: the simulated Tesla forgets when it ends, and is told here what was agreed.

People who had connected sign in again, keys that were added are put back on their cars, and logins that came with the
sample data get back the refresh tokens that they began with.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.conf import settings

from connect.run.tesla_login import CALLBACK_PATH
from portal.demo.simulated_tesla import code_of, sign_in_legacy, tell
from vehicles.diagnosis import Consent, Key
from vehicles.models import Integration, Mode, TeslaAccount, TeslaToken, Vehicle
from vehicles.tesla import paths
from vehicles.tesla.simulator.login.tokens import starting_refresh_token
from vehicles.tesla.simulator.samples.scenarios import DEFAULT, ScenarioPerson
from vehicles.tokens import logins, store

NOT_CONNECTED: Final = (Consent.REVOKED, Consent.SIGN_IN_NEEDED)


def restore_starting_logins() -> None:
    """Give logins that came with sample data the refresh token that a new simulated Tesla knows."""
    sample = TeslaToken.objects.filter(
        account__mode=Mode.SIMULATED, account__email__endswith="@sample.example"
    )
    for row in sample.select_related("account"):
        is_legacy = row.integration == Integration.LEGACY
        token = starting_refresh_token(row.account.sub, row.account.region, uses_legacy_api=is_legacy)
        encrypted = store.encrypt_refresh_token(row.pk, token)
        TeslaToken.objects.filter(pk=row.pk).update(
            refresh_token=encrypted, access_token=b"", previous_refresh_token=b"", expires_at=None
        )


def restore_people(simulator_url: str) -> int:
    """Put back keys, consents and logins of the demo's people; returns how many people are connected again.

    Raises `SimulatorRefused`.
    """
    put_keys_back(simulator_url)
    by_sub = {person.sub: person for person in DEFAULT}
    people = TeslaAccount.objects.filter(sub__in=by_sub)
    fleet = people.filter(tokens__integration=Integration.FLEET).exclude(consent__in=NOT_CONNECTED)
    legacy = people.filter(mode=Mode.LIVE, tokens__integration=Integration.LEGACY, legacy_login_lost_at=None)
    for account in fleet:
        _sign_in_again(simulator_url, account, by_sub[account.sub])
    for account in legacy:
        sign_in_legacy(by_sub[account.sub])
    return len({account.pk for account in (*fleet, *legacy)})


def let_simulator_begin(simulator_url: str) -> None:
    """End the wait of a simulated Tesla that was started to wait for all this: until then it denied nobody anything.

    Raises `SimulatorRefused`.
    """
    tell(simulator_url, "PATCH", "/_sim/provider", {"is_starting": False})


def put_keys_back(simulator_url: str) -> None:
    """Put the operator's key on every car that is known to have it."""
    known = {car.vin for person in DEFAULT for car in person.vehicles}
    for vin in (
        Vehicle.objects.filter(vin__in=known, key=Key.PRESENT).values_list("vin", flat=True).distinct()
    ):
        tell(simulator_url, "POST", f"/_sim/vehicles/{vin}/keys", {"public_key_pem": "operator"})


def _sign_in_again(simulator_url: str, account: TeslaAccount, person: ScenarioPerson) -> None:
    consent = {settings.TESLA_CLIENT_ID: {"scopes": account.granted_scopes}}
    tell(simulator_url, "PATCH", f"/_sim/accounts/{person.email}", {"consents": consent})
    callback = f"{settings.PUBLIC_URL}{CALLBACK_PATH}"
    query = {
        "client_id": settings.TESLA_CLIENT_ID,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": " ".join(account.granted_scopes),
        "state": "second-run",
    }
    code = code_of(f"{simulator_url}{paths.AUTHORIZE}?{urlencode(query)}", person)
    logins.sign_in(mode=account.mode, code=code, redirect_uri=callback)
