"""Signing in to Tesla's legacy API. It ends at an address that no browser follows; the person brings it back by hand.

State and verifier are made with a secret of ours: neither is stored, and the address is worth nothing in a browser that
the run does not belong to. What is pasted is read once and kept nowhere (Owner API: login).
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connect.authorize import interfaces
from connect.models import ConnectSession, Step
from connect.problems.catalogue import USED_LOGIN, ConnectProblem, Problem
from connect.run import flow, pending_login, tesla_login
from vehicles import sync
from vehicles.client_credentials import checksum
from vehicles.models import Integration
from vehicles.tesla import paths
from vehicles.tokens import logins

FIELD: Final = "callback_address"
LONGEST: Final = 8000
_QUERY: Final = r"\?[!#-&(-;=?-~]+"
"""What can stand in an address: ASCII that shows, without quotes and angle brackets."""
_ADDRESS: Final = re.compile(re.escape(paths.OWNER_API_CALLBACK) + _QUERY, re.IGNORECASE)

IS_A_TOKEN: Final = _(
    "That is a token. For your safety only the address is taken here, the one that begins with tesla://auth/callback. "
    "Nothing was kept. Sign in at Tesla as described below."
)
IS_ANOTHER_ADDRESS: Final = _(
    "That is another address. It has to begin with tesla://auth/callback, and it appears only after you signed in at "
    "Tesla. Look for it as described below."
)
IS_NO_ADDRESS: Final = _(
    "There is no address in what you pasted. It begins with tesla://auth/callback and is very long. Copy all of it."
)
IS_CUT_SHORT: Final = _("Part of the address is missing. Copy all of it, from tesla:// to the very end.")
IS_OF_ANOTHER_LOGIN: Final = _(
    "That address belongs to another sign-in. Open Tesla's login from this page once more, and bring the new address."
)


class NotTheAddress(Exception):
    """What was pasted cannot be used; `text` tells the person why. It never repeats what was pasted."""

    def __init__(self, text: str | Promise) -> None:
        super().__init__("not the callback address")
        self.text = text


def is_waiting(session: ConnectSession) -> bool:
    """Whether the run waits for the address of a login that was begun."""
    is_legacy = session.integration == Integration.LEGACY
    return is_legacy and session.step == Step.TESLA and bool(session.tesla_state_checksum)


def hindrance(session: ConnectSession) -> Problem | None:
    """Why a run that still needs the legacy API cannot use it; None where nothing stands in the way."""
    is_before = session.step in tesla_login.BEFORE_APPROVAL and session.ended_at is None
    return interfaces.hindrance(session) if is_before else None


def refuse_unserved(session: ConnectSession) -> None:
    """Raise `ConnectProblem` where the run cannot go on over the legacy API; it can over the current interface."""
    if problem := hindrance(session):
        raise ConnectProblem(problem)


def begin(session: ConnectSession, now: datetime) -> None:
    """A new attempt: addresses of earlier ones are no longer taken."""
    state = _state(session, _attempts(session) + 1)
    if session.step in tesla_login.BEFORE_APPROVAL:
        flow.move(session, Step.TESLA, now, tesla_state_checksum=checksum(state))


def login_page(session: ConnectSession, *, another_account: bool = False) -> str:
    """Tesla's login for the attempt that was begun last, the same however often it is asked for."""
    state = _state(session, _attempts(session))
    return logins.legacy_login_page(
        session.mode,
        state=state,
        code_verifier=_verifier(state),
        extra={**tesla_login.any_login(session.mode), **({"prompt": "login"} if another_account else {})},
    )


def complete(session: ConnectSession, pasted: str, browser_secret: str, now: datetime) -> None:
    """Take what the person pasted: redeem the code and go on to the permissions.

    Raises `NotTheAddress` when it is something else, `ConnectProblem` when Tesla does not take the code.
    """
    query = _read(pasted)
    if not hmac.compare_digest(checksum(query["state"]), session.tesla_state_checksum):
        raise NotTheAddress(IS_OF_ANOTHER_LOGIN)
    session = pending_login.returning(query["state"], browser_secret, now).row
    with tesla_login.problems_of_login():
        account = logins.sign_in_legacy(
            mode=session.mode,
            code=query["code"],
            code_verifier=_verifier(query["state"]),
            expected=tesla_login.accepted_accounts(session),
        )
    sync.learn_email(account, Integration.LEGACY)
    if not flow.move(session, Step.PERMISSIONS, now, account=account, signed_in_at=now):
        raise ConnectProblem(USED_LOGIN)


def _read(pasted: str) -> dict[str, str]:
    """Code and state of the callback address, wherever it stands: a browser's console tells more around it."""
    found = _ADDRESS.search(pasted.strip()[:LONGEST])
    if found is None:
        raise NotTheAddress(_what_it_is(pasted.strip()))
    query = {name: values[0] for name, values in parse_qs(urlsplit(found.group()).query).items()}
    if not query.get("code") or not query.get("state"):
        raise NotTheAddress(IS_CUT_SHORT)
    return query


def _what_it_is(text: str) -> str | Promise:
    if re.match(r"(eyJ|(NA|EU|CN)_|qts-)", text):
        return IS_A_TOKEN
    if text.lower().startswith(paths.OWNER_API_CALLBACK):
        return IS_CUT_SHORT
    return IS_ANOTHER_ADDRESS if re.match(r"\w+://", text) else IS_NO_ADDRESS


def _attempts(session: ConnectSession) -> int:
    return sum(entry["step"] == Step.TESLA for entry in session.trail)


def _state(session: ConnectSession, attempt: int) -> str:
    return _made("state", f"{session.pk}:{attempt}")


def _verifier(state: str) -> str:
    return _made("verifier", state)


def _made(purpose: str, value: str) -> str:
    """43 characters that nobody else can make of this value."""
    digest = salted_hmac(f"connect.run.legacy_login.{purpose}", value, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
