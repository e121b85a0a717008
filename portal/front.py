"""The front page: three doors, for owners, developers and staff."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from vehicles import origins


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Say what this portal is, and lead everyone to their door."""
    context = {
        "public_url": settings.PUBLIC_URL,
        "tesla_apps_page": origins.third_party_apps_page("live"),
        "sdk_origins": (
            ("SMARTCAR_API_ORIGIN", settings.PUBLIC_URL),
            ("SMARTCAR_CONNECT_ORIGIN", settings.PUBLIC_URL),
            ("SMARTCAR_AUTH_ORIGIN", f"{settings.PUBLIC_URL}/oauth/token"),
        ),
    }
    return render(request, "portal/front.html", context)
