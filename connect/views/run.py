"""The edge of Connect: one view per step. GET shows where the run stands, POST moves it and redirects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from connect.authorize import authorization_request, authorization_response, reauthentication
from connect.authorize.authorization_request import AuthorizationRequest
from connect.authorize.parameters import InvalidRequest
from connect.models import ConnectSession, Step
from connect.problems import catalogue
from connect.run import (
    address_limits,
    browser,
    consent,
    flow,
    funnel,
    key_queue,
    legacy_login,
    pending_login,
    resuming,
    tesla_login,
)
from connect.run.forms import ApprovalForm
from connect.run.pending_login import Purpose
from connect.run.tesla_login import Return
from connect.views import legacy, move, owner, pages, person, theme
from connect.views.current_run import RunView, of_run, shows_problems, step, to_page
from connect.views.ending import after_approval, finish_run
from connect.views.popup import keeps_opener
from vehicles.models import Integration


@keeps_opener
@never_cache
@require_safe
def authorize(request: HttpRequest) -> HttpResponse:
    """Where applications send people: check the request, and show what it asks for. The first press begins the run."""
    return _begin_run(request, authorization_request.parse_request)


@keeps_opener
@never_cache
@require_safe
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Where applications send people to sign in at Tesla again: for one car, or to move what they allowed."""
    return _begin_run(request, reauthentication.parse_request)


def _begin_run(request: HttpRequest, read: Callable[[str], AuthorizationRequest]) -> HttpResponse:
    try:
        asked = read(request.META.get("QUERY_STRING", ""))
    except InvalidRequest as fault:
        return pages.invalid_request(request, fault)
    secret, now = browser.secret_of(request) or browser.new_secret(), timezone.now()
    if earlier := flow.unfinished(asked, secret, now):
        return pages.show(request, "go_on", earlier, word=resuming.request_word(earlier, asked))
    session = flow.run_of_same_request(asked, secret, now) or flow.new_run(asked, secret, now)
    if session._state.adding and request.method == "GET" and not _comes_from_us(request):
        funnel.count_arrival(session, now)
    response = _first_page(request, session)
    browser.remember(response, secret)
    return response


def _comes_from_us(request: HttpRequest) -> bool:
    """Whether the person has seen the page before, and chose another language there."""
    return request.headers.get("Referer", "").startswith(f"{settings.PUBLIC_URL}/")


@shows_problems()
def _first_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    flow.refuse_incompatible(session)
    legacy_login.refuse_unserved(session)
    return pages.preamble(request, session)


@of_run
def go_on(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Go on with an unfinished run, which then answers the request that led back to it."""
    drawn = resuming.drawn_in(session, request.POST.get("request", ""))
    if request.method == "POST" and drawn is not None:
        flow.answer_to(session, drawn, timezone.now())
    return to_page(session)


@of_run
def start_again(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Leave a run that is unfinished or expired for a fresh one that asks the same."""
    now = timezone.now()
    if request.method != "POST" or (session.ended_at and not flow.has_expired(session, now)):
        return to_page(session)
    drawn = resuming.drawn_in(session, request.POST.get("request", ""))
    address_limits.count(request.META.get("REMOTE_ADDR", ""), now)
    return to_page(flow.start_again(session, browser.secret_of(request), now, drawn or {}))


@of_run
def page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """The page of the step where the run stands."""
    flow.refuse_expired(session, timezone.now())
    flow.refuse_erased(session)
    if session.ended_at is None:
        flow.refuse_incompatible(session)
    legacy_login.refuse_unserved(session)
    return PAGES[Step(session.step)](request, session)


def _brand_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    return pages.show(request, "brand", session)


def _tesla_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    if legacy_login.is_waiting(session):
        return legacy.login_page(request, session)
    return pages.show(request, "tesla", session)


def _permissions_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    if session.connection:
        return pages.show(request, "finish", session)
    if session.moves_grants:
        return move.permissions_page(request, session)
    now = timezone.now()
    offer = consent.offer(session, now)
    if session.asked_in_vain and not offer.can_be_approved:
        return redirect("connect:removal", session.pk)
    earlier = consent.approved_before(session, offer)
    if earlier is not None:
        everything = [str(access.vehicle_id) for access in offer.accesses]
        consent.approve(session, offer, everything, earlier, now)
        return after_approval(session)
    return pages.permissions(
        request, session, offer, ApprovalForm(offer, single_select=session.single_select)
    )


def _key_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    current = key_queue.current_page(session, timezone.now())
    if current is None:
        return pages.show(request, "finish", session)
    return pages.key(request, session, current)


def _done_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    if session.moves_grants and session.step == Step.DONE:
        return pages.show(request, "moved", session, home=authorization_response.home_url(session))
    if flow.may_repeat(session, timezone.now()):
        return pages.show(request, "finish", session)
    return pages.problem(request, catalogue.ENDED, session)


PAGES: Final[dict[Step, RunView]] = {
    Step.PREAMBLE: pages.preamble,
    Step.BRAND: _brand_page,
    Step.TESLA: _tesla_page,
    Step.PERMISSIONS: _permissions_page,
    Step.KEYS: _key_page,
    Step.DONE: _done_page,
    Step.ENDED: _done_page,
}


@step
def begin(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Leave the preamble: to the brand list, or to Tesla where the make was named."""
    if flow.needs_brand_list(session):
        if session.step == Step.PREAMBLE:
            flow.move(session, Step.BRAND, timezone.now())
        return to_page(session)
    return _to_tesla(request, session)


@step
def sign_in(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """To Tesla's login, the first time or once more."""
    return _to_tesla(request, session)


@step
def another_account(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """To Tesla's login, which shall not remember who signed in before."""
    return _to_tesla(request, session, another_account=True)


def _to_tesla(
    request: HttpRequest, session: ConnectSession, *, another_account: bool = False
) -> HttpResponse:
    flow.refuse_incompatible(session)
    if session.integration == Integration.LEGACY:
        return legacy.to_login(request, session, another_account=another_account)
    address = tesla_login.begin(session, timezone.now(), another_account=another_account)
    return HttpResponseRedirect(address) if address else to_page(session)


@keeps_opener
@never_cache
@require_safe
@shows_problems()
def callback(request: HttpRequest) -> HttpResponse:
    """Where Tesla sends people back: in a run, from an owner's link, or to their own page."""
    sent_back = Return(
        code=request.GET.get("code", ""),
        error=request.GET.get("error", ""),
        state=request.GET.get("state", ""),
    )
    pending = pending_login.returning(sent_back.state, browser.secret_of(request), timezone.now())
    return _RETURNED[pending.purpose](request, pending.row, sent_back)


@shows_problems()
def _returned_to_run(request: HttpRequest, session: ConnectSession, sent_back: Return) -> HttpResponse:
    tesla_login.complete(session, sent_back, timezone.now())
    return browser.renewed(request, finish_run(session) if session.connection else to_page(session))


_RETURNED: Final[dict[Purpose, Callable[[HttpRequest, Any, Return], HttpResponse]]] = {
    Purpose.RUN: _returned_to_run,
    Purpose.OWNER_LINK: owner.returned,
    Purpose.OWN_PAGE: person.returned,
}


@step
def approve(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Give the application what stands ticked."""
    if session.step != Step.PERMISSIONS:
        return to_page(session)
    legacy_login.refuse_unserved(session)
    if session.moves_grants:
        return move.approve(request, session)
    now = timezone.now()
    offer = consent.offer(session, now)
    form = ApprovalForm(offer, single_select=session.single_select, data=request.POST)
    if not offer.can_be_approved or not form.is_valid():
        return pages.permissions(request, session, offer, form, status=422)
    chosen = form.cleaned_data
    consent.approve(session, offer, chosen["vehicles"], chosen["permissions"], now)
    return after_approval(session)


@cache_control(public=True, max_age=86400)
@require_safe
def colour(request: HttpRequest, colour: str) -> HttpResponse:
    """The stylesheet of an application's colour."""
    return HttpResponse(theme.stylesheet(colour), content_type="text/css; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that did not come from our own page in this browser (`CSRF_FAILURE_VIEW`)."""
    return pages.problem(request, catalogue.FOREIGN_FORM)
