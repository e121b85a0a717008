"""The guide through removing access at Tesla, and what it asks for while it stands open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from connect.models import ConnectSession
from connect.run import flow, removal
from connect.views import pages
from connect.views.current_run import of_run, to_page


@of_run
def removal_guide(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """The three steps, with what was seen of them."""
    now = timezone.now()
    flow.refuse_expired(session, now)
    if not removal.is_open(session):
        return to_page(session)
    return pages.removal_guide(request, session, removal.guide(session, now))


@of_run
def removal_state(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Whether access was seen to be removed: `{"removed", "text"}`; 404 where the run has moved on."""
    now = timezone.now()
    if not removal.is_open(session) or flow.has_expired(session, now):
        return JsonResponse({}, status=404)
    found = removal.guide(session, now)
    return JsonResponse({"removed": found.is_removed, "text": str(found.state_text)})
