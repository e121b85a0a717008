"""How one argument of a vehicle command sits in Tesla's protobuf message, readable in both directions.

A command is a list of these parts: the client writes arguments into a message with them, the simulated car
reads them back with the same list. A path names fields joined by dots; in a repeated field it means the first
element.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from google.protobuf.message import Message

Arguments = dict[str, Any]


class InvalidArguments(ValueError):
    """An argument is missing, of the wrong type or out of range. The value itself is not told: it may be a PIN."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument}: {problem}")
        self.argument = argument
        self.problem = problem


class Part(Protocol):
    """One piece of a command's message."""

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments that this piece stands for."""
        ...

    def write(self, message: Message, arguments: Mapping[str, Any]) -> None:
        """Put the arguments into the message. Raises `InvalidArguments`."""
        ...

    def read(self, message: Message) -> Arguments | None:
        """The arguments found in the message; None if it is not a message of this command."""
        ...

    def check(self, arguments: Arguments) -> None:
        """Hold what was read against the same bounds as what is written. Raises `InvalidArguments`."""
        ...


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Value:
    """An argument copied into a scalar field. Bounds are inclusive; `pattern` has to match a whole text."""

    argument: str
    path: str
    kind: type[bool | int | float | str]
    default: Any = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    offset: int = 0
    """Added on the wire, where the message counts from another number than the argument."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.argument,)

    def write(self, message: Message, arguments: Mapping[str, Any]) -> None:
        value = _given(arguments, self.argument, self.default)
        if self.argument in arguments:
            value = self._checked(value)
        try:
            _set(message, self.path, value + self.offset if self.offset else value)
        except ValueError:
            raise InvalidArguments(self.argument, "is out of range") from None

    def read(self, message: Message) -> Arguments | None:
        if not _is_answered(message, self.path):
            return None
        value = _get(message, self.path)
        return {self.argument: value - self.offset if self.offset else value}

    def check(self, arguments: Arguments) -> None:
        value = arguments[self.argument]
        # Where the message counts from 1, its 0 stands for unspecified.
        is_left_out = value == self.default or (self.offset and value == -self.offset)
        if not is_left_out:
            self._checked(value)

    def _checked(self, value: Any) -> Any:
        value = _of_kind(self.argument, value, self.kind)
        if self.minimum is not None and not self.minimum <= value:
            raise InvalidArguments(self.argument, f"must be at least {self.minimum:g}")
        if self.maximum is not None and not value <= self.maximum:
            raise InvalidArguments(self.argument, f"must be at most {self.maximum:g}")
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise InvalidArguments(self.argument, "has the wrong form")
        return value


@dataclass(frozen=True, slots=True)
class Constant:
    """A field whose value is part of what the command is; `value` None means an empty message that is present."""

    path: str
    value: int | bool | None = None
    tells_apart: bool = True
    """A message with another value is another command."""

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def write(self, message: Message, arguments: Mapping[str, Any]) -> None:
        _set(message, self.path, self.value)

    def read(self, message: Message) -> Arguments | None:
        if not self.tells_apart or _equals(message, self.path, self.value):
            return {}
        return None

    def check(self, arguments: Arguments) -> None:
        """A constant that was read is the right one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An argument whose every value has a field of its own, with a constant (or empty) content."""

    argument: str
    options: Mapping[Any, Constant]
    default: Any = REQUIRED

    @property
    def names(self) -> tuple[str, ...]:
        return (self.argument,)

    def write(self, message: Message, arguments: Mapping[str, Any]) -> None:
        value = _given(arguments, self.argument, self.default)
        if isinstance(value, bool) or value not in list(self.options):
            raise InvalidArguments(self.argument, f"must be one of {', '.join(map(str, self.options))}")
        self.options[value].write(message, arguments)

    def read(self, message: Message) -> Arguments | None:
        for value, constant in self.options.items():
            if constant.read(message) is not None:
                return {self.argument: value}
        return None

    def check(self, arguments: Arguments) -> None:
        """Only known choices are read."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Two switches, "enabled" and "only on weekdays", that the message says as all week, weekdays or nothing."""

    enabled: str
    weekdays_only: str
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.enabled, self.weekdays_only)

    def write(self, message: Message, arguments: Mapping[str, Any]) -> None:
        enabled = _of_kind(self.enabled, arguments.get(self.enabled, False), bool)
        weekdays_only = _of_kind(self.weekdays_only, arguments.get(self.weekdays_only, False), bool)
        if enabled or weekdays_only:
            _set(message, f"{self.path}.{'weekdays' if weekdays_only else 'all_week'}", None)

    def read(self, message: Message) -> Arguments | None:
        weekdays = _equals(message, f"{self.path}.weekdays", None)
        enabled = weekdays or _equals(message, f"{self.path}.all_week", None)
        return {self.enabled: enabled, self.weekdays_only: weekdays}

    def check(self, arguments: Arguments) -> None:
        """Every combination of the two has a meaning."""


DAY_BITS: Final = {
    "Sunday": 1,
    "Monday": 2,
    "Tuesday": 4,
    "Wednesday": 8,
    "Thursday": 16,
    "Friday": 32,
    "Saturday": 64,
    "Weekdays": 62,
    "All": 127,
}
"""Names of days and their bits in a schedule's `days_of_week`."""

_DAY_ABBREVIATIONS: Final = {
    "SUN": 1,
    "MON": 2,
    "TUES": 4,
    "TUE": 4,
    "WED": 8,
    "THURS": 16,
    "THU": 16,
    "FRI": 32,
    "SAT": 64,
}
_BITS_BY_NAME: Final = {name.upper(): bits for name, bits in DAY_BITS.items()} | _DAY_ABBREVIATIONS
_WHOLE_NAMES: Final = {bits: name for name, bits in DAY_BITS.items()}


@dataclass(frozen=True, slots=True)
class Days:
    """Days as names joined by commas (`Monday,Sunday`, `Weekdays`, `All`), one bit each in the message."""

    argument: str
    path: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.argument,)

    def write(self, message: Message, arguments: Mapping[str, Any]) -> None:
        text = _of_kind(self.argument, _given(arguments, self.argument, REQUIRED), str)
        _set(message, self.path, self._bits(text))

    def read(self, message: Message) -> Arguments | None:
        bits = _get(message, self.path)
        if bits in _WHOLE_NAMES:
            return {self.argument: _WHOLE_NAMES[bits]}
        days = [name for name, bit in DAY_BITS.items() if bits & bit == bit and bit.bit_count() == 1]
        unknown = bits & ~DAY_BITS["All"]
        return {self.argument: ",".join([*days, str(unknown)] if unknown else days)}

    def check(self, arguments: Arguments) -> None:
        if days := arguments[self.argument]:
            self._bits(days)

    def _bits(self, days: str) -> int:
        bits = 0
        for name in days.split(","):
            if name.strip().upper() not in _BITS_BY_NAME:
                raise InvalidArguments(
                    self.argument, "must be names of days joined by commas, Weekdays or All"
                )
            bits |= _BITS_BY_NAME[name.strip().upper()]
        return bits


def _given(arguments: Mapping[str, Any], argument: str, default: Any) -> Any:
    if argument in arguments:
        return arguments[argument]
    if default is REQUIRED:
        raise InvalidArguments(argument, "is missing")
    return default


def _of_kind(argument: str, value: Any, kind: type) -> Any:
    """The value as that type; whole numbers may come as floats, since JSON does not tell them apart."""
    if kind in (int, float):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and _is_finite(value) and (kind is float or value == int(value)):
            return kind(value)
    elif isinstance(value, kind):
        return value
    raise InvalidArguments(argument, f"must be {_KIND_NAMES[kind]}")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # JSON has whole numbers of any length.
        return False


_KIND_NAMES: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _set(message: Message, path: str, value: Any) -> None:
    """Write a scalar, or for None make the message at the path present though empty."""
    *parents, last = path.split(".")
    message = _walk(message, parents)
    if value is None:
        getattr(message, last).SetInParent()
    else:
        setattr(message, last, value)


def _get(message: Message, path: str) -> Any:
    """The value at the path, or the type's zero where nothing was written."""
    *parents, last = path.split(".")
    return getattr(_walk(message, parents), last)


def _is_answered(message: Message, path: str) -> bool:
    """Whether the message says anything at a path whose field is one of several alternatives; else true."""
    *parents, last = path.split(".")
    message = _walk(message, parents)
    is_alternative = message.DESCRIPTOR.fields_by_name[last].containing_oneof is not None
    return not is_alternative or message.HasField(last)


def _walk(message: Message, parents: list[str]) -> Message:
    """The message below, with a first element made in every empty repeated field on the way."""
    for name in parents:
        child = getattr(message, name)
        message = child.add() if _is_repeated(message, name) and not child else _first(child)
    return message


def _equals(message: Message, path: str, value: int | bool | None) -> bool:
    *parents, last = path.split(".")
    for name in parents:
        if _is_repeated(message, name) and not getattr(message, name):
            return False
        message = _first(getattr(message, name))
    if message.DESCRIPTOR.fields_by_name[last].has_presence and not message.HasField(last):
        return False
    return value is None or bool(getattr(message, last) == value)


def _is_repeated(message: Message, name: str) -> bool:
    return bool(message.DESCRIPTOR.fields_by_name[name].is_repeated)


def _first(child: Any) -> Message:
    message: Message = child if isinstance(child, Message) else child[0]
    return message
