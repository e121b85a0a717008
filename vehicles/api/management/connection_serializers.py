"""Serializers of management queries and answers."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from vehicles.api.serializers import DiagnosisSerializer
from vehicles.diagnosis import ACTIONS, NOT_CONNECTED, Actor, Verdict
from vehicles.models import Mode

MOST_PER_PAGE: Final = 100
_MODES: Final = {"live": Mode.LIVE, "simulated": Mode.SIMULATED, "test": Mode.SIMULATED}
"""Connections of both `simulated` and `test` runs are stored as simulated."""
_FILTERS: Final[tuple[str, ...]] = ("vehicle_id", "user_id", "mode", "cause", "verdict", "next_actor")


class Ids(serializers.Serializer[Any]):
    """Which connections: of this vehicle, of this user, or both."""

    vehicle_id = serializers.UUIDField(required=False)
    user_id = serializers.UUIDField(required=False)


class ConnectionsPage(Ids):
    """Which connections, and which part of them."""

    mode = serializers.ChoiceField(list(_MODES), required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_PER_PAGE, default=10)
    cursor = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)


class DiagnosesPage(ConnectionsPage):
    """As for connections; `cause` is the main cause, `next_actor` whose move it is."""

    cause = serializers.ChoiceField([*ACTIONS, NOT_CONNECTED], required=False)
    verdict = serializers.ChoiceField([str(value) for value in Verdict], required=False)
    next_actor = serializers.ChoiceField([str(value) for value in Actor], required=False)


class CursorSerializer(serializers.Serializer[Any]):
    cursor = serializers.CharField(allow_null=True, help_text="Where the next page begins; null on the last")


class PairSerializer(serializers.Serializer[Any]):
    vehicleId = serializers.UUIDField()  # noqa: N815
    userId = serializers.UUIDField()  # noqa: N815


class ConnectionSerializer(PairSerializer):
    connectedAt = serializers.DateTimeField()  # noqa: N815
    mode = serializers.ChoiceField(Mode.values)


class ConnectionsSerializer(serializers.Serializer[Any]):
    connections = ConnectionSerializer(many=True)
    paging = CursorSerializer()


class EndedSerializer(serializers.Serializer[Any]):
    connections = PairSerializer(many=True)


class DiagnosisOfConnectionSerializer(DiagnosisSerializer):
    vehicleId = serializers.UUIDField()  # noqa: N815
    userId = serializers.UUIDField()  # noqa: N815
    mode = serializers.ChoiceField(Mode.values)


class DiagnosesSerializer(serializers.Serializer[Any]):
    diagnoses = DiagnosisOfConnectionSerializer(many=True)
    paging = CursorSerializer()


def conditions(asked: dict[str, Any]) -> dict[str, str]:
    """The filters of a checked query, in the words of `audit.CONDITIONS`."""
    given = {name: str(asked[name]) for name in _FILTERS if name in asked}
    return given | {"mode": _MODES[given["mode"]]} if "mode" in given else given
