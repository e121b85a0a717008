"""The permission step of a reauthentication by make: nothing to choose, only to agree to."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from connect.models import ConnectSession
from connect.run import moves
from connect.views import pages
from connect.views.ending import after_approval


def permissions_page(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """What moves and what would be new; goes on by itself where nothing would."""
    now = timezone.now()
    found = moves.offer(session, now)
    if session.asked_in_vain and not found.can_be_approved:
        return redirect("connect:removal", session.pk)
    if not moves.is_decided(found):
        return pages.move(request, session, found)
    moves.approve(session, found, (), now)
    return after_approval(session)


def approve(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Move what was allowed before, and add what stands on the page."""
    now = timezone.now()
    found = moves.offer(session, now)
    if not found.can_be_approved:
        return pages.move(request, session, found, status=422)
    moves.approve(session, found, request.POST.getlist("permissions"), now)
    return after_approval(session)
