"""Pages of a run: what each template is given."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe

from connect import flow, keys, tesla_login
from connect.authorize import InvalidRequest
from connect.consent import Offer
from connect.forms import ApprovalForm
from connect.models import ConnectSession, Step
from connect.problems import Problem
from vehicles.facts import MOST_KEYS
from vehicles.origins import third_party_apps_page
from vehicles.permissions import PERMISSIONS

_GUIDE_AFTER: Final = 2
"""From this many returns from Tesla on, the short way has failed and the guide stands open."""


def show(
    request: HttpRequest, template: str, session: ConnectSession | None, status: int = 200, **more: Any
) -> HttpResponse:
    """One of Connect's pages, in the look of the run's application."""
    application = session.application if session else None
    context = {"session": session, "application": application, **more}
    return render(request, f"connect/{template}.html", context, status=status)


def problem(request: HttpRequest, found: Problem, session: ConnectSession | None = None) -> HttpResponse:
    """The page for what stops a run, with the way on and the way back where there is one."""
    return show(request, "problem", session, found.status, problem=found)


def invalid_request(request: HttpRequest, fault: InvalidRequest) -> HttpResponse:
    """The page for a request that the application got wrong. Never leads anywhere: no address in it was checked."""
    return show(request, "invalid_request", None, 400, fault=fault)


def preamble(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """What the application will ask for, before anything is asked of the person."""
    template = "reauthenticate" if session.connection else "preamble"
    asked = [PERMISSIONS[name] for name in session.requested]
    return show(
        request,
        template,
        session,
        seeing=[item for item in asked if not item.name.startswith("control_")],
        doing=[item for item in asked if item.name.startswith("control_")],
        tesla_labels=tesla_login.tesla_labels(asked),
    )


def permissions(
    request: HttpRequest, session: ConnectSession, offer: Offer, form: ApprovalForm, status: int = 200
) -> HttpResponse:
    """Cars and permissions to approve, or why that is not possible yet."""
    return show(
        request,
        "permissions" if offer.can_be_approved else "missing_permissions",
        session,
        status,
        offer=offer,
        form=form,
        account_hint=keys.masked(session.account.email if session.account else ""),
        tesla_labels=tesla_login.tesla_labels(offer.missing),
        third_party_apps=third_party_apps_page(session.mode),
        guide_open=flow.visits(session, Step.PERMISSIONS) >= _GUIDE_AFTER,
    )


def key(
    request: HttpRequest, session: ConnectSession, page: keys.KeyPage, *, shared: bool = False
) -> HttpResponse:
    """One car's key page; `shared` is the one that another device may open, without any button."""
    return show(
        request,
        "shared_key" if shared else "key",
        session,
        page=page,
        token=keys.shared_token(session, page.vehicle),
        most_keys=MOST_KEYS,
        slots_full=(page.vehicle.total_keys or 0) >= MOST_KEYS,
        # Drawn here from an address of ours that holds no markup.
        qr_code=mark_safe(keys.qr_code(page.pairing_link)),  # noqa: S308
    )
