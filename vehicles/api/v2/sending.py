"""From a request to the control that it asks for: the grant, what is in the body, and the key of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from vehicles.api import refused, serializers
from vehicles.api.endpoint import checked, grant_of, idempotency_key, must_be_approved
from vehicles.commands.controls import CONTROLS
from vehicles.commands.rows import PendingCommand
from vehicles.models import VehicleGrant

SerializerClass = type[Serializer[Any]]
Method = TypeVar("Method", bound=Callable[..., Response])


def grant_for(request: Request, vehicle_id: str, permission: str) -> VehicleGrant:
    """The grant behind the vehicle id, once it is certain that the person gave this permission."""
    grant = grant_of(request, vehicle_id)
    must_be_approved(grant, permission)
    return grant


def pending_command(
    request: Request, grant: VehicleGrant, name: str, asked: Mapping[str, Any]
) -> PendingCommand:
    """The control that the request asks for, under its Idempotency-Key; `commands.carry_out` does it."""
    refused.about(request, grant, control=name)
    return PendingCommand(grant, name, asked, timezone.now(), idempotency_key(request))


def pending_action(
    request: Request, vehicle_id: str, serializer: SerializerClass, actions: Mapping[str, str]
) -> tuple[str, PendingCommand]:
    """The action in the body, and the control that it stands for; `actions` names them, all of one permission."""
    grant = grant_for(request, vehicle_id, CONTROLS[next(iter(actions.values()))].permission)
    action = checked(request, serializer)["action"]
    return action, pending_command(request, grant, actions[action], {})


def described(
    operation_id: str, request: SerializerClass | None, answer: SerializerClass = serializers.SentSerializer
) -> Callable[[Method], Method]:
    """The schema of an endpoint that sends something to the car."""
    decorate: Callable[[Method], Method] = extend_schema(
        operation_id=operation_id,
        parameters=[serializers.IDENTIFIER, serializers.IDEMPOTENCY_KEY],
        request=request,
        responses=serializers.answers(answer),
    )
    return decorate
