"""What an application may ask and do with its management token: its connections, and what is wrong with them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import access, audit, errors, facts, grants, history
from vehicles.api import cursor, serializers
from vehicles.api.endpoint import Endpoint, checked
from vehicles.api.management import connection_serializers
from vehicles.api.management.authorization import ManagementAuthentication, Manager
from vehicles.errors import CatalogueError, invalid
from vehicles.models import Application, Reservation
from vehicles.reads.values import wire_time


class ManagementEndpoint(Endpoint):
    """An endpoint for management tokens; it shows an application nothing but its own."""

    authentication_classes = [ManagementAuthentication]


class ConnectionsView(ManagementEndpoint):
    """Which cars are connected, by whom."""

    @extend_schema(
        operation_id="connections",
        parameters=[connection_serializers.ConnectionsPage],
        responses=serializers.answers(connection_serializers.ConnectionsSerializer),
    )
    def get(self, request: Request) -> Response:
        """The connections of the application, newest first."""
        asked = checked(request, connection_serializers.ConnectionsPage, query=True)
        application = application_of(request)
        connections = audit.connections_of(application, connection_serializers.conditions(asked))
        rows, place = audit.page(connections, asked["limit"], cursor.decode(asked["cursor"], application))
        return Response(
            {
                "connections": [
                    {
                        "vehicleId": str(grant.connection.public_id),
                        "userId": str(grant.user_public_id),
                        "connectedAt": wire_time(grant.connection.created_at),
                        "mode": grant.mode,
                    }
                    for grant in rows
                ],
                "paging": {"cursor": cursor.write(place, application)},
            }
        )

    @extend_schema(
        operation_id="delete_connections",
        parameters=[connection_serializers.Ids],
        responses=serializers.answers(connection_serializers.EndedSerializer),
    )
    def delete(self, request: Request) -> Response:
        """End every connection of a vehicle, of a user, or of this user with this vehicle."""
        asked = checked(request, connection_serializers.Ids, query=True)
        conditions = connection_serializers.conditions(asked)
        if not conditions:
            raise invalid("vehicle_id", "name a vehicle_id, a user_id, or both")
        application = application_of(request)
        ended = grants.revoke_all(
            audit.grants_of(application, conditions).order_by("-connection_id", "-pk"),
            actor=history.application_actor(application),
            now=timezone.now(),
        )
        # A person may have held the car through two Tesla accounts: it is one connection all the same.
        pairs = dict.fromkeys((grant.connection.public_id, grant.user_public_id) for grant in ended)
        return Response(
            {"connections": [{"vehicleId": str(car), "userId": str(user)} for car, user in pairs]}
        )


class DiagnosesView(ManagementEndpoint):
    """What is wrong with the application's connections, and whose move it is."""

    @extend_schema(
        operation_id="diagnoses",
        parameters=[connection_serializers.DiagnosesPage],
        responses=serializers.answers(connection_serializers.DiagnosesSerializer),
    )
    def get(self, request: Request) -> Response:
        """The diagnosis of every connection that the filters leave, newest first; then cars not connected yet."""
        asked = checked(request, connection_serializers.DiagnosesPage, query=True)
        application, conditions = application_of(request), connection_serializers.conditions(asked)
        rows, place = audit.page(
            facts.with_rows(audit.grants_of(application, conditions)),
            asked["limit"],
            cursor.decode(asked["cursor"], application),
            behind=audit.waiting_of(application, conditions),
        )
        return Response(
            {
                "diagnoses": [
                    _waiting(row) if isinstance(row, Reservation) else _diagnosis(row) for row in rows
                ],
                "paging": {"cursor": cursor.write(place, application)},
            }
        )


def _diagnosis(grant: Any) -> dict[str, Any]:
    return {
        "vehicleId": str(grant.connection.public_id),
        "userId": str(grant.user_public_id),
        "mode": grant.mode,
        **access.diagnosis_json(access.diagnosis_of(grant), grant),
    }


def _waiting(reservation: Reservation) -> dict[str, Any]:
    return {
        "vehicleId": str(reservation.vehicle_public_id),
        "userId": str(reservation.user_public_id),
        "mode": reservation.mode,
        **access.waiting_json(reservation),
    }


def application_of(request: Request) -> Application:
    """The application behind the management token. Raises AUTHENTICATION."""
    if not isinstance(request.user, Manager):
        raise CatalogueError(errors.AUTHENTICATION)
    return request.user.application
