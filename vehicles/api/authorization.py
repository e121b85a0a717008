"""Bearer tokens: who calls, for which person, and how far the token reaches.

One query by an indexed checksum, whose answer counts for a few seconds in this process: an application asks again and
again with the same token. So a token that was taken back works for no longer than that; what the person gave, and
whether anything is paused, is read anew with every request.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from vehicles import access, errors
from vehicles.api import token_scope
from vehicles.db.compiled_queries import Given, Prepared
from vehicles.db.process_cache import Recent
from vehicles.errors import CatalogueError
from vehicles.models import Application, User

SEEN_FOR: Final = timedelta(seconds=4)


@dataclass(frozen=True, slots=True)
class Caller:
    """What a valid token stands for. `only_connection` is the one vehicle id that it reaches; empty: all of them."""

    application: Application
    person: User
    only_connection: str


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`: `request.user` becomes the person, `request.auth` the `Caller`.

    Raises AUTHENTICATION for a header that is missing or malformed and for a token that is unknown or expired.
    """

    def authenticate(self, request: Request) -> tuple[User, Caller]:
        caller = caller_of(request.headers.get("Authorization", ""))
        return caller.person, caller

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def caller_of(authorization: str) -> Caller:
    """The caller behind the value of an Authorization header. Raises AUTHENTICATION."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise CatalogueError(errors.AUTHENTICATION, reason="no bearer token")
    checksum, now = hashlib.sha256(token.strip().encode(errors="replace")).hexdigest(), timezone.now()
    seen = SEEN.get(checksum)
    if seen is None or not seen.since <= now < seen.until:
        seen = SEEN.keep(checksum, _read_token(checksum, now))
    return seen.caller


def _read_token(checksum: str, now: datetime) -> _Seen:
    rows = _VALID.rows(checksum=checksum, now=now)
    reach = token_scope.only_connection(rows[0].scope) if rows else None
    if reach is None:
        SEEN.forget(checksum)
        raise CatalogueError(errors.AUTHENTICATION, reason="the token is unknown or expired")
    caller = Caller(rows[0].application, rows[0].user, reach)
    return _Seen(caller, now, min(now + SEEN_FOR, rows[0].expires))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A caller, and from when until when their token counts as valid without being read again."""

    caller: Caller
    since: datetime
    until: datetime


SEEN: Final = Recent[str, _Seen](10_000)


_UNASKED: Final = (
    *("token", "id_token", "source_refresh_token", "created", "updated"),
    *("user__password", "user__last_login", "user__first_name", "user__last_name", "user__date_joined"),
    *(f"application__{name}" for name in access.UNASKED_OF_APPLICATION),
)
_VALID: Final = Prepared(
    lambda: (
        AccessToken.objects.filter(
            token_checksum=Given("checksum"),
            expires__gt=Given("now"),
            user__is_active=True,
            application__isnull=False,
        )
        .select_related("application", "user")
        .defer(*_UNASKED)
    )
)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names the bearer token."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme in OpenAPI's words."""
        return {"type": "http", "scheme": "bearer"}
