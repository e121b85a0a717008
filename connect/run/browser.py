"""The browser that began something: a random cookie, of which the row keeps the SHA-256. Nobody else can go on with it.

Whoever signs in gets a new secret: a copy that somebody took of the old one, or planted, opens nothing of theirs.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from connect.models import ConnectSession, OwnerVisit, PersonVisit
from vehicles.client_credentials import checksum

_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LIFETIME_SECONDS: Final = 24 * 3600
_MOST_EARLIER: Final = 5
BOUND: Final = (ConnectSession, OwnerVisit, PersonVisit)
"""What belongs to one browser, by its `browser_checksum`."""


def secret_of(request: HttpRequest) -> str:
    """The browser's secret; empty when it has none of ours."""
    value = request.COOKIES.get(_cookie_name(), "")
    return value if _SHAPE.fullmatch(value) else ""


def new_secret() -> str:
    """32 random bytes for a browser that comes for the first time."""
    return secrets.token_urlsafe(32)


def remember(response: HttpResponse, secret: str) -> None:
    """Give the browser its secret. Lax: coming back from Tesla is a top-level GET and must carry it."""
    response.set_cookie(
        _cookie_name(),
        secret,
        max_age=_LIFETIME_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SECURE,
    )


def renewed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response with a new secret, by which everything that this browser began goes on, and nothing by the old one.

    For the answer to a sign-in (OWASP Session Management: renew the session id after any privilege level change).
    """
    before, secret = checksum(secret_of(request)), new_secret()
    with transaction.atomic():
        for model in BOUND:
            model.objects.filter(browser_checksum=before).update(browser_checksum=checksum(secret))
    remember(response, secret)
    response.set_cookie(
        _earlier_name(),
        signing.dumps([before, *_earlier(request)][:_MOST_EARLIER], salt=_salt(secret)),
        max_age=_LIFETIME_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SECURE,
    )
    return response


def was_of(request: HttpRequest, session: ConnectSession) -> bool:
    """Whether the run was shown in this browser before it signed in elsewhere and got a new secret."""
    return session.browser_checksum in _earlier(request)


def _earlier(request: HttpRequest) -> list[str]:
    """The checksums of this browser's earlier secrets. Signed for its present one, so that nobody else's count."""
    try:
        told: list[str] = signing.loads(
            request.COOKIES.get(_earlier_name(), ""),
            salt=_salt(secret_of(request)),
            max_age=_LIFETIME_SECONDS,
        )
    except signing.BadSignature:
        return []
    return told


def _salt(secret: str) -> str:
    return f"connect.run.browser.earlier.{checksum(secret)}"


def is_of(session: ConnectSession, secret: str) -> bool:
    """Whether the run began in the browser with this secret."""
    return has_checksum(secret, session.browser_checksum)


def has_checksum(secret: str, kept: str) -> bool:
    """Whether this is the secret of which the checksum was kept."""
    return bool(secret) and hmac.compare_digest(kept, checksum(secret))


def _earlier_name() -> str:
    return f"{_cookie_name()}_earlier"


def _cookie_name() -> str:
    # The prefix makes browsers refuse this cookie from other subdomains; it demands https.
    return "__Host-carport_connect" if settings.SECURE else "carport_connect"
