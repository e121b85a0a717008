"""The fix-it page at the edge: to read, and its state to tick steps by. Nothing on it can be pressed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connect.links import fix_link
from connect.problems import support_codes
from connect.problems.catalogue import ConnectProblem
from connect.run import browser
from connect.views import pages
from connect.views.current_run import shows_problems


@never_cache
@require_safe
@shows_problems()
def fix(request: HttpRequest, word: str) -> HttpResponse:
    """What the person does, car by car."""
    now = timezone.now()
    link, secret = fix_link.open_link(word, now), browser.secret_of(request)
    found = fix_link.cars(link, now, secret)
    return pages.show(
        request,
        "fix",
        None,
        application=link.application,
        link=link,
        word=word,
        cars=found,
        vehicles=[car.vehicle for car in found],
        all_named=all(car.is_named for car in found),
        pausing=fix_link.pausing(link, secret, now),
        support_code=support_codes.shown(link.support_code),
    )


@never_cache
@require_safe
def fix_state(request: HttpRequest, word: str) -> JsonResponse:
    """`{"open": [keys of the steps left], "done": [keys of the others]}`; 404 for a link that is not in order."""
    now = timezone.now()
    try:
        found = fix_link.cars(fix_link.open_link(word, now), now)
    except ConnectProblem:
        return JsonResponse({}, status=404)
    steps = [step for car in found for step in car.steps]
    return JsonResponse(
        {
            "open": [step.key for step in steps if not step.is_done],
            "done": [step.key for step in steps if step.is_done],
        }
    )
