"""What the views of a run have in common: the run behind the address, for its own browser, and problems as pages."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from connect.models import ConnectSession
from connect.problems import catalogue
from connect.problems.catalogue import ConnectProblem, Problem
from connect.run import address_limits, browser, flow, opening
from connect.run.address_limits import TooMany
from connect.views import pages
from connect.views.popup import keeps_opener
from vehicles.client_credentials import checksum
from vehicles.errors import CatalogueError

log = logging.getLogger(__name__)

P = ParamSpec("P")
RunView = Callable[[HttpRequest, ConnectSession], HttpResponse]


def shows_problems(*, again: str = "") -> Callable[[Callable[P, HttpResponse]], Callable[P, HttpResponse]]:
    """What stops the view, which may be given a run after the request, becomes its page, also a fault of ours.

    `again`: the name of the page on which to begin again, as in `pages.problem`.
    """

    def decorate(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
        @functools.wraps(view)
        def shown(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                return view(*args, **kwargs)
            except TooMany as refused:
                return too_many(cast("HttpRequest", args[0]), refused)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the person gets a page
                request: Any = args[0]
                session = next((given for given in args if isinstance(given, ConnectSession)), None)
                return pages.problem(request, _problem(failure), session, again=again and reverse(again))

        return shown

    return decorate


def _problem(failure: Exception) -> Problem:
    if isinstance(failure, ConnectProblem):
        return failure.problem
    if isinstance(failure, CatalogueError):
        return catalogue.OF_SIGN_IN.get(failure.spec.name, catalogue.TESLA_UNREACHABLE)
    log.error("a page of Connect failed", exc_info=failure)
    return catalogue.UNEXPECTED


def of_run(view: RunView) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Give the view the run in the address, for the browser that began it; problems become pages."""

    shown = shows_problems()(view)

    @keeps_opener
    @never_cache
    @functools.wraps(view)
    def run_view(request: HttpRequest, session_id: UUID) -> HttpResponse:
        try:
            session = _run(request, session_id)
        except ConnectProblem as stopped:
            return pages.problem(request, stopped.problem)
        except TooMany as refused:
            return too_many(request, refused)
        return shown(request, session)

    return run_view


def _run(request: HttpRequest, session_id: UUID) -> ConnectSession:
    """The run of this browser; with its first press it is kept."""
    secret = browser.secret_of(request)
    try:
        return flow.resume(session_id, secret)
    except ConnectProblem as stopped:
        fresh = opening.run_in(request.POST.get(opening.FIELD, ""), session_id)
        if fresh is None or stopped.problem is not catalogue.UNKNOWN_RUN:
            raise
    if not browser.is_of(fresh, secret):
        if not browser.was_of(request, fresh):
            raise ConnectProblem(catalogue.ANOTHER_BROWSER)
        fresh.browser_checksum = checksum(secret)
    address_limits.count(request.META.get("REMOTE_ADDR", ""), timezone.now())
    flow.save(fresh)
    return flow.resume(session_id, secret)


def too_many(request: HttpRequest, refused: TooMany) -> HttpResponse:
    """The page for an address that made too many rows within the minute."""
    page = pages.problem(request, catalogue.TOO_MANY)
    page["Retry-After"] = str(refused.retry_after)
    return page


def step(view: RunView) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Like `of_run`, for a form of a run that has not expired; anything but POST leads back to the page."""

    @functools.wraps(view)
    def act(request: HttpRequest, session: ConnectSession) -> HttpResponse:
        if request.method != "POST":
            return to_page(session)
        flow.refuse_expired(session, timezone.now())
        flow.refuse_erased(session)
        return view(request, session)

    return of_run(act)


def to_page(session: ConnectSession) -> HttpResponse:
    """To the page of the step where the run stands."""
    return redirect("connect:page", session.pk)
