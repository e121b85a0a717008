"""The version in the path. Every version from 2.0 on is served alike; a path ends with or without a slash.

Whatever else stands under a version is answered as the API answers errors, never by a page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from vehicles import errors
from vehicles.api.error_responses import error_response
from vehicles.errors import CatalogueError

VEHICLE: Final = "vehicles/(?P<vehicle_id>[^/]+)"
"""The beginning of what concerns one car."""
_SERVED: Final = r"^v0*(?:[2-9]|[1-9][0-9]+)\.[0-9]+"
_ANYTHING: Final = r"(?:/[\s\S]*)?\Z"
_WITHOUT_VERSION: Final = r"^(?:v[^/]*|user|compatibility|management)"


def versioned(route: str, view: Callable[..., HttpResponseBase]) -> URLPattern:
    """The pattern for a view at `/v2.0/{route}` and every later version; `route` is a regular expression."""
    return re_path(rf"{_SERVED}/{route}/?\Z", view)


@csrf_exempt
def unknown_path(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """RESOURCE_NOT_FOUND:PATH, whatever the method."""
    return error_response(CatalogueError(errors.PATH_NOT_FOUND))


@csrf_exempt
def unknown_version(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """RESOURCE_NOT_FOUND:VERSION: no version, one that is no number, or one from before 2.0."""
    return error_response(CatalogueError(errors.VERSION_NOT_FOUND))


EVERYTHING_ELSE: Final = [
    re_path(rf"{_SERVED}{_ANYTHING}", unknown_path),
    re_path(rf"{_WITHOUT_VERSION}{_ANYTHING}", unknown_version),
]
"""Put these behind every other route that begins with a version."""
