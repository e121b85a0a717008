"""After the journeys no secret can be read: in the database, the log, on error pages, in the admin or an answer."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from django.test import Client
from django.utils import timezone

from portal import application_credentials
from tests.factories import UserFactory
from tests.journeys.people import Consumer, Owner
from tests.portal.screens import SCREENS, list_of, page_of
from tests.secret_search import Secrets, database_content, record_answers, record_issued
from tests.vehicles.test_legacy_logins import sign_in_legacy
from vehicles import tasks
from vehicles.models import Application, Event, TeslaToken, User
from vehicles.tesla import paths
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, DIETERS_MODEL_3
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import store

pytestmark = pytest.mark.slow


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Secrets:
    """All that was issued in this test, by Tesla and by us, and what the operator was configured with."""
    made = Secrets()
    made.add(settings.TESLA_CLIENT_SECRET, "the operator's secret at Tesla")
    made.add(settings.SECRET_KEY, "the secret key")
    made.add(settings.VAULT_KEYS[0].partition(":")[2], "a vault key")
    record_issued(monkeypatch, made)
    return made


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    return record_answers(monkeypatch)


@pytest.fixture
def log(caplog: io.StringIO) -> Iterator[io.StringIO]:
    """Everything that is logged with `LOG_LEVEL=DEBUG`, as it is written."""
    caplog.set_level(logging.DEBUG)
    # Tells of every variable that a template did not find.
    caplog.set_level(logging.INFO, logger="django.template")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def walked(
    log: io.StringIO,
    secrets: Secrets,
    answers: dict[str, bytes],
    simulator: SimulatorServer,
    owner: Callable[[str], Owner],
    consumer: Callable[..., Consumer],
    emma: Any,
    settings: Any,
) -> Consumer:
    """Owners connect, applications read and command, tokens are refreshed and refused, Tesla fails, and we do."""
    dieter, anna, application = owner("dieter"), owner("anna"), consumer(name="Nightshift")
    _has_management_token(application, secrets)
    for person, vin in ((anna, ANNAS_MODEL_3), (dieter, DIETERS_MODEL_3)):
        person.connect(application)
        _knows(application, secrets)
        application.lock(vin)
        application.get(vin, "battery")
    sign_in_legacy(simulator, emma)
    _refreshes(application, secrets)
    _tesla_repeats_what_it_was_sent(application, secrets, simulator)
    _logins_are_renewed()
    _the_vault_cannot_be_opened(application)
    dieter.remove_access()
    application.lock(DIETERS_MODEL_3)
    dieter.connect(application, url=application.lock(DIETERS_MODEL_3).cure)
    _knows(application, secrets)
    _nobody_gets_in_with_halves(application)
    return application


def _has_management_token(application: Consumer, secrets: Secrets) -> None:
    row = Application.objects.get(client_id=application.client_id)
    token = application_credentials.new_management_token(row).management_token
    secrets.add(token, "a management token")
    secrets.add(application.client_secret, "an application's secret")
    headers = urllib3.make_headers(basic_auth=f"default:{token}")
    answer = urllib3.request("GET", f"{application.portal_url}/v2.0/management/connections", headers=headers)
    assert answer.status == 200


def _knows(application: Consumer, secrets: Secrets) -> None:
    for name in ("access_token", "refresh_token"):
        secrets.add(application.tokens[name], f"our {name}")


def _refreshes(application: Consumer, secrets: Secrets) -> None:
    """With its refresh token, twice, and then with one that is none."""
    used = application.tokens["refresh_token"]
    for token in (used, used, "nonsense"):
        form = {"grant_type": "refresh_token", "refresh_token": token}
        headers = urllib3.make_headers(basic_auth=f"{application.client_id}:{application.client_secret}")
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = urllib3.request(
            "POST", f"{application.portal_url}/oauth/token", body=urlencode(form), headers=headers
        )
        if answer.status == 200:
            application.tokens = answer.json()
            _knows(application, secrets)


def _tesla_repeats_what_it_was_sent(
    application: Consumer, secrets: Secrets, simulator: SimulatorServer
) -> None:
    """Answers of Tesla's edge that hold the tokens they were asked with."""
    newest = [
        secret for secret, what in secrets.named.items() if what in ("Tesla's rotate", "Tesla's new_family")
    ]
    theirs = " ".join(newest[-3:])
    for status, body in ((500, f"<html>{theirs}</html>"), (400, {"error": theirs}), (403, {"error": theirs})):
        for path in ("/api/1/vehicles", paths.TOKEN):
            simulator.world.faults.add({"match": {"path": path}, "status": status, "body": body})
            _expire()
            assert application.get(DIETERS_MODEL_3, "battery").error.startswith("UPSTREAM")
            _logins_are_renewed()
            simulator.world.faults.clear()
    assert application.get(DIETERS_MODEL_3, "battery").status == 200


def _expire() -> None:
    TeslaToken.objects.update(expires_at=timezone.now())
    store.DECRYPTED.clear()


def _logins_are_renewed() -> None:
    TeslaToken.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.renew_logins()


def _the_vault_cannot_be_opened(application: Consumer) -> None:
    """A row that was tampered with: the API answers that it is our fault."""
    row = TeslaToken.objects.get(account__accesses__vehicle__vin=DIETERS_MODEL_3)
    kept = bytes(row.access_token)
    TeslaToken.objects.filter(pk=row.pk).update(access_token=kept[:-1] + bytes([kept[-1] ^ 1]))
    store.DECRYPTED.clear()
    assert application.get(DIETERS_MODEL_3, "battery").error == "SERVER:INTERNAL"
    TeslaToken.objects.filter(pk=row.pk).update(access_token=kept)


def _nobody_gets_in_with_halves(application: Consumer) -> None:
    """Requests with tokens where they do not belong, or damaged ones."""
    tokens = application.tokens
    for path in ("/nothing", "/v2.0/nothing", "/connect/nothing", "/v2.0/vehicles"):
        urllib3.request(
            "GET",
            f"{application.portal_url}{path}",
            headers={"Authorization": f"Bearer {tokens['access_token'][:-1]}"},
        )
        urllib3.request(
            "GET",
            f"{application.portal_url}{path}",
            headers={"Authorization": f"Bearer {tokens['refresh_token']}"},
        )


def test_nothing_that_was_issued_can_be_read_anywhere(
    walked: Consumer,
    secrets: Secrets,
    answers: dict[str, bytes],
    log: io.StringIO,
) -> None:
    issued = set(secrets.named.values())
    assert {"Tesla's access_token", "Tesla's rotate", "our refresh_token", "a management token"} <= issued
    assert secrets.found_in(database_content()) == set()
    assert log.getvalue()
    assert secrets.found_in(log.getvalue()) == set()
    # The token endpoint gives an application its own tokens, and nobody else's.
    handed_out = {"our access_token", "our refresh_token"}
    for path, content in answers.items():
        assert secrets.found_in(content) - (handed_out if path == "/oauth/token" else set()) == set(), path


def test_no_staff_screen_shows_a_secret(walked: Consumer, secrets: Secrets) -> None:
    staff = Client()
    staff.force_login(UserFactory(is_superuser=True))
    pages = ["/admin/", *(list_of(model) for model in SCREENS)]
    pages += [page_of(row) for model in SCREENS for row in model._default_manager.all()[:50]]
    pages += [page_of(row) for row in User.objects.filter(is_person=False)]
    for page in pages:
        shown = staff.get(page)
        assert shown.status_code == 200, page
        assert secrets.found_in(shown.content) == set(), page
    assert secrets.found_in(str(list(Event.objects.values()))) == set()


def test_a_page_that_breaks_shows_and_logs_no_secret(
    log: io.StringIO,
    secrets: Secrets,
    owner: Callable[[str], Owner],
    consumer: Callable[..., Consumer],
    settings: Any,
) -> None:
    settings.VAULT_KEYS = []
    application, anna = consumer(), owner("anna")
    anna.to_permissions(application)
    assert anna.browser.status == 500
    assert secrets.found_in(anna.browser.text) == set()
    assert "Traceback" in log.getvalue()
    assert secrets.found_in(log.getvalue()) == set()


def test_the_search_finds_what_it_looks_for(secrets: Secrets) -> None:
    secrets.add("head.payload.signature-of-a-token", "a token")
    for text in ("x head.payload.signature-of-a-token y", "only signature-of-a-token"):
        assert secrets.found_in(text)
    assert secrets.found_in(b"head.payload.signature-of-a-token".hex()) == {
        "a token",
        "a token's signature",
    }
    assert secrets.found_in("nothing") == set()
