"""Fields of request bodies that the framework's own would read too generously."""

from __future__ import annotations

import math
import re
from typing import Any

from rest_framework import serializers

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Number(serializers.FloatField):
    """A finite number, or one written as text, since some clients send it so. True is no number here."""

    def to_internal_value(self, data: Any) -> float:
        """The number; raises for what is none."""
        try:
            value = float("nan") if isinstance(data, bool) else super().to_internal_value(data)
        except OverflowError:
            self.fail("invalid")
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class ClockTime(serializers.CharField):
    """`HH:mm` of a day, as minutes after midnight."""

    default_error_messages = {"clock": "must be a time of day as HH:mm"}

    def to_internal_value(self, data: Any) -> Any:
        """Minutes after midnight; raises for what is no time."""
        found = _CLOCK.fullmatch(super().to_internal_value(data))
        if not found:
            self.fail("clock")
        return int(found[1]) * 60 + int(found[2])


class YesOrNo(serializers.BooleanField):
    """JSON's true or false and nothing that only looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        """True or false; raises for anything else."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
