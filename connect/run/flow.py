"""The journey as steps of a stored run, and what moves a person from one to the next. No HTTP.

Every move is a conditional update on the step the person was seen at, so that a form sent twice, or from two tabs,
moves the run once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from connect.authorize.authorization_request import AuthorizationRequest
from connect.authorize.parameters import TESLA
from connect.models import ConnectSession, Step
from connect.problems import support_codes
from connect.problems.catalogue import (
    ANOTHER_BROWSER,
    DATA_DELETED,
    EXPIRED,
    NO_TESLA_CAN,
    OTHER_MAKE,
    UNKNOWN_RUN,
    ConnectProblem,
)
from connect.run import browser, funnel
from vehicles import history
from vehicles.client_credentials import checksum
from vehicles.history import Kind
from vehicles.models import Mode
from vehicles.permissions import PERMISSIONS

LIFETIME: Final = timedelta(hours=1)
REPEAT_WITHIN: Final = timedelta(minutes=1)
COMPLETED: Final = "completed"
EXPIRED_REASON: Final = "expired"
STARTED_AGAIN: Final = "started_again"
DRAWN_ANEW: Final = ("state", "code_challenge")
"""What applications draw for each request, by which they know the answer to it (RFC 6749, 10.12; RFC 7636, 4.1)."""
_ASKED: Final = tuple(field.name for field in fields(AuthorizationRequest))
_AT_ONCE: Final = 500
_MOST_OFFERED: Final = 10


def new_run(asked: AuthorizationRequest, browser_secret: str, now: datetime) -> ConnectSession:
    """A run for a checked request, bound to the browser with this secret. The first press makes its row: `save`."""
    told = {name: getattr(asked, name) for name in _ASKED}
    support_code = support_codes.new()
    return unsaved_run(
        uuid4(), told | {"support_code": support_code, "browser_checksum": checksum(browser_secret)}, now
    )


def unsaved_run(pk: UUID, told: Mapping[str, Any], at: datetime) -> ConnectSession:
    """A run as it is when its first page is shown, at this time; no row yet."""
    return ConnectSession(
        **told, pk=pk, trail=[_entry(Step.PREAMBLE, at)], created_at=at, expires_at=at + LIFETIME
    )


def save(session: ConnectSession) -> None:
    """Make the row of a run that was only shown so far. Nothing happens where a form sent twice made it already."""
    try:
        with transaction.atomic():
            session.save(force_insert=True)
            funnel.note_step(session, Step.PREAMBLE, session.created_at)
            _record(Kind.CONNECT_STARTED, session, session.created_at)
    except IntegrityError:
        if not ConnectSession.objects.filter(pk=session.pk).exists():
            raise


def unfinished(asked: AuthorizationRequest, browser_secret: str, now: datetime) -> ConnectSession | None:
    """The newest open run of this browser that asked the same and where somebody signed in; None without one.

    What an application draws anew for each request may differ: `answer_to` carries it over.
    """
    for run in _open_runs(asked, browser_secret, now).filter(account__isnull=False)[:_MOST_OFFERED]:
        if _is_asked(run, asked, DRAWN_ANEW) and bool(run.code_challenge) == bool(asked.code_challenge):
            return run
    return None


def run_of_same_request(
    asked: AuthorizationRequest, browser_secret: str, now: datetime
) -> ConnectSession | None:
    """The open run of this browser for this very request, before anybody signed in: its first page is shown again."""
    for run in _open_runs(asked, browser_secret, now).filter(account=None)[:_MOST_OFFERED]:
        if _is_asked(run, asked):
            return run
    return None


def _open_runs(asked: AuthorizationRequest, browser_secret: str, now: datetime) -> QuerySet[ConnectSession]:
    """Newest first, without those of `mode=test`: the click path of the SDKs always begins anew."""
    runs = ConnectSession.objects.filter(
        browser_checksum=checksum(browser_secret),
        application=asked.application,
        ended_at=None,
        expires_at__gt=now,
        any_login=False,
    )
    return runs.select_related("application", "connection__vehicle").order_by("-created_at")


def _is_asked(run: ConnectSession, asked: AuthorizationRequest, but: Collection[str] = ()) -> bool:
    return all(getattr(run, name) == getattr(asked, name) for name in _ASKED if name not in but)


def answer_to(session: ConnectSession, drawn: Mapping[str, str], now: datetime) -> bool:
    """Let an open run answer a newer request that asked the same: with its `DRAWN_ANEW` values. False once it ended."""
    values = {name: drawn[name] for name in DRAWN_ANEW}
    open_run = ConnectSession.objects.filter(pk=session.pk, ended_at=None, expires_at__gt=now)
    return bool(open_run.update(**values))


def start_again(
    session: ConnectSession, browser_secret: str, now: datetime, drawn: Mapping[str, str]
) -> ConnectSession:
    """A fresh run that asks the same, with what a newer request drew; the earlier one ends, where it had not yet."""
    with transaction.atomic():
        end(session, EXPIRED_REASON if has_expired(session, now) else STARTED_AGAIN, now)
        asked = {name: getattr(session, name) for name in _ASKED}
        fresh = new_run(AuthorizationRequest(**{**asked, **drawn}), browser_secret, now)
        funnel.count_arrival(fresh, now)
        save(fresh)
    return fresh


def resume(session_id: UUID, browser_secret: str) -> ConnectSession:
    """The run, however it stands, for the browser that began it. Raises `ConnectProblem` for anybody else."""
    session = (
        ConnectSession.objects.select_related("application", "account", "connection__vehicle")
        .filter(pk=session_id)
        .first()
    )
    if session is None:
        raise ConnectProblem(UNKNOWN_RUN)
    if not browser.is_of(session, browser_secret):
        raise ConnectProblem(ANOTHER_BROWSER)
    return session


def refuse_expired(session: ConnectSession, now: datetime) -> None:
    """Raise `ConnectProblem` when the person took too long."""
    if has_expired(session, now):
        raise ConnectProblem(EXPIRED)


def refuse_erased(session: ConnectSession) -> None:
    """Raise `ConnectProblem` where somebody had signed in and their data was deleted since."""
    if session.ended_at is None and session.step in (Step.PERMISSIONS, Step.KEYS) and session.account is None:
        raise ConnectProblem(DATA_DELETED)


def has_expired(session: ConnectSession, now: datetime) -> bool:
    """Whether the run ended because its time ran out, noted or not."""
    return session.exit_reason == EXPIRED_REASON or (session.ended_at is None and now >= session.expires_at)


def needs_brand_list(session: ConnectSession) -> bool:
    """Whether the person is asked for the make: never by an owner's run, for Tesla is the only one.

    Simulated runs of links that name no make keep the list, which the SDKs' own end-to-end tests click.
    """
    return session.make != TESLA and session.mode == Mode.SIMULATED


def refuse_incompatible(session: ConnectSession) -> None:
    """Raise `ConnectProblem` for another make, and for a required permission that no Tesla can serve."""
    if session.make not in ("", TESLA):
        raise ConnectProblem(OTHER_MAKE)
    if not all(PERMISSIONS[name].served for name in session.required):
        raise ConnectProblem(NO_TESLA_CAN)


def move(session: ConnectSession, to: Step, now: datetime, **changed: Any) -> bool:
    """Move an open run on from the step it was loaded at; False when somebody else moved it first."""
    changes = {"step": to, "trail": [*session.trail, _entry(to, now)], **changed}
    seen = ConnectSession.objects.filter(pk=session.pk, step=session.step, ended_at=None)
    with transaction.atomic():
        if not seen.filter(expires_at__gt=now).update(**changes):
            return False
        funnel.note_step(session, to, now, key_queue=changed.get("key_queue"))
    for name, value in changes.items():
        setattr(session, name, value)
    return True


def complete(session: ConnectSession, now: datetime) -> bool:
    """End the run well. True also when it did so a moment ago: a finish sent twice must still lead somewhere."""
    with transaction.atomic():
        if move(session, Step.DONE, now, ended_at=now, exit_reason=COMPLETED):
            _record(Kind.CONNECT_ENDED, session, now)
            return True
    session.refresh_from_db()
    return may_repeat(session, now)


def may_repeat(session: ConnectSession, now: datetime) -> bool:
    """Whether the run was completed so recently that its answer may be given once more."""
    ended = session.ended_at
    return session.step == Step.DONE and ended is not None and now - ended < REPEAT_WITHIN


def end(session: ConnectSession, reason: str, now: datetime) -> bool:
    """End the run without a code; False when it had ended before. An expired run can still be ended."""
    changes = {"step": Step.ENDED, "trail": [*session.trail, _entry(Step.ENDED, now)]}
    open_run = ConnectSession.objects.filter(pk=session.pk, ended_at=None)
    with transaction.atomic():
        # The step is read where it is written, for another tab may have moved the run.
        if not open_run.update(**changes, ended_at=now, exit_reason=reason, left_at=F("step")):
            return False
        funnel.note_step(session, Step.ENDED, now)
        session.exit_reason = reason
        _record(Kind.CONNECT_ENDED, session, now)
    return True


def end_expired(now: datetime) -> int:
    """Note for every run whose time ran out that it ended so; returns how many."""
    overdue = ConnectSession.objects.filter(ended_at=None, expires_at__lte=now)
    found = list(overdue.select_related("application", "account__person").order_by("expires_at")[:_AT_ONCE])
    return sum(end(session, EXPIRED_REASON, session.expires_at) for session in found)


def last_visit(session: ConnectSession, step: Step) -> datetime:
    """When the run last came to this step; when it began, if it never did."""
    times = [entry["at"] for entry in session.trail if entry["step"] == step]
    return datetime.fromisoformat(times[-1]) if times else session.created_at


def _entry(step: Step, now: datetime) -> dict[str, str]:
    return {"step": str(step), "at": now.isoformat()}


def _record(kind: Kind, session: ConnectSession, now: datetime) -> None:
    account = session.account
    history.record(
        kind,
        actor=history.person(account.person) if account else history.application_actor(session.application),
        at=now,
        application=session.application,
        account=account,
        session=str(session.pk),
        mode=str(session.mode),
        reason=session.exit_reason,
    )
