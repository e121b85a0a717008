"""What the views of a run have in common: the run behind the address, for its own browser, and problems as pages."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache

from connect import browser, flow, pages, problems
from connect.models import ConnectSession
from connect.opener import keeps_opener
from connect.problems import ConnectProblem
from vehicles.errors import CatalogueError

log = logging.getLogger(__name__)

RunView = Callable[[HttpRequest, ConnectSession], HttpResponse]


def shows_problems(
    request: HttpRequest, session: ConnectSession | None, act: Callable[[], HttpResponse], *, again: str = ""
) -> HttpResponse:
    """Do it; what stops the run becomes its page, also when it is a fault of ours. `again` as in `pages.problem`."""
    try:
        return act()
    except ConnectProblem as stopped:
        found = stopped.problem
    except CatalogueError as failure:
        found = problems.OF_SIGN_IN.get(failure.spec.name, problems.TESLA_UNREACHABLE)
    except Exception:
        log.exception("a page of Connect failed")
        found = problems.UNEXPECTED
    return pages.problem(request, found, session, again=again)


def of_run(view: RunView) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """Give the view the run in the address, for the browser that began it; problems become pages."""

    @keeps_opener
    @never_cache
    @functools.wraps(view)
    def run_view(request: HttpRequest, session_id: UUID) -> HttpResponse:
        try:
            session = flow.resume(session_id, browser.secret_of(request))
        except ConnectProblem as stopped:
            return pages.problem(request, stopped.problem)
        return shows_problems(request, session, lambda: view(request, session))

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
