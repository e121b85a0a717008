"""The language of the pages: the browser's, unless somebody chose one; kept in a cookie that says nothing else."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

_A_YEAR = 365 * 24 * 3600


@never_cache
@require_safe
def choose(request: HttpRequest, code: str) -> HttpResponse:
    """Remember the language and go back to the page of ours in `next`; any other address leads to the front page."""
    onward = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(onward, allowed_hosts=None):
        onward = "/"
    response = HttpResponseRedirect(onward)
    if code in dict(settings.LANGUAGES) and check_for_language(code):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, code, max_age=_A_YEAR, samesite="Lax", secure=settings.SECURE
        )
    return response
