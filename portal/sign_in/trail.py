"""What the trail keeps of signing in and of passwords: by our own ids, never a name that was typed, never an address.

The address of a refused attempt is in the log, which forgets.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from portal.sign_in import limits
from vehicles import history
from vehicles.history import Kind
from vehicles.models import User

log = logging.getLogger(__name__)

WORKING_DAY: Final = timedelta(hours=10)
ACTING: Final[ContextVar[HttpRequest | None]] = ContextVar("acting", default=None)
"""The request behind what happens now; None on the command line and in tasks."""


def signed_in(sender: object, request: HttpRequest, user: User, **signal: Any) -> None:
    """A session begins: it ends after a working day, whatever is done in it. A receiver of `user_logged_in`."""
    now = timezone.now()
    request.session.set_expiry(now + WORKING_DAY)
    history.record(Kind.STAFF_SIGNED_IN, actor=history.staff(user), at=now)


def signed_out(sender: object, request: HttpRequest, user: User | None, **signal: Any) -> None:
    """A receiver of `user_logged_out`."""
    if user is not None:
        history.record(Kind.STAFF_SIGNED_OUT, actor=history.staff(user), at=timezone.now())


def failed(sender: object, credentials: dict[str, Any], **signal: Any) -> None:
    """A receiver of `user_login_failed`."""
    refused(str(credentials.get("username", "")), "wrong name or password", timezone.now())


def refused(name: str, reason: str, now: datetime) -> None:
    """Somebody was not let in. Of a member of staff it says whose name it was; of other names it keeps nothing.

    Anybody can make these events and nobody can delete them, so no more than a few are written in a while.
    """
    request = ACTING.get()
    address = request.META.get("REMOTE_ADDR", "") if request else "the command line"
    log.warning("sign-in refused, from %s: %s", address, reason)
    known = (
        User.objects.filter(username=name, is_person=False, is_staff=True).first()
        if "\0" not in name
        else None
    )
    about = history.staff(known) if known else None
    if limits.may_be_told(about or "", now):
        history.record(Kind.STAFF_SIGN_IN_REFUSED, actor=history.SYSTEM, at=now, about=about, reason=reason)


class PasswordTrail:
    """Listed among the password validators, which Django tells of every password that is set, wherever it is."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Any password will do."""

    def get_help_text(self) -> str:
        """Stands in the list beside the field."""
        return "That a password was set, and by whom, is kept in the history."

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Note whose password was set, and by whom."""
        if user is None:
            return
        request = ACTING.get()
        by = request.user if request is not None else None
        actor = history.staff(by) if isinstance(by, User) else history.SYSTEM
        history.record(
            Kind.STAFF_ACTED, actor=actor, at=timezone.now(), about=history.staff(user), set_password=True
        )


def connect() -> None:
    """Have Django tell us."""
    user_logged_in.connect(signed_in, dispatch_uid="portal.sign_in.signed_in")
    user_logged_out.connect(signed_out, dispatch_uid="portal.sign_in.signed_out")
    user_login_failed.connect(failed, dispatch_uid="portal.sign_in.failed")
