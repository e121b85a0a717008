"""Pages of a run: what each template is given."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from connect.authorize import authorization_response
from connect.authorize.parameters import InvalidRequest
from connect.keys import key_page
from connect.keys.key_page import KeyPage
from connect.keys.qr import qr_code
from connect.links import key_links, owner_link
from connect.links.owner_link import OwnerLink
from connect.models import ConnectSession
from connect.problems import fault_pages, support_codes
from connect.problems.catalogue import Problem
from connect.run import consent, key_queue, opening, tesla_login
from connect.run.consent import Offer
from connect.run.forms import ApprovalForm
from connect.run.removal import Guide
from vehicles.facts import MOST_KEYS
from vehicles.models import Application, Integration
from vehicles.origins import third_party_apps_page
from vehicles.permissions import PERMISSIONS


def show(
    request: HttpRequest, template: str, session: ConnectSession | None, status: int = 200, **more: Any
) -> HttpResponse:
    """One of Connect's pages, in the look of the run's application. A run that nobody pressed in travels in its forms,
    and shows no code, for staff would not find it.
    """
    application = session.application if session else None
    is_kept = session is not None and not session._state.adding
    context = {
        "session": session,
        "application": application,
        "support_code": support_codes.shown(session.support_code) if session and is_kept else "",
        "opening": opening.word(session) if session and not is_kept else "",
        **more,
    }
    return render(request, f"connect/{template}.html", context, status=status)


def problem(
    request: HttpRequest, found: Problem, session: ConnectSession | None = None, *, again: str = ""
) -> HttpResponse:
    """The page for what stops a run, with the way on and the way back where there is one.

    `again` is the address where something that is no run begins.
    """
    if session is None:
        code = _fault_code(request, found.title)
        return show(request, "problem", None, found.status, problem=found, again=again, support_code=code)
    cars = consent.cars_to_tell(session) if found.may_name_car else []
    more = {"problem": found, "cars": cars, "home": authorization_response.home_url(session)}
    if session._state.adding:
        more["support_code"] = _fault_code(request, found.title, session.application)
    return show(request, "problem", session, found.status, **more)


def invalid_request(request: HttpRequest, fault: InvalidRequest) -> HttpResponse:
    """The page for a request that the application got wrong; leads back only where the address was in order."""
    application = fault.application
    sent = fault.sent if fault.of == fault.parameter else fault.parameter
    reason = f"The link is not in order: {fault.of}"
    code = _fault_code(request, reason, application, sent=sent)
    return show(
        request, "invalid_request", None, 400, fault=fault, application=application, support_code=code
    )


def _fault_code(
    request: HttpRequest, reason: str | Promise, application: Application | None = None, *, sent: str = ""
) -> str:
    return support_codes.shown(fault_pages.note(request, reason, timezone.now(), application, sent=sent))


def preamble(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """What the application will ask for, before anything is asked of the person."""
    by_make = "reauthenticate_make" if session.moves_grants else "preamble"
    template = "reauthenticate" if session.connection else by_make
    asked = [PERMISSIONS[name] for name in session.requested]
    return show(
        request,
        template,
        session,
        seeing=[item for item in asked if not item.name.startswith("control_")],
        doing=[item for item in asked if item.name.startswith("control_")],
        tesla_labels=[] if session.integration == Integration.LEGACY else tesla_login.tesla_labels(asked),
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
        **_cure(session, offer),
    )


def move(request: HttpRequest, session: ConnectSession, offer: Offer, status: int = 200) -> HttpResponse:
    """What a reauthentication by make changes, or why that is not possible yet."""
    template = "move" if offer.can_be_approved else "missing_permissions"
    return show(request, template, session, status, offer=offer, **_cure(session, offer))


def removal_guide(request: HttpRequest, session: ConnectSession, guide: Guide) -> HttpResponse:
    """How to remove access at Tesla, step by step, and what is seen of it."""
    asked = [PERMISSIONS[name] for name in session.requested]
    return show(request, "removal", session, guide=guide, tesla_labels=tesla_login.tesla_labels(asked))


def _cure(session: ConnectSession, offer: Offer) -> dict[str, Any]:
    return {
        "account_hint": key_page.masked(session.account.email if session.account else ""),
        "tesla_labels": tesla_login.tesla_labels(offer.missing),
    }


def key(request: HttpRequest, session: ConnectSession, page: KeyPage) -> HttpResponse:
    """One car's key page in a run."""
    return show(
        request,
        "key",
        session,
        page=page,
        queue=key_queue.queue_of(session, page.vehicle),
        total=len(session.key_queue),
        may_skip=key_queue.may_skip(session),
        **_for_the_owner(session, page),
        **_shared(session, page),
    )


def shared_key(request: HttpRequest, session: ConnectSession, page: KeyPage) -> HttpResponse:
    """One car's key page on another device, without any button of the run."""
    given = {**_for_the_owner(session, page), **_shared(session, page)}
    return show(request, "shared_key", session, page=page, **given)


def _for_the_owner(session: ConnectSession, page: KeyPage) -> dict[str, Any]:
    grant = owner_link.grant_of(session, page.vehicle)
    address = owner_link.address(grant, session.created_at) if grant else ""
    return {"owner_link": address, "owner_qr": "" if page.is_owner else qr_code(address)}


def _shared(session: ConnectSession, page: KeyPage) -> dict[str, Any]:
    token = key_links.token(session, page.vehicle)
    return {
        "state_url": reverse("connect:key_state", args=[token]),
        "key_link": _address("connect:shared_key", token),
        "most_keys": MOST_KEYS,
    }


def owner(
    request: HttpRequest, link: OwnerLink, page: KeyPage | None, *, problem: Problem | None = None
) -> HttpResponse:
    """The page behind an owner's link; `page` once the owner signed in.

    Its code is that of the driver's run. Where there was none, a page that tells of a problem gets its own.
    """
    code = support_codes.shown(link.support_code)
    if problem and not code:
        code = _fault_code(request, problem.title, link.application)
    return show(
        request,
        "owner",
        None,
        problem.status if problem else 200,
        application=link.application,
        support_code=code,
        mode=link.grant.mode,
        link=link,
        page=page,
        problem=problem,
        tesla_labels=tesla_login.tesla_labels([]),
        state_url=reverse("connect:owner_key_state", args=[link.token]),
        key_link=_address("connect:owner", link.token),
        third_party_apps=third_party_apps_page(link.grant.mode),
        most_keys=MOST_KEYS,
    )


def _address(name: str, token: str) -> str:
    """The whole address, to be copied and passed on."""
    return str(settings.PUBLIC_URL) + reverse(name, args=[token])
