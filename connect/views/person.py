"""The person's own page at the edge: sign in at Tesla, look, take away, delete, leave."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connect.models import PersonVisit
from connect.person import forgetting, person_page, person_visit
from connect.run import address_limits, browser
from connect.run.tesla_login import Return
from connect.views import pages
from connect.views.current_run import shows_problems
from vehicles import history
from vehicles.models import Mode, User
from vehicles.origins import available

PersonView = Callable[[HttpRequest, User], HttpResponse]


@never_cache
@require_safe
def person(request: HttpRequest) -> HttpResponse:
    """What this person allows, once they signed in; before that, the way to Tesla."""
    who = person_visit.person_of(browser.secret_of(request), timezone.now())
    if who is None:
        return pages.show(request, "person_sign_in", None, mode=_mode(request))
    return pages.show(
        request,
        "person",
        None,
        allowed=person_page.allowed(who),
        third_party_apps=person_page.third_party_apps(who),
    )


@never_cache
@require_POST
@shows_problems()
def sign_in(request: HttpRequest) -> HttpResponse:
    """To Tesla's login, which only says who somebody is."""
    secret, now = browser.secret_of(request) or browser.new_secret(), timezone.now()
    address_limits.count(request.META.get("REMOTE_ADDR", ""), now)
    response = HttpResponseRedirect(person_visit.to_tesla(_mode(request), secret, now))
    browser.remember(response, secret)
    return response


def _mode(request: HttpRequest) -> str:
    wanted = request.POST.get("mode") or request.GET.get("mode", "")
    return wanted if wanted == Mode.SIMULATED and available(Mode.SIMULATED) else Mode.LIVE


@shows_problems(again="connect:person")
def returned(request: HttpRequest, visit: PersonVisit, sent_back: Return) -> HttpResponse:
    """The person came back from Tesla."""
    person_visit.complete(visit, sent_back, timezone.now())
    return browser.renewed(request, redirect("connect:person"))


def _of_person(view: PersonView) -> Callable[[HttpRequest], HttpResponse]:
    """Give the view whoever signed in with this browser; anybody else is sent to sign in."""

    @never_cache
    @require_POST
    @functools.wraps(view)
    def person_view(request: HttpRequest) -> HttpResponse:
        who = person_visit.person_of(browser.secret_of(request), timezone.now())
        return view(request, who) if who else redirect("connect:person")

    return person_view


@_of_person
def take_away(request: HttpRequest, who: User) -> HttpResponse:
    """Tell what will end, then on confirmation end it."""
    rows = person_page.chosen(who, request.POST.getlist("grant"))
    if not rows:
        return redirect("connect:person")
    if "confirmed" not in request.POST:
        return pages.show(
            request, "person_take_away", None, grants=rows, vehicles=[row.connection.vehicle for row in rows]
        )
    person_page.take_away(who, rows, timezone.now())
    return redirect("connect:person")


@_of_person
def delete(request: HttpRequest, who: User) -> HttpResponse:
    """Tell what deleting means, then on confirmation delete everything that is kept of the person."""
    third_party_apps = person_page.third_party_apps(who)
    if "confirmed" not in request.POST:
        names = [entry.application.name for entry in person_page.allowed(who)]
        return pages.show(
            request, "person_delete", None, applications=names, third_party_apps=third_party_apps
        )
    forgetting.erase([who], actor=history.person(who), now=timezone.now())
    return pages.show(request, "person_deleted", None, third_party_apps=third_party_apps)


@_of_person
def leave(request: HttpRequest, who: User) -> HttpResponse:
    """Sign out here."""
    person_visit.leave(browser.secret_of(request))
    return redirect("connect:person")
