"""How far a bearer token reaches, as its OAuth scope says: all cars its person gave the application, or one of them."""

from __future__ import annotations

from typing import Final

ALL_CARS: Final = "vehicles"
_ONE_CAR: Final = "vehicle:"


def one_car(public_id: str) -> str:
    """The scope of a token that reaches only the car with this id (the application's id of it)."""
    return f"{_ONE_CAR}{public_id}"


def only_connection(scope: str) -> str | None:
    """The id of the one car that a token with this scope reaches; empty for all cars, None for a scope of neither."""
    if scope == ALL_CARS:
        return ""
    public_id = scope.removeprefix(_ONE_CAR)
    return public_id if public_id and public_id != scope else None
