"""Nudges: the worker is asked to do something soon, and nobody waits for whoever passes that on.

A lost nudge costs nothing but time: what a task does is also found by a regular one, from rows of the database. So no
request waits for the broker, no failure of it reaches a caller, and what the broker does not take is left undone.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import Any, Final, NamedTuple

from celery import Task
from django.db import transaction

log = logging.getLogger(__name__)

REST_SECONDS: Final = 10.0
"""For so long a broker that did not take a message is not asked again."""
COMPLAIN_SECONDS: Final = 60.0
_MOST_WAITING: Final = 200
"""Nudges beyond this number are left undone: the broker takes them more slowly than they come."""


class _Nudge(NamedTuple):
    task: Task
    args: tuple[Any, ...]
    named: dict[str, Any]


def nudge(task: Task, *args: Any, **named: Any) -> None:
    """Have the worker do this soon: once the running transaction is committed, and never where it is not.

    Returns at once and raises nothing, whatever the broker does.
    """

    def send() -> None:
        if task.app.conf.task_always_eager:
            task.apply(args, named)
        else:
            _SENDER.take(_Nudge(task, args, named))

    # Without a transaction there is nothing to wait for, and `on_commit` would connect to the database.
    if transaction.get_connection().in_atomic_block:
        transaction.on_commit(send, robust=True)
    else:
        send()


class _Sender:
    """Hands nudges to the broker in a thread of its own, which is all that a broker which hangs can hold up."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[_Nudge] = queue.Queue(_MOST_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.failed_at = self._complained_at = float("-inf")

    def take(self, nudge: _Nudge) -> None:
        """Send it soon; leave it undone while the broker rests, or where too many wait."""
        if time.monotonic() - self.failed_at < REST_SECONDS:
            return
        try:
            self._waiting.put_nowait(nudge)
        except queue.Full:
            self._complain("the broker is too slow: %s is left to its regular time", nudge.task.name)
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._send_on, name="nudges", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Return when nothing waits any more."""
        self._waiting.join()

    def _send_on(self) -> None:
        while True:
            nudge = self._waiting.get()
            try:
                if time.monotonic() - self.failed_at >= REST_SECONDS:
                    nudge.task.apply_async(nudge.args, nudge.named, retry=False)
            except Exception as failure:  # noqa: BLE001 - whatever the broker says, nothing depends on it
                self.failed_at = time.monotonic()
                self._complain(
                    "the broker takes no message for %s: %s", nudge.task.name, type(failure).__name__
                )
            finally:
                self._waiting.task_done()

    def _complain(self, text: str, *values: str) -> None:
        """Log a fault, once a minute however often it is met."""
        now = time.monotonic()
        if now - self._complained_at >= COMPLAIN_SECONDS:
            self._complained_at = now
            log.warning(text, *values)


_SENDER: Final = _Sender()
