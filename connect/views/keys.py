"""The key step: leaving a car's key page, and the same page on another device."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connect.keys.key_page import KeyPage
from connect.links import key_links, owner_link
from connect.models import ConnectSession, Step
from connect.problems.catalogue import ConnectProblem
from connect.run import key_queue
from connect.views import pages
from connect.views.current_run import shows_problems, step, to_page
from connect.views.ending import finish_run


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
    current = key_queue.current_page(session, now) if session.step == Step.KEYS else None
    # A form that was sent twice must not carry off the next car as well.
    if current is None or request.POST.get("vehicle") != str(current.vehicle.pk):
        return to_page(session)
    key_queue.leave(session, current, now, skip=skip)
    return to_page(session) if key_queue.is_waiting(session) else finish_run(session)


@never_cache
@require_safe
@shows_problems()
def shared_key(request: HttpRequest, token: str) -> HttpResponse:
    """One car's key page on another device: to read, nothing to press. A driver's leads to the owner's link."""
    session, current = key_links.page(token, timezone.now())
    if not current.is_owner and (grant := owner_link.grant_of(session, current.vehicle)):
        return redirect("connect:owner", owner_link.token(grant, session.created_at))
    return pages.shared_key(request, session, current)


@never_cache
@require_safe
def key_state(request: HttpRequest, token: str) -> JsonResponse:
    """Whether the key is on the car by now, as `state_of`; 404 for a word that was not signed here."""
    try:
        _session, current = key_links.page(token, timezone.now())
    except ConnectProblem:
        return JsonResponse({}, status=404)
    return JsonResponse(state_of(current))


def state_of(current: KeyPage) -> dict[str, Any]:
    """What a key page that stays open has to learn: `{"key", "done", "text", "reasons"}`, the latter by code."""
    return {
        "key": str(current.vehicle.key),
        "done": current.is_done,
        "text": str(current.state_text),
        "reasons": [reason.code for reason in current.reasons],
    }
