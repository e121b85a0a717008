"""Disturbances on demand: wrong answers, delays and cut connections for chosen requests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

MATCHABLE: Final = ("path", "method", "vin", "email")


class InvalidFault(ValueError):
    """The description of a fault makes no sense."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about, as far as faults can tell."""

    method: str
    path: str
    vins: tuple[str, ...]
    email: str


@dataclass(slots=True)
class Fault:
    """One disturbance. Without status and cut it only delays.

    `effect_happens`: the request is carried out all the same and only its answer is lost or replaced.
    """

    match: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    delay_ms: float = 0
    cut: bool = False
    effect_happens: bool | None = None
    times: int | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        unknown = set(self.match) - set(MATCHABLE)
        if unknown:
            raise InvalidFault(f"cannot match on {', '.join(sorted(unknown))}")
        if self.status is not None and not 100 <= self.status <= 599:
            raise InvalidFault("status must be between 100 and 599")
        if not 0 <= self.probability <= 1:
            raise InvalidFault("probability must be between 0 and 1")
        if self.effect_happens is None:
            self.effect_happens = self.status is None and not self.cut

    def hits(self, target: Target) -> bool:
        """Whether the request is one of those meant."""
        wanted = self.match
        return (
            _path_fits(target.path, wanted.get("path", ""))
            and wanted.get("method", target.method).upper() == target.method
            and ("vin" not in wanted or wanted["vin"] in target.vins)
            and wanted.get("email", target.email) == target.email
        )


class Faults:
    """The disturbances in force, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random()  # noqa: S311 - decides which requests suffer, nothing secret

    def add(self, description: dict[str, Any]) -> None:
        """Put one in force, described by the fields of `Fault`. Raises `InvalidFault`."""
        try:
            self._faults.append(Fault(**description))
        except TypeError as problem:
            raise InvalidFault(f"not a fault: {problem}") from None

    def clear(self) -> None:
        """End all of them."""
        self._faults.clear()

    def next(self, target: Target) -> Fault | None:
        """The fault that befalls this request, counted against its `times`."""
        for fault in self._faults:
            if fault.hits(target) and (fault.probability >= 1 or self._random.random() < fault.probability):
                self._count(fault)
                return fault
        return None

    def _count(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)


def _path_fits(path: str, pattern: str) -> bool:
    return path.startswith(pattern) if "*" not in pattern else fnmatchcase(path, pattern)
