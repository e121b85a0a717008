"""The bulkhead: how many threads of a process may wait for Tesla at once, so that some stay free.

Who waits for somebody else's call, for a turn, or for a car to wake, waits for Tesla too.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from django.conf import settings

from vehicles import errors
from vehicles.db.connections import let_go_of_database
from vehicles.errors import CatalogueError

OVERLOADED_SECONDS: Final = 2


@contextmanager
def slot() -> Iterator[None]:
    """A place for one call to Tesla. The database connection is given back for the wait."""
    with place():
        let_go_of_database()
        yield


@contextmanager
def place() -> Iterator[None]:
    """A place among those that may wait for Tesla at once, so that threads stay free for everything else.

    Raises SERVER:OVERLOADED when all are taken. A thread that has a place keeps it for everything inside.
    """
    if getattr(_OF_THREAD, "has_place", False):
        yield
        return
    slots = _slots(settings.TESLA_UPSTREAM_SLOTS)
    if not slots.acquire(blocking=False):
        raise CatalogueError(
            errors.OVERLOADED, retry_after=OVERLOADED_SECONDS, reason="no upstream slot is free"
        )
    _OF_THREAD.has_place = True
    try:
        yield
    finally:
        _OF_THREAD.has_place = False
        slots.release()


_OF_THREAD: Final = threading.local()


@lru_cache(maxsize=1)
def _slots(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)
