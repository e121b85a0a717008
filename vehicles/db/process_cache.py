"""A memory of this process for what is asked again and again: so much and no more, the oldest goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `most` values by key. Each step is one of the interpreter's own, so threads may share it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """What was kept last under this key; None where nothing was, or no longer is."""
        return self._values.get(key)

    def keep(self, key: K, value: V) -> V:
        """Remember the value, and return it."""
        self._values[key] = value
        if len(self._values) > self.most:
            self._values.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """Remember nothing under this key."""
        self._values.pop(key, None)

    def clear(self) -> None:
        """Remember nothing at all."""
        self._values.clear()
