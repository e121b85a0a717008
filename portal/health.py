"""Health: whether the process answers, and whether it can do its work. Never calls Tesla."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from portal.celery import app

log = logging.getLogger(__name__)

BROKER_TIMEOUT_SECONDS: Final = 2


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; touches nothing else, so that a slow database gets nobody killed."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database and the broker can be reached, else 503; says which, and nothing about why."""
    found = {name: _works(name, check) for name, check in CHECKS.items()}
    ready = all(found.values())
    parts = {name: "ok" if works else "unreachable" for name, works in found.items()}
    return JsonResponse({"status": "ok" if ready else "unavailable", **parts}, status=200 if ready else 503)


def _works(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except (DatabaseError, OperationalError, OSError) as failure:
        log.warning("not ready: %s: %s", name, type(failure).__name__)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _broker() -> None:
    """Raises `OperationalError` or `OSError`. The file system's broker is its folder, which must be writable."""
    folder = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}).get("data_folder_out")
    if folder is not None and not os.access(folder, os.W_OK):
        raise PermissionError(folder)
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)


CHECKS: Final[dict[str, Callable[[], None]]] = {"database": _database, "broker": _broker}

PROBES: Final[dict[str, Callable[[HttpRequest], HttpResponse]]] = {"healthz": healthz, "readyz": readyz}


def addresses() -> list[URLPattern]:
    """The patterns of the probes, for the address map."""
    return [path(name, view, name=name) for name, view in PROBES.items()]


class HealthMiddleware:
    """Answers the probes before anything asks for the host name: probes come by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return PROBES.get(request.path_info.removeprefix("/"), self.get_response)(request)
