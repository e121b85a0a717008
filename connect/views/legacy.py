"""The edge of the legacy login: the page that takes the callback address, and the way to Tesla's current interface."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.debug import sensitive_post_parameters

from connect.models import ConnectSession, Step
from connect.run import browser, flow, legacy_login
from connect.run.legacy_login import NotTheAddress
from connect.views import pages
from connect.views.current_run import step, to_page
from connect.views.ending import finish_run
from vehicles.models import Integration

ANOTHER_ACCOUNT = "another_account"
"""In the query of the run's page: Tesla's login shall not remember who signed in before."""


def to_login(request: HttpRequest, session: ConnectSession, *, another_account: bool) -> HttpResponse:
    """Begin an attempt to sign in, and show how."""
    legacy_login.refuse_unserved(session)
    legacy_login.begin(session, timezone.now())
    page = reverse("connect:page", args=[session.pk])
    return redirect(f"{page}?{ANOTHER_ACCOUNT}" if another_account else page)


def login_page(
    request: HttpRequest, session: ConnectSession, *, fault: str | Promise = "", status: int = 200
) -> HttpResponse:
    """How to sign in and bring the callback address back."""
    another = ANOTHER_ACCOUNT in request.GET
    return pages.show(
        request,
        "legacy_login",
        session,
        status,
        login_page=legacy_login.login_page(session, another_account=another),
        field=legacy_login.FIELD,
        longest=legacy_login.LONGEST,
        fault=fault,
    )


@sensitive_post_parameters(legacy_login.FIELD)
@step
def callback_address(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Take the address that the person brought from Tesla."""
    if not legacy_login.is_waiting(session):
        return to_page(session)
    pasted = request.POST.get(legacy_login.FIELD, "")
    try:
        legacy_login.complete(session, pasted, browser.secret_of(request), timezone.now())
    except NotTheAddress as refused:
        return login_page(request, session, fault=refused.text, status=422)
    session.refresh_from_db()
    return browser.renewed(request, finish_run(session) if session.connection else to_page(session))


@step
def current_interface(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Go on through Tesla's current interface where the legacy API cannot be used: from the beginning of the run."""
    if legacy_login.hindrance(session):
        flow.move(
            session, Step.PREAMBLE, timezone.now(), integration=Integration.FLEET, tesla_state_checksum=""
        )
    return to_page(session)
