"""What `docURL` leads to: a page for each error of the API, and one that lists them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from vehicles import origins, simulated_errors
from vehicles.api.error_responses import error_response
from vehicles.errors import CATALOGUE, DOCUMENTATION, ONLY_SIMULATED, VIRTUAL_KEY_REQUIRED, ErrorSpec
from vehicles.translatable import gettext_noop

DEVELOPER: Final = gettext_noop("You, who develop the application.")
PERSON: Final = gettext_noop("The owner or driver of the car.")
OPERATOR: Final = gettext_noop("Those who run this portal.")
NOBODY: Final = gettext_noop("Nobody: it passes by itself.")


@dataclass(frozen=True, slots=True)
class Guide:
    """Whose turn it is, and what the developer of an application does next."""

    actor: str
    next_step: str


_AGAIN: Final = gettext_noop(
    "Send the person to the address in the resolution. When they are back, send the request again."
)
_LATER: Final = gettext_noop(
    "Send the request again after a minute, and let the pauses grow. A command whose outcome is unknown names its id "
    "in the detail: look at the car before you send it again, or repeat it with the same Idempotency-Key."
)
_WAIT: Final = gettext_noop(
    "Wait for the number of seconds in the Retry-After header, then send the request again."
)
_TELL: Final = gettext_noop(
    "Show the sentence for the person. When they have done what it says, send the request again."
)
_NEVER: Final = gettext_noop(
    "Do not send this request to this car again: it will not work later either. Hide the feature."
)
_ASK: Final = gettext_noop("Ask those who run this portal, and give them the request id.")
GUIDES: Final[dict[str, Guide]] = {
    "AUTHENTICATION": Guide(
        DEVELOPER,
        gettext_noop(
            "Get a new access token with the refresh token, and send it as Bearer in the Authorization header. When "
            "the refresh token is refused too, send the person through Connect again."
        ),
    ),
    "PERMISSION": Guide(
        PERSON,
        gettext_noop(
            "Ask for the permission in the scope parameter of Connect, and send the person to the address in the "
            "resolution. Check the vehicle id too: a car that is not the person's is answered in the same way."
        ),
    ),
    "VALIDATION": Guide(
        DEVELOPER, gettext_noop("Mend the fields that the detail names, and send the request again.")
    ),
    "RESOURCE_NOT_FOUND": Guide(
        DEVELOPER, gettext_noop("Compare the address and the method with the documentation of the API.")
    ),
    "RATE_LIMIT": Guide(NOBODY, _WAIT),
    "RATE_LIMIT:SMARTCAR_API": Guide(
        DEVELOPER, gettext_noop("Spread your requests over time, and keep values that you asked for lately.")
    ),
    "BILLING": Guide(OPERATOR, _ASK),
    "COMPATIBILITY": Guide(DEVELOPER, _NEVER),
    "COMPATIBILITY:PLATFORM_NOT_CAPABLE": Guide(PERSON, _AGAIN),
    "CONNECTED_SERVICES_ACCOUNT": Guide(PERSON, _TELL),
    "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED": Guide(PERSON, _AGAIN),
    "CONNECTED_SERVICES_ACCOUNT:PERMISSION": Guide(PERSON, _AGAIN),
    "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED": Guide(
        PERSON,
        gettext_noop(
            "Show the person the link in the resolution; it opens on the phone that unlocks the car. Each car needs "
            "the key once. A driver gets a link for the owner, who alone can add it. Then send the command again."
        ),
    ),
    "SERVER": Guide(OPERATOR, _ASK),
    "SERVER:INTERNAL": Guide(
        OPERATOR,
        gettext_noop(
            "Send the request again later. If it goes on, give the request id to those who run this portal."
        ),
    ),
    "SERVER:OVERLOADED": Guide(NOBODY, _WAIT),
    "SERVER:UNAVAILABLE": Guide(OPERATOR, _WAIT),
    "UPSTREAM": Guide(NOBODY, _LATER),
    "UPSTREAM:KNOWN_ISSUE": Guide(
        OPERATOR,
        gettext_noop(
            "Ask tesla/diagnosis what holds the car back; it also says who acts. Then send the request again."
        ),
    ),
    "VEHICLE_STATE": Guide(PERSON, _TELL),
    "VEHICLE_STATE:ASLEEP": Guide(
        NOBODY,
        gettext_noop(
            "Send the request again when the car was used. Reading never wakes a car; commands do, unless that is "
            "switched off for your application."
        ),
    ),
    "VEHICLE_STATE:UNREACHABLE": Guide(NOBODY, _LATER),
    "VEHICLE_STATE:VEHICLE_OFFLINE_FOR_SERVICE": Guide(
        NOBODY, gettext_noop("Send the request again when the car is back from service.")
    ),
    "VEHICLE_STATE:FULLY_CHARGED": Guide(
        NOBODY,
        gettext_noop("There is nothing to do. To charge further, raise the limit first, then start again."),
    ),
    "VEHICLE_STATE:CHARGING_IN_PROGRESS": Guide(NOBODY, gettext_noop("There is nothing to do.")),
    "VEHICLE_STATE:NOT_CHARGING": Guide(
        DEVELOPER,
        gettext_noop("Start charging first, or read later: the value exists only while the car charges."),
    ),
    "VEHICLE_STATE:UNKNOWN": Guide(NOBODY, _LATER),
}
"""What is said of an error by its name, or else by its type."""

_CONNECT, _AGAIN_AT_TESLA = "/oauth/authorize?client_id=…", "/oauth/reauthenticate?client_id=…"
_LINKS: Final = {
    "PERMISSION": _CONNECT,
    "COMPATIBILITY:PLATFORM_NOT_CAPABLE": _CONNECT,
    "CONNECTED_SERVICES_ACCOUNT:PERMISSION": _CONNECT,
    "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED": _AGAIN_AT_TESLA,
}
"""The link in the resolution, shortened: the whole one belongs to one person and car."""

_OF_PAGE: Final = {spec.page.removeprefix(DOCUMENTATION): spec for spec in CATALOGUE.values()}


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Every error, by type."""
    ordered = sorted(CATALOGUE.values(), key=lambda spec: (spec.type, spec.code or ""))
    types = [
        (name, [_context(spec) for spec in specs]) for name, specs in groupby(ordered, lambda spec: spec.type)
    ]
    return _page(request, "portal/errors.html", {"types": types})


@require_safe
def explained(request: HttpRequest, name: str) -> HttpResponse:
    """One error: what it means, whose turn it is, what comes next, and how it looks."""
    spec = _OF_PAGE.get(name)
    if spec is None:
        raise Http404
    error = simulated_errors.example(spec)
    if spec is VIRTUAL_KEY_REQUIRED:
        error.resolution_url = origins.pairing_page("live")
    elif spec.name in _LINKS:
        error.resolution_url = settings.PUBLIC_URL + _LINKS[spec.name]
    answer = error_response(error)
    headers = {
        key: answer.headers[key] for key in ("Retry-After", "WWW-Authenticate") if key in answer.headers
    }
    context = {
        **_context(spec),
        "user_message": spec.user_message and gettext_lazy(spec.user_message),
        "headers": headers,
        "body": json.dumps(json.loads(answer.content), indent=2, ensure_ascii=False),
        "login": simulated_errors.login_of(spec),
        "is_only_simulated": spec in ONLY_SIMULATED,
    }
    return _page(request, "portal/error.html", context)


def _context(spec: ErrorSpec) -> dict[str, object]:
    guide = GUIDES.get(spec.name) or GUIDES[spec.type]
    return {
        "spec": spec,
        "meaning": gettext_lazy(spec.description),
        "actor": gettext_lazy(guide.actor),
        "next_step": gettext_lazy(guide.next_step),
    }


def _page(request: HttpRequest, template: str, context: dict[str, object]) -> HttpResponse:
    response = render(request, template, {**context, "overview": DOCUMENTATION})
    # Anybody's page may be kept on the way; the language can come from a cookie.
    patch_vary_headers(response, ["Cookie"])
    return response
