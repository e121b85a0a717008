"""The fix-it page at the edge: to read, and its state to tick steps by. Nothing on it can be pressed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from connect import browser, fixit, pages, support_codes
from connect.problems import ConnectProblem
from connect.run_view import shows_problems


@never_cache
@require_safe
@shows_problems()
def fix(request: HttpRequest, word: str) -> HttpResponse:
    """What the person does, car by car."""
    now = timezone.now()
    link, secret = fixit.read(word, now), browser.secret_of(request)
    found = fixit.cars(link, now, secret)
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
        pausing=fixit.pausing(link, secret, now),
        support_code=support_codes.shown(link.support_code),
    )


@never_cache
@require_safe
def fix_state(request: HttpRequest, word: str) -> JsonResponse:
    """`{"open": [keys of the steps left], "done": [keys of the others]}`; 404 for a link that is not in order."""
    now = timezone.now()
    try:
        found = fixit.cars(fixit.read(word, now), now)
    except ConnectProblem:
        return JsonResponse({}, status=404)
    steps = [step for car in found for step in car.steps]
    return JsonResponse(
        {
            "open": [step.key for step in steps if not step.is_done],
            "done": [step.key for step in steps if step.is_done],
        }
    )
