"""The end of a run: back to the application, with a code or without."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from connect import tasks
from connect.authorize import authorization_response
from connect.models import ConnectSession, ResponseType, Step
from connect.oauth import validator
from connect.run import consent, flow, key_queue, resuming
from connect.views.current_run import of_run, step, to_page
from vehicles import grants
from vehicles.models import Vehicle
from vehicles.nudges import nudge


@step
def finish(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Back to the application with a code, once nothing is left to do."""
    ready = (Step.PERMISSIONS,) if session.connection else (Step.KEYS,)
    if session.step not in (*ready, Step.DONE) or key_queue.is_waiting(session):
        return to_page(session)
    return finish_run(session)


def finish_run(session: ConnectSession) -> HttpResponse:
    """Complete the run and redirect to the application; to the run's own page when it had ended before.

    Who took back meanwhile all that was allowed comes back with that, and not with a code that reaches nothing.
    """
    now = timezone.now()
    account, chosen = consent.signed_in_account(session), [UUID(each) for each in session.chosen_vehicles]
    if chosen and not grants.stand(session.application, account, chosen):
        return _back(session, authorization_response.ACCESS_DENIED, now)
    person = account.person
    if not flow.complete(session, now) or not session.redirect_uri:
        return to_page(session)
    if session.connection:
        return authorization_response.ToApplication(
            authorization_response.reauthenticated_url(session, session.connection)
        )
    user = grants.application_user(session.application, person)
    code = validator.issue_code(session, person, now) if session.response_type == ResponseType.CODE else ""
    return authorization_response.ToApplication(authorization_response.success_url(session, user, code))


def after_approval(session: ConnectSession) -> HttpResponse:
    """On to the key pages, or to the end where no car needs one."""
    if session.step == Step.KEYS and not session.key_queue:
        return finish_run(session)
    nudge(tasks.learn_colours, str(session.account_id))
    return to_page(session)


@of_run
def leave(request: HttpRequest, session: ConnectSession) -> HttpResponse:
    """Back to the application without a code; possible at any time before the run is over."""
    reason = request.POST.get("reason", "")
    if request.method != "POST" or reason not in authorization_response.DESCRIPTIONS:
        return to_page(session)
    now = timezone.now()
    if drawn := resuming.drawn_in(session, request.POST.get("request", "")):
        flow.answer_to(session, drawn, now)
        session.refresh_from_db(fields=flow.DRAWN_ANEW)
    is_incompatible = reason == authorization_response.INCOMPATIBLE
    told = consent.car_to_tell(session, request.POST.get("tell", "")) if is_incompatible else None
    return _back(session, reason, now, told)


def _back(session: ConnectSession, reason: str, now: datetime, told: Vehicle | None = None) -> HttpResponse:
    has_ended = flow.end(session, reason, now) or flow.has_expired(session, now)
    if not has_ended or not session.redirect_uri:
        return to_page(session)
    return authorization_response.ToApplication(authorization_response.error_url(session, reason, told))
