"""Who the token stands for, which cars it reaches, and what may be done with each; and giving a car up."""

from __future__ import annotations

import uuid

from django.db import IntegrityError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import access, audit, errors, grants, history
from vehicles.api import serializers
from vehicles.api.endpoint import SUCCESS, Endpoint, caller, checked, grant_of
from vehicles.api.management.authorization import Manager, PersonOrApplication
from vehicles.errors import CatalogueError, invalid
from vehicles.facts import working_permissions
from vehicles.models import Application, Connection


class UserView(Endpoint):
    """The person as this application knows them."""

    @extend_schema(operation_id="user", responses=serializers.answers(serializers.UserSerializer))
    def get(self, request: Request) -> Response:
        """The id of the person who connected."""
        who = caller(request)
        try:
            known = grants.application_user(who.application, who.person)
        except IntegrityError as gone:
            # The token was read a moment before its person was erased.
            raise CatalogueError(errors.AUTHENTICATION, reason="the person is gone") from gone
        return Response({"id": str(known.public_id)})


class VehiclesView(Endpoint):
    """The cars that the token reaches."""

    @extend_schema(
        operation_id="vehicles",
        parameters=[serializers.Page],
        responses=serializers.answers(serializers.VehiclesSerializer),
    )
    def get(self, request: Request) -> Response:
        """The ids of the connected vehicles, newest first."""
        who, page = caller(request), checked(request, serializers.Page, query=True)
        given = access.grants_of(
            person=who.person, application=who.application, only_connection=who.only_connection
        )
        # Two Tesla accounts of one person may hold the same car: it is one vehicle all the same.
        cars = Connection.objects.filter(pk__in=given.order_by().values("connection_id"))
        start = page["offset"]
        ids = cars.order_by("-created_at", "-pk").values_list("public_id", flat=True)
        return Response(
            {
                "vehicles": [str(public_id) for public_id in ids[start : start + page["limit"]]],
                "paging": {"count": cars.count(), "offset": start},
            }
        )


class PermissionsView(Endpoint):
    """What works now: approved by the person and still covered by what they allow at Tesla."""

    @extend_schema(
        operation_id="permissions",
        parameters=[serializers.IDENTIFIER, serializers.PermissionsPage],
        responses=serializers.answers(serializers.PermissionsSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """The permissions that work on this vehicle, from the store."""
        names = working_permissions(grant_of(request, vehicle_id))
        page = checked(request, serializers.PermissionsPage, query=True)
        start = page["offset"]
        return Response(
            {
                "permissions": names[start : start + page["limit"]],
                "paging": {"count": len(names), "offset": start},
            }
        )


class ApplicationView(Endpoint):
    """The application's hold on a car; its management token gives the car up for all of its people."""

    authentication_classes = [PersonOrApplication]

    @extend_schema(
        operation_id="disconnect",
        auth=[{"bearer": []}],  # type: ignore[list-item]
        parameters=[serializers.IDENTIFIER],
        responses=serializers.answers(serializers.StatusSerializer),
    )
    def delete(self, request: Request, vehicle_id: str) -> Response:
        """Give the vehicle up: no token of the application reaches it any more for this person."""
        if isinstance(request.user, Manager):
            return self._delete_for_all(request.user.application, vehicle_id)
        who, grant = caller(request), grant_of(request, vehicle_id)
        held = access.grants_of(person=who.person, application=who.application)
        for each in held.filter(connection=grant.connection_id).select_related(
            "account", "connection__application", "connection__vehicle"
        ):
            grants.revoke(each, actor=history.application_actor(who.application), now=timezone.now())
        return Response(SUCCESS)

    def _delete_for_all(self, application: Application, vehicle_id: str) -> Response:
        """Raises VALIDATION for an id that is no UUID, and PERMISSION where the application has no such car."""
        try:
            conditions = {"vehicle_id": str(uuid.UUID(vehicle_id))}
        except ValueError:
            raise invalid("id", "must be a vehicle id, a UUID of 36 characters") from None
        ended = grants.revoke_all(
            audit.grants_of(application, conditions),
            actor=history.application_actor(application),
            now=timezone.now(),
        )
        if not ended:
            raise CatalogueError(errors.PERMISSION, reason="no grant on this vehicle")
        return Response(SUCCESS)
