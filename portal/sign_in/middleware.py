"""The answer to who may not try now: a page that says how long, with the same as `Retry-After`."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.sign_in.hashing import TooManyAtOnce
from portal.sign_in.limits import TooManyAttempts
from portal.sign_in.trail import ACTING


class SignInMiddleware:
    """Stands behind what finds the user. Also tells the trail which request is behind what happens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = ACTING.set(request)
        try:
            return self.get_response(request)
        finally:
            ACTING.reset(token)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page; None, for Django to go on, where something else is wrong."""
        if isinstance(exception, TooManyAttempts):
            status = HTTPStatus.TOO_MANY_REQUESTS
        elif isinstance(exception, TooManyAtOnce):
            status = HTTPStatus.SERVICE_UNAVAILABLE
        else:
            return None
        context = {
            "minutes": -(-exception.retry_after // 60),
            "is_busy": status == HTTPStatus.SERVICE_UNAVAILABLE,
        }
        page = render(request, "portal/sign_in_later.html", context, status=status)
        page["Retry-After"] = str(exception.retry_after)
        page["Cache-Control"] = "no-store"
        return page
