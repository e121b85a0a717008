"""The portal's addresses, and one that tells what arrived."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from portal.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500"]


@csrf_exempt
def arrived(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "path": request.path,
            "client": request.META["REMOTE_ADDR"],
            "secure": request.is_secure(),
            "host": request.get_host(),
            "script_name": request.META["SCRIPT_NAME"],
            "fields": sorted(name for name in request.META if name.startswith("HTTP_")),
            "body": request.body.decode(),
        }
    )


urlpatterns = [path("arrived", arrived), path("v2.0/arrived", arrived), *urlpatterns]
