"""What the views of a run have in common: the run behind the address, for its own browser, and problems as pages."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from connect import browser, flow, pages, problems
from connect.models import ConnectSession
from connect.opener import keeps_opener
from connect.problems import ConnectProblem, Problem
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
        return problems.OF_SIGN_IN.get(failure.spec.name, problems.TESLA_UNREACHABLE)
    log.error("a page of Connect failed", exc_info=failure)
    return problems.UNEXPECTED


def of_run(view: RunView) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Give the view the run in the address, for the browser that began it; problems become pages."""

    shown = shows_problems()(view)

    @keeps_opener
    @never_cache
    @functools.wraps(view)
    def run_view(request: HttpRequest, session_id: UUID) -> HttpResponse:
        try:
            session = flow.resume(session_id, browser.secret_of(request))
        except ConnectProblem as stopped:
            return pages.problem(request, stopped.problem)
        return shown(request, session)

    return run_view


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
