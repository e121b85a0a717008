"""Errors on the wire: every failure under `/v2.0` becomes this JSON, whatever raised it.

Clients of the original API depend on which keys are there: `code` may be null, but `resolution.url`,
`suggestedUserMessage` and `detail` are left out rather than null.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DataError
from django.http import Http404, JsonResponse
from django.utils.translation import get_language, gettext
from rest_framework import exceptions

from vehicles import errors, request_id
from vehicles.api import refused
from vehicles.db.outage import RETRY_SECONDS, is_database_away
from vehicles.errors import CatalogueError, ErrorSpec

log = logging.getLogger(__name__)

NOT_STORABLE: Final = (DataError, OverflowError, UnicodeEncodeError)
"""Raised for a value that the database does not take: a NUL, half a surrogate pair, a text or number too large."""

MEANINGS: Final[tuple[tuple[type[Exception], ErrorSpec], ...]] = (
    (exceptions.NotAuthenticated, errors.AUTHENTICATION),
    (exceptions.AuthenticationFailed, errors.AUTHENTICATION),
    (exceptions.PermissionDenied, errors.PERMISSION),
    (PermissionDenied, errors.PERMISSION),
    (exceptions.MethodNotAllowed, errors.PATH_NOT_FOUND),
    (exceptions.NotFound, errors.PATH_NOT_FOUND),
    (Http404, errors.PATH_NOT_FOUND),
    (exceptions.ParseError, errors.VALIDATION),
    (exceptions.UnsupportedMediaType, errors.VALIDATION),
    (exceptions.NotAcceptable, errors.VALIDATION),
    (exceptions.ValidationError, errors.VALIDATION),
    (SuspiciousOperation, errors.VALIDATION),
    *((kind, errors.VALIDATION) for kind in NOT_STORABLE),
)
"""What the frameworks' own exceptions mean to the caller; first match wins."""


def render_exception(failure: Exception, context: dict[str, Any]) -> JsonResponse:
    """The answer for whatever a view raised. Surprises are logged with their trace and answered SERVER:INTERNAL."""
    error = _meant(failure)
    request = context.get("request")
    if request and error.spec is not errors.UNAVAILABLE:
        refused.note(request, error)
    answer = error_response(error)
    if "WWW-Authenticate" in answer and context.get("view"):
        answer["WWW-Authenticate"] = context["view"].get_authenticate_header(request)
    return answer


def _meant(failure: Exception) -> CatalogueError:
    if isinstance(failure, CatalogueError):
        log.info("answered %s: %s", failure, failure.reason or "-")
        return failure
    if is_database_away(failure):
        return database_away(failure)
    spec = next((spec for kind, spec in MEANINGS if isinstance(failure, kind)), None)
    if isinstance(failure, NOT_STORABLE):
        log.warning("a value that cannot be stored", exc_info=failure)
    if spec is None:
        log.error("unexpected failure", exc_info=failure)
        spec = errors.INTERNAL
    return CatalogueError(spec)


def database_away(failure: BaseException | None) -> CatalogueError:
    """What is told while the database is away. Whether a command was sent is for its row to tell, once it is back."""
    log.warning("the database is away: %s", type(failure).__name__)
    return CatalogueError(errors.UNAVAILABLE, retry_after=RETRY_SECONDS)


def error_response(error: CatalogueError) -> JsonResponse:
    """The error as clients of the original API parse it; the sentence for the person in the language asked for."""
    spec = error.spec
    body: dict[str, Any] = {
        "type": spec.type,
        "code": spec.code,
        "description": error.description,
        "docURL": settings.PUBLIC_URL + spec.page,
        "statusCode": spec.status,
        "requestId": request_id.current(),
        "resolution": _resolution(error),
    }
    detail = _detail(error)
    user_message = gettext(error.user_message) if error.user_message else None
    optional = {"suggestedUserMessage": user_message, "detail": detail}
    body |= {key: value for key, value in optional.items() if value}
    return JsonResponse(body, status=spec.status, headers=_headers(error))


def _resolution(error: CatalogueError) -> dict[str, str | None]:
    if error.resolution_withheld:
        return {"type": None}
    resolution = {"type": error.spec.resolution}
    return resolution | {"url": error.resolution_url} if error.resolution_url else resolution


def _detail(error: CatalogueError) -> list[dict[str, Any]]:
    detail = list(error.detail or ())
    if error.command_id:
        detail.append({"field": "commandId", "message": error.command_id})
    return detail


def _headers(error: CatalogueError) -> dict[str, str]:
    spoken = {
        settings.LANGUAGE_CODE: None,
        (error.user_message and get_language()) or settings.LANGUAGE_CODE: None,
    }
    headers = {"Content-Language": ", ".join(spoken), "Vary": "Accept-Language"}
    if error.spec is errors.AUTHENTICATION:
        headers["WWW-Authenticate"] = "Bearer"
    # The SDKs count the fields of a PERMISSION error, and the header would become one.
    elif error.retry_after is not None and error.spec is not errors.PERMISSION:
        headers["Retry-After"] = str(int(error.retry_after))
    return headers
