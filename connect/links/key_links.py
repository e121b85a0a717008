"""A car's key page on another device: a signed link to it, good for a day from the beginning of the run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.core import signing

from connect.keys.key_page import KeyPage
from connect.models import ConnectSession
from connect.problems.catalogue import UNKNOWN_RUN, ConnectProblem
from connect.problems.link_problems import KEY_LINK_EXPIRED
from connect.run import key_queue
from vehicles.models import Vehicle

GOOD_FOR: Final = timedelta(days=1)
_SALT: Final = "connect.keys.key_page"


def token(session: ConnectSession, vehicle: Vehicle) -> str:
    """The signed word for one car's key page; it allows looking, nothing else."""
    return signing.Signer(salt=_SALT).sign_object([session.pk.hex, vehicle.pk.hex])


def page(token: str, now: datetime) -> tuple[ConnectSession, KeyPage]:
    """The run and the car's page behind a signed word. Raises `ConnectProblem` when it is forged or old."""
    try:
        session_id, vehicle_id = signing.Signer(salt=_SALT).unsign_object(token)
    except signing.BadSignature:
        raise ConnectProblem(UNKNOWN_RUN) from None
    session = ConnectSession.objects.select_related("application").filter(pk=session_id).first()
    if session is None or session.account_id is None:
        raise ConnectProblem(UNKNOWN_RUN)
    if now - session.created_at > GOOD_FOR:
        raise ConnectProblem(KEY_LINK_EXPIRED)
    known = next((item for item in session.key_queue if item.replace("-", "") == vehicle_id), None)
    if known is None:
        raise ConnectProblem(UNKNOWN_RUN)
    return session, key_queue.page(session, known, now)
