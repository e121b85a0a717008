"""What every request passes: its id, in the answer and all that is written; and the policy of staff screens."""

from __future__ import annotations

import logging
from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from vehicles import request_id
from vehicles.db.outage import is_database_away

log = logging.getLogger(__name__)


class RequestIdMiddleware:
    """Begins a request id and puts it on every answer as `SC-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        value = request_id.begin()
        response = self.get_response(request)
        response["SC-Request-Id"] = value
        return response


class LanguageMiddleware(LocaleMiddleware):
    """The language of the person's choice or browser; staff screens speak English throughout."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith("/admin/"):
            translation.activate("en")
            request.LANGUAGE_CODE = "en"
        else:
            super().process_request(request)


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Puts the policy on every page. An answer that brings its own, as the API's do, is left alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if HEADER in response else super().process_response(request, response)


class StaffContentSecurityPolicyMiddleware:
    """Loosens the policy for staff screens, and only there: their theme evaluates expressions and styles inline.

    Stands inside `ContentSecurityPolicyMiddleware`, which writes the header from what is noted here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/"):
            response._csp_update = settings.STAFF_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]
        return response


class RequestIdFilter(logging.Filter):
    """Makes `%(request_id)s` available to the log format."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.current() or "-"
        return True


class OnlyWhatBrokeFilter(logging.Filter):
    """Keeps what failed with a trace; an error that was answered on purpose becomes a line of its own at INFO.

    Django logs every status from 500 on as an error, also where a view refuses what no car can do.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and is_database_away(record.exc_info[1]):
            log.warning("answered while the database is away: %s", record.getMessage())
            return False
        if record.exc_info or not hasattr(record, "status_code"):
            return True
        log.info("answered %s: %s", record.status_code, record.getMessage())
        return False
