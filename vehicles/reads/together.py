"""Several reads of one car at one time: everything that Tesla is asked for them in live data is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from vehicles import errors
from vehicles.errors import CatalogueError
from vehicles.models import VehicleGrant
from vehicles.upstream import account_call, calls


class _Shared:
    """Live data of one car with all sections that are wanted; asked when the first of them is."""

    def __init__(self, sections: Iterable[str]) -> None:
        self._sections = list(dict.fromkeys(sections))
        self._answer: Mapping[str, Any] | None = None
        self._failure: CatalogueError | None = None
        self._failed_for = ""

    def covers(self, sections: Sequence[str], scope: str) -> bool:
        """Whether this is what a read of these sections would be told by itself.

        What is withdrawn at Tesla is told for the scope of the read that asked; another read may still work.
        """
        was_denied = self._failure is not None and self._failure.spec is errors.ACCOUNT_PERMISSION
        return set(sections).issubset(self._sections) and not (was_denied and scope != self._failed_for)

    def ask(self, grant: VehicleGrant, scope: str) -> Mapping[str, Any]:
        """The answer, or the failure, of the one call."""
        if self._failure is not None:
            raise self._failure
        if self._answer is None:
            try:
                self._answer = calls.vehicle_data(grant, self._sections, scope)
            except CatalogueError as failure:
                self._failure, self._failed_for = failure, scope
                raise
        return self._answer


_SHARED: Final[ContextVar[_Shared | None]] = ContextVar("live_data_asked_together", default=None)


@contextmanager
def sharing(sections: Iterable[str]) -> Iterator[None]:
    """Inside, every read of the same car takes what it needs of these sections from one call to Tesla.

    Whatever else is asked shares the time of one call, so that a Tesla that hangs holds nobody for longer.
    """
    before = _SHARED.set(_Shared(sections))
    try:
        with account_call.time_of_one():
            yield
    finally:
        _SHARED.reset(before)


def vehicle_data(grant: VehicleGrant, sections: Sequence[str], scope: str) -> Mapping[str, Any]:
    """Live data of the car, never waking it: shared where reads are asked together. Raises `CatalogueError`."""
    shared = _SHARED.get()
    if shared is None or not shared.covers(sections, scope):
        return calls.vehicle_data(grant, sections, scope)
    return shared.ask(grant, scope)
