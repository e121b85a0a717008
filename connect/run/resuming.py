"""An unfinished run that is offered again, and the newer request that it then answers.

The person decides by a press of a button of ours: a request alone changes no run, for anybody can lead a browser here.
What the newer request brought travels in that form, signed and bound to the run.
"""

from __future__ import annotations

from typing import Final

from django.core import signing

from connect.authorize.authorization_request import AuthorizationRequest
from connect.models import ConnectSession
from connect.run import flow

_SALT: Final = "connect.run.resuming"


def request_word(session: ConnectSession, asked: AuthorizationRequest) -> str:
    """What the form of the offered run sends; empty where the run answers this very request already."""
    drawn = {name: getattr(asked, name) for name in flow.DRAWN_ANEW}
    if all(getattr(session, name) == value for name, value in drawn.items()):
        return ""
    return signing.dumps({"run": session.pk.hex, **drawn}, salt=_SALT)


def drawn_in(session: ConnectSession, word: str) -> dict[str, str] | None:
    """What the newer request drew; None for a word that is forged, too old or another run's."""
    try:
        told: dict[str, str] = signing.loads(word, salt=_SALT, max_age=flow.LIFETIME)
    except signing.BadSignature:
        return None
    return told if told.pop("run") == session.pk.hex else None
