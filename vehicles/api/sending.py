"""Sending a control to a car from an endpoint: the key of the request, the look that some need, the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from vehicles import commands, looks
from vehicles.api import refused, shapes
from vehicles.api.endpoint import checked, grant_of, idempotency_key, must_be_approved
from vehicles.bulkhead import place
from vehicles.command_rows import Overtaken
from vehicles.controls import CONTROLS
from vehicles.models import Command, VehicleGrant

Shape = type[Serializer[Any]]
Method = TypeVar("Method", bound=Callable[..., Response])


def grant_for(request: Request, vehicle_id: str, permission: str) -> VehicleGrant:
    """The grant behind the vehicle id, once it is certain that the person gave this permission."""
    grant = grant_of(request, vehicle_id)
    must_be_approved(grant, permission)
    return grant


def send(request: Request, grant: VehicleGrant, name: str, asked: Mapping[str, Any]) -> Command | None:
    """Carry out a control under the request's Idempotency-Key; None when the car was as wanted already.

    Raises `CatalogueError` as `looks.prepared` and `commands.issue` do, and SERVER:OVERLOADED.
    """
    refused.about(request, grant, control=name)
    with place():
        return _sent(request, grant, name, asked)


def _sent(request: Request, grant: VehicleGrant, name: str, asked: Mapping[str, Any]) -> Command | None:
    key, now = idempotency_key(request), timezone.now()
    if name in looks.LOOKS:
        first = commands.repeated(grant, name, asked, now=now, idempotency_key=key)
        if first is not None:
            return first
    while True:
        looked_at = timezone.now()
        arguments = looks.prepared(grant, name, asked, now)
        if arguments is None:
            # The first call under this key may have come while this one waited and looked.
            return commands.repeated(grant, name, asked, now=now, idempotency_key=key)
        try:
            return commands.issue(grant, name, arguments, now=now, idempotency_key=key, looked_at=looked_at)
        except Overtaken:
            continue


def act(
    request: Request, vehicle_id: str, shape: Shape, actions: Mapping[str, str]
) -> tuple[str, Command | None]:
    """Carry out the control that the body's action stands for; `actions` names them, all of one permission.

    Returns the action with its command, None when the car was as wanted already.
    """
    grant = grant_for(request, vehicle_id, CONTROLS[next(iter(actions.values()))].permission)
    action = checked(request, shape)["action"]
    return action, send(request, grant, actions[action], {})


def described(
    operation_id: str, request: Shape | None, answer: Shape = shapes.SentShape
) -> Callable[[Method], Method]:
    """The schema of an endpoint that sends something to the car."""
    decorate: Callable[[Method], Method] = extend_schema(
        operation_id=operation_id,
        parameters=[shapes.IDENTIFIER, shapes.IDEMPOTENCY_KEY],
        request=request,
        responses=shapes.answers(answer),
    )
    return decorate
