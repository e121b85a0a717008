"""Staff screens keep nobody out: axe looks them over, on a desktop and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.contrib import admin
from playwright.sync_api import Browser, Page

from connect.models import ConnectSession, FixLink
from tests.connect.browsing import listening, opened, shoot
from tests.factories import (
    ConnectSessionFactory,
    FixLinkFactory,
    IncidentFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.portal.conftest import SignedIn
from tests.portal.screens import list_of, page_of
from vehicles import facts
from vehicles.models import Incident, Vehicle, VehicleGrant

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=["desktop-light", pytest.param("phone-dark", marks=pytest.mark.slow)])
def staff(
    request: pytest.FixtureRequest, browser: Browser, live_server: Any, signed_in: SignedIn, settings: Any
) -> Iterator[Page]:
    """Somebody who may see every screen."""
    size, _, scheme = request.param.partition("-")
    page = opened(browser, size, color_scheme=scheme, base_url=live_server.url)
    session = signed_in("admin").cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    yield from listening(page, f"staff-{request.param}")
    page.context.close()


def test_no_screen_keeps_anybody_out(staff: Page, now: datetime) -> None:
    vehicle = VehicleFactory(key="absent")
    grant = VehicleGrantFactory(vehicle=vehicle, account=TeslaAccountFactory(consent="revoked"))
    VehicleGrantFactory(vehicle=VehicleFactory(key="present"), approved=["read_vin"])
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    link, _run, _incident = FixLinkFactory(), ConnectSessionFactory(), IncidentFactory()
    screens = {
        "home": "/admin/",
        "vehicles": list_of(Vehicle),
        "vehicle": page_of(vehicle),
        "grants": list_of(VehicleGrant),
        "grant": page_of(grant),
        "runs": list_of(ConnectSession),
        "funnel": f"{list_of(ConnectSession)}funnel/",
        "fix-links": list_of(FixLink),
        "fix-link": page_of(link),
        "incidents": list_of(Incident),
        "front-page": "/",
        "errors": "/docs/errors/",
        "error": "/docs/errors/connected-services-account/virtual-key-required/",
        **{model.__name__.lower(): list_of(model) for model in admin.site._registry},
    }
    for name, address in screens.items():
        answer = staff.goto(address)
        assert answer is not None and answer.status == 200, name
        shoot(staff, name)
