"""Rotating a login's tokens, one process at a time, so that none is ever lost. Failures are `TeslaError` inside.

Tesla ends a refresh token when it is used, and honours the one used last for another day (Fleet API: third-party
tokens). So the new pair and the token it was made with are stored in one statement, and whoever finds a refresh
unfinished does it again with the stored token.
"""

from __future__ import annotations

import logging
import math
import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from vehicles import history
from vehicles.db.connections import let_go_of_database
from vehicles.history import Kind
from vehicles.models import Integration, LoginEnd, TeslaAccount
from vehicles.origins import origins
from vehicles.tesla import auth, paths, transport
from vehicles.tesla import errors as tesla
from vehicles.tokens import lease as token_lease
from vehicles.tokens import logins, restore_detection, store
from vehicles.tokens.lease import Lease
from vehicles.tokens.store import StoredTokens

log = logging.getLogger(__name__)

LIFETIME: Final = timedelta(days=90)
"""After this long unused, Tesla ends a refresh token."""
WAIT_SECONDS: Final = 2 * token_lease.LEASE.total_seconds()
"""For one holder that was killed, and for the one that does its work."""
_FIRST_LOOK, _LONGEST_LOOK = 0.05, 0.5
"""Seconds between two looks of one that waits; they grow, so that a crowd of them does not keep the machine busy."""
_PAUSE: Final = 5
_LONGEST_PAUSE: Final = 300
_LEARNED: Final = ("granted_scopes", "consent", "consent_since", "consent_source", "consent_observed_at")


class LoginEnded(tesla.LoginRequired):
    """Tesla takes neither the refresh token nor the one before; `why` as far as it can be known."""

    def __init__(self, why: LoginEnd, text: str = "") -> None:
        super().__init__(text or str(why.label), status=401)
        self.why = why

    @property
    def is_explained(self) -> bool:
        """Whether the cause is known to be another one than access that the person removed."""
        return self.why is not LoginEnd.REFUSED


def refresh(account: TeslaAccount, integration: str, stored: StoredTokens) -> StoredTokens:
    """Rotate the tokens, or wait for the process that is doing it. Raises `LoginEnded` and other `TeslaError`.

    The caller holds one of the places that may wait for Tesla (`upstream`), and no transaction.
    """
    lease = token_lease.take(stored.row_id, stored.generation, timezone.now())
    if lease is None:
        return _refreshed_elsewhere(account, integration, stored)
    return _renew(account, integration, stored, lease)


def _refreshed_elsewhere(account: TeslaAccount, integration: str, stored: StoredTokens) -> StoredTokens:
    """What another process gets for us; its work becomes ours when its lease ends without a word."""
    end, pause = time.monotonic() + transport.seconds_left(WAIT_SECONDS), _FIRST_LOOK
    while time.monotonic() < end:
        current = _load(account, integration)
        if current.generation != stored.generation:
            account.refresh_from_db(fields=_LEARNED)
            return current
        _tell_what_the_other_met(current)
        if lease := token_lease.take(current.row_id, current.generation, timezone.now()):
            return _renew(account, integration, current, lease)
        let_go_of_database()
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_LOOK)
    raise tesla.NoAnswer("another process is still refreshing")


def _tell_what_the_other_met(current: StoredTokens) -> None:
    """Fail as the holder did, so that Tesla is not asked by each that waited."""
    if current.lease_holder is not None:
        return
    if current.lease_until is not None:
        pause = (current.lease_until - timezone.now()).total_seconds()
        if pause > 0:
            raise tesla.RateLimited("Tesla asked for a pause", retry_after=math.ceil(pause))
        raise tesla.NoAnswer("another process got no tokens")
    if current.ended:
        raise LoginEnded(LoginEnd(current.ended))


def _renew(account: TeslaAccount, integration: str, stored: StoredTokens, lease: Lease) -> StoredTokens:
    restore_detection.detect_restored_database()
    try:
        let_go_of_database()
        tokens, used = _rotate(account, integration, stored, lease)
    except tesla.LoginRequired as refusal:
        return _refused(account, integration, stored, lease, refusal)
    except tesla.TeslaError as failure:
        token_lease.put_off(lease, timezone.now() + _pause(failure))
        raise
    return _keep(account, integration, stored, lease, tokens, used)


def _rotate(
    account: TeslaAccount, integration: str, stored: StoredTokens, lease: Lease
) -> tuple[auth.Tokens, str]:
    """Ask for a new pair; Tesla honours the token used last for a day, so that one is tried as well.

    Not when somebody signed in meanwhile: the token before could then still end what they got.
    """
    try:
        return _ask(account, integration, stored.refresh_token), stored.refresh_token
    except tesla.PasswordChanged:
        raise
    except tesla.LoginRequired:
        before = stored.previous_refresh_token
        if not before or not token_lease.prolong(lease, timezone.now()):
            raise
        return _ask(account, integration, before), before


def _ask(account: TeslaAccount, integration: str, refresh_token: str) -> auth.Tokens:
    origin, client_id = origins(account.mode).token, settings.TESLA_CLIENT_ID
    if integration == Integration.LEGACY:
        origin, client_id = origins(account.mode).auth, paths.OWNER_API_CLIENT_ID
    tokens = auth.refresh(origin, client_id=client_id, refresh_token=refresh_token)
    if _is_of_the_other_interface(tokens, integration):
        raise tesla.LoginRefused("the token was made for the other interface")
    return tokens


def _is_of_the_other_interface(tokens: auth.Tokens, integration: str) -> bool:
    """Whether it plainly is. What is merely unfamiliar is kept: Tesla may change the look of its tokens any day."""
    try:
        claims = auth.read_claims(tokens.access_token)
    except tesla.Unintelligible:
        return False
    if integration == Integration.LEGACY:
        return claims.is_of_application(settings.TESLA_CLIENT_ID)
    return claims.is_of_owner_api()


def _pause(failure: tesla.TeslaError) -> timedelta:
    """How long nobody asks again: at once after most failures, since a refresh that did happen must be repeated."""
    seconds = failure.retry_after or (_PAUSE if isinstance(failure, tesla.RateLimited) else 0)
    return timedelta(seconds=min(seconds, _LONGEST_PAUSE))


def _refused(
    account: TeslaAccount,
    integration: str,
    stored: StoredTokens,
    lease: Lease,
    refusal: tesla.LoginRequired,
) -> StoredTokens:
    why = _why(account, integration, stored, refusal)
    if not token_lease.end(lease, why):
        return _refreshed_elsewhere(account, integration, stored)
    if why is LoginEnd.BACKUP_RESTORED and stored.ended != why:
        _record(Kind.TOKENS_RESTORED, account, integration, stored, usable=False)
    raise LoginEnded(why, refusal.text) from refusal


def _why(
    account: TeslaAccount, integration: str, stored: StoredTokens, refusal: tesla.LoginRequired
) -> LoginEnd:
    """Tesla says one thing for every cause; what we hold and remember tells some of them apart."""
    if isinstance(refusal, tesla.PasswordChanged):
        return LoginEnd.PASSWORD_CHANGED
    if _is_from_a_backup(account, integration, stored) or restore_detection.database_restored_since(
        stored.refreshed_at
    ):
        return LoginEnd.BACKUP_RESTORED
    if stored.superseded_at is not None:
        return LoginEnd.SUPERSEDED
    if stored.refreshed_at is not None and timezone.now() - stored.refreshed_at > LIFETIME:
        return LoginEnd.EXPIRED
    return LoginEnd.REFUSED


def _is_from_a_backup(account: TeslaAccount, integration: str, stored: StoredTokens) -> bool:
    """Whether the account remembers a newer pair than its tokens' row holds."""
    return store.newest_generation(account, integration) > stored.generation


def _keep(
    account: TeslaAccount,
    integration: str,
    stored: StoredTokens,
    lease: Lease,
    tokens: auth.Tokens,
    used: str,
) -> StoredTokens:
    """Store the new pair with what is learned from it. Nothing that goes wrong in the second may lose the first."""
    now = timezone.now()
    superseded = used != stored.refresh_token and not stored.overlapped
    restored = _is_from_a_backup(account, integration, stored)
    with store.durable(), transaction.atomic():
        kept = store.store_refreshed(
            account, integration, stored, lease, tokens, used=used, superseded=superseded, now=now
        )
        if kept:
            if superseded:
                _record(Kind.TOKENS_SUPERSEDED, account, integration, stored, usable=True)
            if restored:
                _record(Kind.TOKENS_RESTORED, account, integration, stored, usable=True)
            _learn(account, integration, tokens, now)
    if not kept:
        return _overtaken(account, integration, stored, tokens, used)
    fresh = _load(account, integration)
    restore_detection.remember(fresh.row_id, fresh.generation)
    return fresh


def _learn(account: TeslaAccount, integration: str, tokens: auth.Tokens, now: datetime) -> None:
    """What the new access token says of the consent; where that cannot be read or written, the next one says it."""
    try:
        with transaction.atomic():
            logins.seen(account, integration, auth.read_claims(tokens.access_token), now)
    except Exception:  # whatever it is: tokens that are not stored now are lost
        log.exception("nothing learned from the new tokens of account %s", account.pk)


def _overtaken(
    account: TeslaAccount, integration: str, stored: StoredTokens, tokens: auth.Tokens, used: str
) -> StoredTokens:
    """Our lease ended before Tesla's answer came, or the person signed in meanwhile: what is stored now goes on.

    The token we used still works for a day, whichever pair Tesla made last. Only when it is no longer stored, ours is
    kept beside the others.
    """
    current = _load(account, integration)
    if used not in (current.refresh_token, current.previous_refresh_token):
        store.keep_beside(current, tokens.refresh_token)
    return _refreshed_elsewhere(account, integration, stored)


def _record(
    kind: Kind, account: TeslaAccount, integration: str, stored: StoredTokens, *, usable: bool
) -> None:
    history.record(
        kind,
        actor=history.SYSTEM,
        at=timezone.now(),
        account=account,
        integration=str(integration),
        generation=stored.generation,
        usable=usable,
    )


def _load(account: TeslaAccount, integration: str) -> StoredTokens:
    stored = store.load(account, integration)
    if stored is None:
        raise LoginEnded(LoginEnd.REFUSED, "the tokens are gone")
    return stored
