"""A run before anybody pressed a button: it stands in no table, and travels in its page as a signed form value.

Anybody can open the page, robots as well; only the first press makes the row. The word names the run, so that a form
sent twice makes one run, and the browser for which the page was made, so that nobody else can begin with it.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.core import signing

from connect.authorize.authorization_request import AuthorizationRequest
from connect.models import ConnectSession
from connect.run import flow
from vehicles.models import Application, Connection

FIELD: Final = "run"
"""The name of the form value."""
TAKEN_FOR: Final = timedelta(days=1)
"""A word older than a run lives still makes one, which has expired: its page leads on and back."""
_SALT: Final = "connect.run.opening"
_ROWS: Final = ("application", "connection")
_AS_IT_IS: Final = (
    *(each.name for each in fields(AuthorizationRequest) if each.name not in _ROWS),
    "application_id",
    "connection_id",
    "support_code",
    "browser_checksum",
)


def word(session: ConnectSession) -> str:
    """What the forms of the page send."""
    told = {name: getattr(session, name) for name in _AS_IT_IS}
    return signing.dumps(
        {**told, "id": session.pk.hex, "at": session.created_at.isoformat()}, salt=_SALT, compress=True
    )


def run_in(sent: str, session_id: UUID) -> ConnectSession | None:
    """The run that is not kept yet; None for a word that is forged, too old or another run's, or whose application or
    car is gone.
    """
    try:
        told: dict[str, Any] = signing.loads(sent, salt=_SALT, max_age=TAKEN_FOR)
    except signing.BadSignature:
        return None
    pk, at = UUID(told.pop("id")), datetime.fromisoformat(told.pop("at"))
    if pk != session_id or not _are_there(told):
        return None
    # Another version may have made the page, and have known other names.
    return flow.unsaved_run(pk, {name: told[name] for name in _AS_IT_IS if name in told}, at)


def _are_there(told: dict[str, Any]) -> bool:
    car = told["connection_id"]
    return Application.objects.filter(pk=told["application_id"]).exists() and (
        car is None or Connection.objects.filter(pk=car).exists()
    )
