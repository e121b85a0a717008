"""Families of tokens: what came of one code, from the first pair to the newest.

A family has at most one living refresh token, whoever asks and however often: what is given out takes the place of what
was given before (RFC 9700, 4.14.2). Every change of a family is made under the lock of its first row, so two requests
at the same time come one after the other. `docs/tokens.md` tells applications what that means for them.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from oauth2_provider.models import Grant, RefreshToken

from vehicles import history
from vehicles.history import Kind
from vehicles.models import Application

REPEAT_WITHIN: Final = timedelta(minutes=10)
"""A client that lost the answer may use its old refresh token again for this long after it was replaced."""
CODES_KEPT_FOR: Final = timedelta(days=1)
"""For so long, a code that comes again is known for what it was."""

_SPENT: Final = datetime.fromtimestamp(0, UTC)
"""When a spent code expired: before the clock of any other process, however far that is off."""


def begin(code: Grant, now: datetime) -> uuid.UUID | None:
    """Spend a code, in a transaction that its first tokens are saved in, and return the family that it begins.

    None for a code that is expired or was spent before. Of one that comes a second time nobody can tell which of the
    two was the thief: its family ends.
    """
    # The id follows from the code, so a code that comes again still leads to what it gave.
    family = uuid.UUID(hex=code.code[:32])
    if Grant.objects.filter(pk=code.pk, expires__gt=now).update(expires=_SPENT):
        return family
    _lock(family)
    if _living(family).exists():
        _reused(Kind.CODE_REUSED, code.application, code.user_id, family, now, ends=True)
    return None


def replace(token: RefreshToken, now: datetime) -> bool:
    """Retire every refresh token of the family, so that a successor of this one can be saved in the same transaction.

    False for a token that gets no successor: its family has ended, or it was replaced too long ago. The latter is a
    confused client or a thief. It always ends the family of a public client, which anybody can pretend to be, and that
    of a confidential one where the application wants it.
    """
    _lock(token.token_family)
    token.refresh_from_db(fields=["revoked", "updated"])
    living = _living(token.token_family)
    if not living.exists():
        return False
    if token.revoked is not None and now - token.revoked >= REPEAT_WITHIN:
        application = token.application
        ends = application.client_type == Application.CLIENT_PUBLIC or application.ends_family_on_reuse
        # A client that asks again and again is told of once in a while; events cannot be deleted.
        if ends or now - token.updated >= REPEAT_WITHIN:
            RefreshToken.objects.filter(pk=token.pk).update(updated=now)
            _reused(Kind.REFRESH_TOKEN_REUSED, application, token.user_id, token.token_family, now, ends=ends)
        return False
    living.update(revoked=now, updated=now)
    return True


def too_old_codes(now: datetime) -> QuerySet[Grant]:
    """The codes that were given too long ago to tell anything by being used again."""
    return Grant.objects.filter(created__lt=now - CODES_KEPT_FOR)


def _lock(family: uuid.UUID) -> None:
    """Until the transaction ends. SQLite writes one after the other anyway."""
    first = RefreshToken.objects.select_for_update().filter(token_family=family).order_by("pk")
    list(first.values_list("pk")[:1])


def _living(family: uuid.UUID) -> QuerySet[RefreshToken]:
    return RefreshToken.objects.filter(token_family=family, revoked=None)


def _reused(
    kind: Kind, application: Application, person: object, family: uuid.UUID, now: datetime, *, ends: bool
) -> None:
    history.record(
        kind,
        actor=history.application_actor(application),
        at=now,
        application=application,
        person=str(person),
        family=str(family),
        family_ended=ends,
    )
    if ends:
        RefreshToken.revoke_family(family)
