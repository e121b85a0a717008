"""The portal's addresses, and beside them the stock way: a plain view that passes the call through."""

from __future__ import annotations

import json

import urllib3
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

_pool = urllib3.PoolManager(maxsize=8, retries=False)


@csrf_exempt
def passed_through(request: HttpRequest, vin: str) -> JsonResponse:
    """Hand the message to Tesla as it came, and Tesla's answer back."""
    address = f"{settings.TESLA_API_URL}/api/1/vehicles/{vin}/signed_command"
    headers = {"Content-Type": "application/json", "Authorization": request.headers["Authorization"]}
    answer = _pool.request("POST", address, body=request.body, headers=headers)
    return JsonResponse(json.loads(answer.data), status=answer.status)


urlpatterns = [path("passed-through/<str:vin>", passed_through), path("", include("portal.urls"))]
