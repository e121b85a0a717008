"""Hashing a password takes a third of a second of a processor, on purpose: few at a time, so that all else goes on.

The bound is in the hasher itself: whoever hashes a password, at sign-in or where a password is set, passes it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from vehicles.db.connections import let_go_of_database

AT_ONCE: Final = 1
"""Passwords hashed at a time in one process: about three a second, with at least one processor left for the rest."""
MOST_IN_LINE: Final = 7
"""Threads that hash or wait for it."""
MOST_OF_ONE: Final = 3
"""Of these, threads that work for the same client."""
PATIENCE_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 2


@dataclass(eq=False)
class TooManyAtOnce(Exception):
    """Others are hashing passwords at this moment; a moment later it will work."""

    retry_after: int = RETRY_SECONDS


class Line:
    """Threads that hash a password one after the other. No more wait than the line is long."""

    def __init__(self) -> None:
        self._working = threading.BoundedSemaphore(AT_ONCE)
        self._changing = threading.Lock()
        self._in_line: Counter[str] = Counter()
        self._of_thread = threading.local()

    @contextmanager
    def turn(self, client: str = "") -> Iterator[None]:
        """A turn, waited for without a database connection. A thread that has one keeps it for everything inside.

        Raises `TooManyAtOnce` where the line, or the part of it that one client gets, is full or does not move.
        """
        if getattr(self._of_thread, "has_turn", False):
            yield
            return
        self._enter(client)
        try:
            let_go_of_database()
            if not self._working.acquire(timeout=PATIENCE_SECONDS):
                raise TooManyAtOnce
            self._of_thread.has_turn = True
            try:
                yield
            finally:
                self._of_thread.has_turn = False
                self._working.release()
        finally:
            self._leave(client)

    def _enter(self, client: str) -> None:
        with self._changing:
            is_full = self._in_line.total() >= MOST_IN_LINE
            if is_full or (client and self._in_line[client] >= MOST_OF_ONE):
                raise TooManyAtOnce
            self._in_line[client] += 1

    def _leave(self, client: str) -> None:
        with self._changing:
            self._in_line[client] -= 1
            if not self._in_line[client]:
                del self._in_line[client]


LINE: Final = Line()


class OneAtATimeHasher(PBKDF2PasswordHasher):
    """Django's own hash, in turn."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """The hash as it is stored. Raises `TooManyAtOnce`."""
        with LINE.turn():
            return super().encode(password, salt, iterations)
