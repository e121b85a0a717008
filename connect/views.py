"""The edge of Connect: one view per step. GET shows where the run stands, POST moves it and redirects."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_GET

from connect import authorize as authorize_request
from connect import (
    browser,
    consent,
    exits,
    flow,
    keys,
    oauth,
    pages,
    problems,
    reauthentication,
    tesla_login,
    theme,
)
from connect.authorize import AuthorizeRequest, InvalidRequest
from connect.forms import ApprovalForm
from connect.models import ConnectSession, Step
from connect.problems import ConnectProblem
from vehicles.errors import CatalogueError

RunView = Callable[[HttpRequest, ConnectSession], HttpResponse]


def _shows_problems(
    request: HttpRequest, session: ConnectSession | None, act: Callable[[], HttpResponse]
) -> HttpResponse:
    try:
        return act()
    except ConnectProblem as stopped:
        return pages.problem(request, stopped.problem, session)
    except CatalogueError as failure:
        found = problems.OF_SIGN_IN.get(failure.spec.name, problems.TESLA_UNREACHABLE)
        return pages.problem(request, found, session)


def of_run(view: RunView) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Give the view the run in the address, for the browser that began it; problems become pages."""

    @never_cache
    @functools.wraps(view)
    def run_view(request: HttpRequest, session_id: UUID) -> HttpResponse:
        def resume() -> ConnectSession:
            return flow.resume(session_id, browser.secret_of(request))

        try:
            session = resume()
        except ConnectProblem as stopped:
            return pages.problem(request, stopped.problem)
        return _shows_problems(request, session, lambda: view(request, session))

    return run_view


def step(view: RunView) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Like `of_run`, for a form of a run that has not expired; anything but POST leads back to the page."""

    @functools.wraps(view)
    def act(request: HttpRequest, session: ConnectSession) -> HttpResponse:
        if request.method != "POST":
            return _to_page(session)
        flow.refuse_expired(session, timezone.now())
        return view(request, session)

    return of_run(act)


def _to_page(session: ConnectSession) -> HttpResponse:
    return redirect("connect:page", session.pk)


@never_cache
@require_GET
def authorize(request: HttpRequest) -> HttpResponse:
    """Where applications send people: check the request, begin a run, go to its page."""
    return _begin_run(request, authorize_request.read)


@never_cache
@require_GET
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Where applications send people whose login at Tesla no longer works, for one car."""
    return _begin_run(request, reauthentication.read)


def _begin_run(request: HttpRequest, read: Callable[[str], AuthorizeRequest]) -> HttpResponse:
    try:
        asked = read(request.META.get("QUERY_STRING", ""))
    except InvalidRequest as fault:
        return pages.invalid_request(request, fault)
    secret = browser.secret_of(request) or browser.new_secret()
    response = _to_page(flow.begin(asked, secret, timezone.now()))
    browser.remember(response, secret)
    return response


@of_run
def page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """The page of the step where the run stands."""
    flow.refuse_expired(session, timezone.now())
    if not flow.serves_make(session) and session.ended_at is None:
        raise ConnectProblem(problems.OTHER_MAKE)
    return PAGES[Step(session.step)](request, session)


def _brand_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    return pages.show(request, "brand", session)


def _tesla_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    return pages.show(request, "tesla", session)


def _permissions_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    if session.connection:
        return pages.show(request, "finish", session)
    now = timezone.now()
    offer = consent.offer(session, now)
    earlier = consent.approved_before(session, offer)
    if earlier is not None:
        everything = [str(access.vehicle_id) for access in offer.accesses]
        consent.approve(session, offer, everything, earlier, now)
        return _after_approval(session)
    return pages.permissions(
        request, session, offer, ApprovalForm(offer, single_select=session.single_select)
    )


def _key_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    current = keys.current_page(session, timezone.now())
    if current is None:
        return pages.show(request, "finish", session)
    return pages.key(request, session, current)


def _done_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    if flow.may_repeat(session, timezone.now()):
        return pages.show(request, "finish", session)
    return pages.problem(request, problems.ENDED, session)


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
        return _to_page(session)
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
    if not flow.serves_make(session):
        raise ConnectProblem(problems.OTHER_MAKE)
    secret = browser.secret_of(request)
    address = tesla_login.begin(session, secret, timezone.now(), another_account=another_account)
    return HttpResponseRedirect(address) if address else _to_page(session)


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Where Tesla sends people back."""
    secret, state = browser.secret_of(request), request.GET.get("state", "")
    try:
        session = tesla_login.returning(state, secret, timezone.now())
    except ConnectProblem as stopped:
        return pages.problem(request, stopped.problem)

    def finish_login() -> HttpResponse:
        tesla_login.complete(
            session,
            code=request.GET.get("code", ""),
            error=request.GET.get("error", ""),
            state=state,
            browser_secret=secret,
            now=timezone.now(),
        )
        return _finish(session) if session.connection else _to_page(session)

    return _shows_problems(request, session, finish_login)


@step
def approve(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Give the application what stands ticked."""
    if session.step != Step.PERMISSIONS:
        return _to_page(session)
    now = timezone.now()
    offer = consent.offer(session, now)
    form = ApprovalForm(offer, single_select=session.single_select, data=request.POST)
    if not offer.can_be_approved or not form.is_valid():
        return pages.permissions(request, session, offer, form, status=422)
    chosen = form.cleaned_data
    consent.approve(session, offer, chosen["vehicles"], chosen["permissions"], now)
    return _after_approval(session)


def _after_approval(session: ConnectSession) -> HttpResponse:
    if session.step == Step.KEYS and not session.key_queue:
        return _finish(session)
    return _to_page(session)


@step
def leave_key(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Go on from a car that has the key."""
    return _leave_key(request, session, skip=False)


@step
def skip_key(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Go on from a car whose key is added later."""
    return _leave_key(request, session, skip=True)


def _leave_key(request: HttpRequest, session: ConnectSession, *, skip: bool) -> HttpResponse:
    now = timezone.now()
    current = keys.current_page(session, now) if session.step == Step.KEYS else None
    # A form that was sent twice must not carry off the next car as well.
    if current is None or request.POST.get("vehicle") != str(current.vehicle.pk):
        return _to_page(session)
    keys.leave(session, current, now, skip=skip)
    return _to_page(session) if keys.is_waiting(session) else _finish(session)


@step
def finish(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Back to the application with a code, once nothing is left to do."""
    ready = (Step.PERMISSIONS,) if session.connection else (Step.KEYS,)
    if session.step not in (*ready, Step.DONE) or keys.is_waiting(session):
        return _to_page(session)
    return _finish(session)


def _finish(session: ConnectSession) -> HttpResponse:
    now = timezone.now()
    account = consent.signed_in_account(session)
    if not flow.complete(session, now):
        return _to_page(session)
    if session.connection:
        return exits.ToApplication(exits.reauthenticated_url(session, session.connection))
    code = oauth.issue_code(session, account.person, now)
    return exits.ToApplication(exits.success_url(session, code, account.person))


@of_run
def leave(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Back to the application without a code; possible at any time before the run is over."""
    reason = request.POST.get("reason", "")
    if request.method != "POST" or reason not in exits.DESCRIPTIONS:
        return _to_page(session)
    if not flow.end(session, reason, timezone.now()):
        return _to_page(session)
    return exits.ToApplication(exits.error_url(session, reason))


@never_cache
@require_GET
def shared_key(request: HttpRequest, token: str) -> HttpResponse:
    """One car's key page on another device: to read, nothing to press."""

    def show() -> HttpResponse:
        session, current = keys.shared_page(token, timezone.now())
        return pages.key(request, session, current, shared=True)

    return _shows_problems(request, None, show)


@never_cache
@require_GET
def key_state(request: HttpRequest, token: str) -> JsonResponse:
    """Whether the key is on the car by now: `{"key", "done", "text"}`; 404 for a word that was not signed here."""
    try:
        _session, current = keys.shared_page(token, timezone.now())
    except ConnectProblem:
        return JsonResponse({}, status=404)
    return JsonResponse(
        {"key": str(current.vehicle.key), "done": current.is_done, "text": str(current.state_text)}
    )


@cache_control(public=True, max_age=86400)
@require_GET
def colour(request: HttpRequest, colour: str) -> HttpResponse:
    """The stylesheet of an application's colour."""
    return HttpResponse(theme.stylesheet(colour), content_type="text/css; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that did not come from our own page in this browser (`CSRF_FAILURE_VIEW`)."""
    return pages.problem(request, problems.FOREIGN_FORM)
