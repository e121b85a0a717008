"""Several reads of one car in one request; each is answered as a request of its own would be."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final

from django.http import HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import reads
from vehicles.api.endpoint import Endpoint, Part, checked, grant_of
from vehicles.api.serializers import IDENTIFIER, UNIT_SYSTEM, answers
from vehicles.errors import invalid

MOST_PARTS: Final = 50
_TOLD: Final = ("content-type", "retry-after", "sc-data-age", "sc-fetched-at", "sc-unit-system")
"""Headers of a part. The request's id stands in the outer answer alone."""


class PartRequest(serializers.Serializer[Any]):
    path = serializers.CharField(
        max_length=500,
        trim_whitespace=False,
        help_text="What to read, as it stands behind the vehicle's id: `/odometer`; `/` are attributes",
    )


class BatchRequest(serializers.Serializer[Any]):
    requests = serializers.ListField(child=PartRequest(), allow_empty=False, max_length=MOST_PARTS)


class PartSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="As it was sent")
    code = serializers.IntegerField(help_text="The status that the call by itself has")
    headers = serializers.DictField(
        child=serializers.CharField(), help_text="Names in small letters; `content-type` is always there"
    )
    body = serializers.JSONField(help_text="What the call by itself answers: its value, or its error")


class BatchSerializer(serializers.Serializer[Any]):
    responses = PartSerializer(many=True)


class BatchView(Endpoint):
    """Several reads of one car."""

    @extend_schema(
        operation_id="batch",
        parameters=[IDENTIFIER, UNIT_SYSTEM],
        request=BatchRequest,
        responses=answers(BatchSerializer),
    )
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Read several values. A part that fails fails alone; Tesla is asked once for all live values.

        A path that cannot be read, commands and batches among them, refuses the whole request, as do more than 50.
        """
        grant = grant_of(request, vehicle_id)
        paths = [each["path"] for each in checked(request, BatchRequest)["requests"]]
        base = request.path_info.rstrip("/").removesuffix("/batch")
        found = {path: _found(base, path, place) for place, path in enumerate(paths)}
        names = [name for match in found.values() if (name := getattr(_view(match), "reading", None))]
        with reads.reading_together(grant, names):
            told = {
                path: _answer(Part(request, grant, _address(base, path), path.partition("?")[2]), match)
                for path, match in found.items()
            }
        return Response({"responses": [{"path": path, **told[path]} for path in paths]})


def _found(base: str, path: str, place: int) -> ResolverMatch:
    """The endpoint of this car that a path leads to. Raises VALIDATION where there is nothing to read."""
    with suppress(Resolver404):
        match = resolve(_address(base, path))
        if hasattr(_view(match), "get"):
            return match
    raise invalid(f"requests[{place}].path", "must be what can be read of a vehicle, such as /odometer")


def _address(base: str, path: str) -> str:
    return f"{base}/{path.partition('?')[0].removeprefix('/')}"


def _view(match: ResolverMatch) -> Any:
    return getattr(match.func, "cls", None)


def _answer(part: Part, match: ResolverMatch) -> dict[str, Any]:
    """What the part's own call answers."""
    part.resolver_match = match
    answer: HttpResponse = match.func(part, *match.args, **match.kwargs)
    if isinstance(answer, Response):
        answer.render()
    return {
        "code": answer.status_code,
        "headers": {name: answer.headers[name] for name in _TOLD if name in answer.headers},
        "body": json.loads(answer.content),
    }
