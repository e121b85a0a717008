"""Any command of the table with any arguments that it accepts, read off the table itself."""

from typing import Any

from hypothesis import strategies as st

from vehicles.tesla.command_fields import DAY_BITS, Choice, Days, Part, Value, Weekly
from vehicles.tesla.vehicle_commands import COMMANDS

_LARGEST_INT = 2**31 - 1


def any_command() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Pairs of REST name and complete arguments."""
    return st.sampled_from(sorted(COMMANDS)).flatmap(
        lambda name: st.tuples(st.just(name), _arguments(COMMANDS[name].parts))
    )


def _arguments(parts: tuple[Part, ...]) -> st.SearchStrategy[dict[str, Any]]:
    strategies: dict[str, st.SearchStrategy[Any]] = {}
    for part in parts:
        if isinstance(part, Value):
            strategies[part.argument] = _value(part)
        elif isinstance(part, Choice):
            strategies[part.argument] = st.sampled_from(sorted(part.options))
        elif isinstance(part, Days):
            strategies[part.argument] = st.sampled_from(sorted(DAY_BITS))
        elif isinstance(part, Weekly):
            strategies[part.enabled] = st.just(True)
            strategies[part.weekdays_only] = st.booleans()
    return st.fixed_dictionaries(strategies)


def _value(part: Value) -> st.SearchStrategy[Any]:
    if part.kind is bool:
        return st.booleans()
    if part.kind is str:
        return (
            st.text("0123456789", min_size=4, max_size=4)
            if part.pattern
            else st.text("Az 9,:äß東🚗", max_size=20)
        )
    if part.kind is int:
        low, high = part.minimum or 0, _LARGEST_INT if part.maximum is None else part.maximum
        return st.integers(int(low), int(high))
    return st.floats(part.minimum, part.maximum, width=32)


def acceptable_arguments(name: str) -> dict[str, Any]:
    """Arguments that the table accepts for a command."""
    examples: dict[Any, Any] = {bool: True, int: 1, float: 1.0, str: "1234"}
    found: dict[str, Any] = {}
    for part in COMMANDS[name].parts:
        if isinstance(part, Value):
            found[part.argument] = (
                max(examples[part.kind], part.minimum or 0)
                if part.kind in (int, float)
                else examples[part.kind]
            )
        elif isinstance(part, Choice):
            found[part.argument] = next(iter(part.options))
        elif isinstance(part, Days):
            found[part.argument] = "All"
        elif isinstance(part, Weekly):
            found |= {part.enabled: True, part.weekdays_only: False}
    return found
