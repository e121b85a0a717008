"""The owner's link at the edge: the page, the way to Tesla and back, and whether the key is on the car."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connect.links import owner_link
from connect.models import OwnerVisit
from connect.problems.catalogue import OF_SIGN_IN, TESLA_UNREACHABLE_AT_SIGN_IN, ConnectProblem
from connect.run import address_limits, browser
from connect.run.tesla_login import Return
from connect.views import pages
from connect.views.current_run import shows_problems
from connect.views.keys import state_of
from vehicles.errors import CatalogueError


@never_cache
@require_safe
@shows_problems()
def owner(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link: sign in first, then the key."""
    now = timezone.now()
    link = owner_link.open_link(token, now)
    visit = owner_link.visit_of(link, browser.secret_of(request))
    try:
        return pages.owner(request, link, owner_link.key_page(visit, now) if visit else None)
    except ConnectProblem as stopped:
        return pages.owner(request, link, None, problem=stopped.problem)


@never_cache
@require_POST
@shows_problems()
def owner_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """To Tesla's login, in the browser of whoever opened the link."""
    now = timezone.now()
    link = owner_link.open_link(token, now)
    secret = browser.secret_of(request) or browser.new_secret()
    address_limits.count(request.META.get("REMOTE_ADDR", ""), now)
    another = bool(request.POST.get("another"))
    response = HttpResponseRedirect(owner_link.to_tesla(link, secret, now, another_account=another))
    browser.remember(response, secret)
    return response


@never_cache
@require_safe
def owner_key_state(request: HttpRequest, token: str) -> JsonResponse:
    """Whether the key is on the car by now; 404 for a link that is not in order, or before the owner signed in."""
    now = timezone.now()
    try:
        visit = owner_link.visit_of(owner_link.open_link(token, now), browser.secret_of(request))
        if visit:
            return JsonResponse(state_of(owner_link.key_page(visit, now)))
    except ConnectProblem:
        pass
    return JsonResponse({}, status=404)


@shows_problems()
def returned(request: HttpRequest, visit: OwnerVisit, sent_back: Return) -> HttpResponse:
    """The owner came back from Tesla: on to the key, or the page once more with what stood in the way."""
    now = timezone.now()
    link = owner_link.link_of(visit, now)
    try:
        owner_link.complete(visit, sent_back, now)
    except ConnectProblem as stopped:
        problem = stopped.problem
    except CatalogueError as failure:
        problem = OF_SIGN_IN.get(failure.spec.name, TESLA_UNREACHABLE_AT_SIGN_IN)
    else:
        return browser.renewed(request, redirect("connect:owner", link.token))
    return pages.owner(request, link, None, problem=problem)
