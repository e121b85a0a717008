"""Fix-it links over the API: for the person behind a token, and for any user of an application."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connect.links import fix_link
from connect.models import FixLink
from vehicles import audit, history
from vehicles.api.endpoint import Endpoint, caller, checked, grant_of
from vehicles.api.management.views import ManagementEndpoint, application_of
from vehicles.api.serializers import IDENTIFIER, answers
from vehicles.errors import invalid
from vehicles.models import Application, Connection, User
from vehicles.reads.values import wire_time


class FixLinkSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="For the person alone; works until `expiresAt`")
    expiresAt = serializers.DateTimeField()  # noqa: N815


class Whom(serializers.Serializer[Any]):
    """For which user; or for the user who connected this vehicle, where it is one."""

    userId = serializers.UUIDField(required=False)  # noqa: N815
    vehicleId = serializers.UUIDField(required=False)  # noqa: N815


class VehicleFixView(Endpoint):
    """The page that tells the person what to do."""

    @extend_schema(
        operation_id="fix",
        parameters=[IDENTIFIER],
        request=None,
        responses=answers(FixLinkSerializer),
    )
    def post(self, request: Request, vehicle_id: str) -> Response:
        """A link for the person behind the token, about the cars that the token reaches."""
        grant, who = grant_of(request, vehicle_id), caller(request)
        only = grant.connection if who.only_connection else None
        return Response(_made(who.application, who.person, only))


class FixLinksView(ManagementEndpoint):
    """The same for any user of the application."""

    @extend_schema(operation_id="fix_links", request=Whom, responses=answers(FixLinkSerializer))
    def post(self, request: Request) -> Response:
        """A link for one user, named by `userId` or by a `vehicleId` that only they connected."""
        application, asked = application_of(request), checked(request, Whom)
        conditions = {"user_id": asked.get("userId"), "vehicle_id": asked.get("vehicleId")}
        wanted = {name: str(value) for name, value in conditions.items() if value}
        if not wanted:
            raise invalid("userId", "name a userId or a vehicleId")
        people = User.objects.filter(pk__in=audit.grants_of(application, wanted).values("account__person"))
        found = list(people[:2])
        if not found:
            raise invalid("userId", "the application has no connection of this user or vehicle")
        if len(found) > 1:
            raise invalid("userId", "several users connected this vehicle: name one")
        return Response(_made(application, found[0]))


def _made(application: Application, person: User, only: Connection | None = None) -> dict[str, str]:
    actor = history.application_actor(application)
    link: FixLink = fix_link.make(application, person, actor=actor, now=timezone.now(), connection=only)
    return {"url": fix_link.address(link), "expiresAt": wire_time(link.expires_at)}
