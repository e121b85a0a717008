"""Runs in a window that the application's page opened: how the two stay in touch, and how the answer gets across."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connect.authorize import redirect_uris
from connect.authorize.addresses import in_one_form
from connect.problems import catalogue
from connect.views import pages

_POLICY: Final = "Cross-Origin-Opener-Policy"


def keeps_opener(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the window keep its `opener` across this page.

    One page without this cuts the application's window off for good. Reading or changing our pages from there stays
    impossible, since it is another origin.
    """

    @functools.wraps(view)
    def in_a_window(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response[_POLICY] = "unsafe-none"
        return response

    return in_a_window


@keeps_opener
@never_cache
@require_safe
def redirect_page(request: HttpRequest) -> HttpResponse:
    """Where runs of browser clients end: hands what stands in the query to the window that opened this one.

    Only to the origin named, and only to a registered one: a code must reach nobody else.
    """
    origin = next(iter(in_one_form([request.GET.get("app_origin", "")])), "")
    if not redirect_uris.is_registered(origin):
        return pages.problem(request, catalogue.UNKNOWN_ORIGIN)
    return render(request, "connect/redirect.html", {"app_origin": origin})
