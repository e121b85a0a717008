"""Pages for what is not there and for what broke. Below a version everything is JSON, even then."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from connect.problems import fault_pages, support_codes
from portal.web.wire_errors import API
from vehicles import errors, request_id
from vehicles.api.error_responses import NOT_STORABLE, database_away, error_response
from vehicles.db.outage import RETRY_SECONDS, is_database_away
from vehicles.errors import CatalogueError

log = logging.getLogger(__name__)

_OF_OWNERS: Final = ("/connect/", "/fix/", "/oauth/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request itself makes no sense: a foreign host name, a cookie that was tampered with."""
    if API.match(request.path):
        return error_response(CatalogueError(errors.VALIDATION))
    context = _with_code(request, "This request cannot be answered")
    return render(request, "portal/bad_request.html", context, status=400)


def nothing_here(request: HttpRequest, shortcut: str) -> HttpResponse:
    """An address that a library offers and that leads nowhere here."""
    raise Http404


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is nothing at this address."""
    if API.match(request.path):
        return error_response(CatalogueError(errors.PATH_NOT_FOUND))
    return render(request, "portal/not_found.html", _with_code(request, "There is nothing here"), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Something broke. Shows the request id, by which staff find it in the log, and nothing else.

    Where it was the database that is away, 503 says when to come back.
    """
    if is_database_away(sys.exception()):
        return _unavailable(request)
    if API.match(request.path):
        return error_response(CatalogueError(errors.INTERNAL))
    context = {"request_id": request_id.current()}
    # Perhaps it is the database that broke, and then the request id has to do.
    with suppress(Exception):
        context |= _with_code(request, "Something went wrong")
    return render(request, "portal/server_error.html", context, status=500)


def _unavailable(request: HttpRequest) -> HttpResponse:
    if API.match(request.path):
        return error_response(database_away(sys.exception()))
    page = render(request, "portal/unavailable.html", {"request_id": request_id.current()}, status=503)
    page["Retry-After"] = str(RETRY_SECONDS)
    return page


def _with_code(request: HttpRequest, reason: str) -> dict[str, str]:
    """A support code where owners get to see the page; elsewhere nobody would read one out."""
    if not request.path.startswith(_OF_OWNERS):
        return {}
    return {"support_code": support_codes.shown(fault_pages.note(request, reason, timezone.now()))}


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Signed in, but not allowed to."""
    return render(request, "portal/forbidden.html", status=403)


class NotStorableMiddleware:
    """A value that the database does not take is the caller's fault, wherever it came in: 400, and a trace."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer for such a value; None, for Django to go on, where something else is wrong."""
        if not isinstance(exception, NOT_STORABLE):
            return None
        log.warning("a value that cannot be stored", exc_info=exception)
        return bad_request(request, exception)
