"""Health: whether the process answers, and whether it can do its work. Never calls Tesla."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from portal.celery import app
from portal.running.cache import STRICT

log = logging.getLogger(__name__)

BROKER_TIMEOUT_SECONDS: Final = 2
OLDEST_SECONDS: Final = 30.0
_PROBE_BYTES: Final = 65536
OK: Final = "ok"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; touches nothing else, so that a slow database gets nobody killed."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all that the portal works with is there and can be written, else 503; says what is not, and not why.

    One request checks at a time. Those that come meanwhile get what was found last, and `age_seconds` says how old that
    is; what is older than a probe may take counts no more.
    """
    found, age = _READINESS.newest()
    ready = age <= OLDEST_SECONDS and all(word == OK for word in found.values())
    body = {"status": OK if ready else "unavailable", **found, "age_seconds": round(age, 1)}
    return JsonResponse(body, status=200 if ready else 503)


class NotWritable(OSError):
    """It is there, and takes nothing."""


class Readiness:
    """What was found last, and when."""

    def __init__(self) -> None:
        self._checking = threading.Lock()
        self._found: dict[str, str] = {}
        self._began = 0.0

    def newest(self) -> tuple[dict[str, str], float]:
        """A word for each part, and how many seconds ago checking began."""
        # Only the very first have to wait for what somebody else checks.
        if self._checking.acquire(blocking=not self._found):
            try:
                began = time.monotonic()
                self._found = {name: _word(name, check) for name, check in CHECKS.items()}
                self._began = began
            finally:
                self._checking.release()
        return self._found, time.monotonic() - self._began


_READINESS: Final = Readiness()


def _word(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except NotWritable as failure:
        log.warning("not ready: %s cannot be written: %s", name, failure)
        return "not writable"
    except (DatabaseError, OperationalError, RedisError, OSError) as failure:
        log.warning("not ready: %s: %s", name, type(failure).__name__)
        return "unreachable"
    return OK


def _database() -> None:
    """Raises `DatabaseError`, or `NotWritable` where a statement that writes is refused, or finds it locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE vehicles_ratebudget SET used = used WHERE 1 = 0")
    except DatabaseError as failure:
        raise NotWritable(type(failure).__name__) from failure
    if connection.vendor == "sqlite":
        _write_in(Path(connection.settings_dict["NAME"]).parent)


def _broker() -> None:
    """Raises `OperationalError` or `OSError`, and `NotWritable`: the file system's broker is its folder."""
    folder = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}).get("data_folder_out")
    if folder is not None:
        _write_in(Path(folder))
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)


def _disk() -> None:
    """Raises `NotWritable` where our own folder takes no file."""
    _write_in(settings.VAR_DIR)


def _cache() -> None:
    """Raises what the cache raises, and `NotWritable` where it keeps nothing."""
    token, cache = uuid.uuid4().hex, caches[STRICT]
    cache.set("readyz", token, timeout=60)
    if cache.get("readyz") is None:
        raise NotWritable("nothing was kept")


def _write_in(folder: Path) -> None:
    """Write a small file that has no name and is gone at once. Raises `NotWritable`, and `OSError` for no folder."""
    folder.stat()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * _PROBE_BYTES)
            file.flush()
            os.fsync(file.fileno())
    except OSError as failure:
        raise NotWritable(os.strerror(failure.errno or 0)) from failure


CHECKS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "broker": _broker,
    "disk": _disk,
    "cache": _cache,
}

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
