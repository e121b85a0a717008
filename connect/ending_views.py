"""The end of a run: back to the application, with a code or without."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from connect import consent, exits, flow, key_queue, oauth
from connect.models import ConnectSession, Step
from connect.run_view import of_run, step, to_page


@step
def finish(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Back to the application with a code, once nothing is left to do."""
    ready = (Step.PERMISSIONS,) if session.connection else (Step.KEYS,)
    if session.step not in (*ready, Step.DONE) or key_queue.is_waiting(session):
        return to_page(session)
    return finish_run(session)


def finish_run(session: ConnectSession) -> HttpResponse:
    """Complete the run and redirect to the application; to the run's own page when it had ended before."""
    now = timezone.now()
    account = consent.signed_in_account(session)
    if not flow.complete(session, now):
        return to_page(session)
    if session.connection:
        return exits.ToApplication(exits.reauthenticated_url(session, session.connection))
    code = oauth.issue_code(session, account.person, now)
    return exits.ToApplication(exits.success_url(session, code, account.person))


@of_run
def leave(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Back to the application without a code; possible at any time before the run is over."""
    reason = request.POST.get("reason", "")
    if request.method != "POST" or reason not in exits.DESCRIPTIONS:
        return to_page(session)
    now = timezone.now()
    if not flow.end(session, reason, now) and not flow.has_expired(session, now):
        return to_page(session)
    return exits.ToApplication(exits.error_url(session, reason))
