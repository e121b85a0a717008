"""What all endpoints share: JSON whatever is asked for, and the grant that a vehicle id in the path stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict
from django.utils import timezone, translation
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from vehicles import access, errors, grants
from vehicles.api import refused
from vehicles.api.authorization import Caller
from vehicles.api.negotiation import AlwaysJson
from vehicles.errors import CatalogueError, invalid
from vehicles.models import VehicleGrant

SUCCESS: Final = {"status": "success"}
SENT: Final = {"status": "success", "message": "Successfully sent request to vehicle"}
"""Clients index both keys of an action's answer and compare the sentence."""
LONGEST_KEY: Final = 255


class Endpoint(APIView):
    """A view of the vehicle API. A method that it does not have is a path that does not exist."""

    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "head", "post", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a path that does not exist before asking who calls."""
        method = str(request.method).lower()
        if method not in self.http_method_names or not hasattr(self, method):
            raise CatalogueError(errors.PATH_NOT_FOUND)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Say that the answer is no page."""
        response.headers["Content-Security-Policy"] = NOTHING_TO_LOAD
        return super().finalize_response(request, response, *args, **kwargs)


NOTHING_TO_LOAD: Final = "default-src 'none'; frame-ancestors 'none'"
"""The content security policy of JSON."""


class Part(HttpRequest):
    """A read inside another request, which found the grant already: one path, with the headers of that request."""

    def __init__(self, whole: Request, grant: VehicleGrant, path: str, query: str) -> None:
        super().__init__()
        self.grant = grant
        self.method = "GET"
        self.path = self.path_info = path
        self.META = {**whole.META, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": "0"}
        self.GET = QueryDict(query)


def caller(request: Request) -> Caller:
    """The application and person behind this request.

    Raises `CatalogueError` AUTHENTICATION where no person stands behind the token.
    """
    if not isinstance(request.auth, Caller):
        raise CatalogueError(errors.AUTHENTICATION)
    return request.auth


def grant_of(request: Request, vehicle_id: str) -> VehicleGrant:
    """The grant behind the vehicle id in the path. Raises VALIDATION for no id at all, PERMISSION for no grant."""
    if isinstance(request._request, Part):
        refused.about(request, request._request.grant)
        return request._request.grant
    who = caller(request)
    grant = access.get_grant(
        person=who.person,
        application=who.application,
        public_id=vehicle_id,
        only_connection=who.only_connection,
    )
    refused.about(request, grant)
    grants.used(grant, timezone.now())
    return grant


def must_be_approved(grant: VehicleGrant, permission: str) -> None:
    """Raise PERMISSION for what the person never gave; whether it works at this moment is another question."""
    if permission not in grant.granted:
        cause = access.diagnosis_of(grant, permission).stopped_by
        raise access.refuse(grant, errors.PERMISSION, reason=f"{permission} was never granted", cause=cause)


def checked(request: Request, serializer: type[Serializer[Any]], *, query: bool = False) -> dict[str, Any]:
    """The JSON body, or the query, as `serializer` allows it. Raises VALIDATION and names each wrong field."""
    # As plain values: a query as the framework takes it has its empty values left out, and nobody would be told.
    given = request.query_params.dict() if query else _body(request)
    try:
        # What the detail says is for developers, as the description is.
        with translation.override(settings.LANGUAGE_CODE):
            return dict(_form(serializer).run_validation(given))
    except ValidationError as wrong:
        raise CatalogueError(errors.VALIDATION, detail=list(_faults("", wrong.detail))) from None


def _faults(field: str, found: Any) -> Iterator[dict[str, str]]:
    """What is wrong, field by field; one inside a list is named as `requests[1].path`."""
    if not isinstance(found, dict):
        yield {"field": field, "message": " ".join(map(str, found))}
        return
    for name, inside in found.items():
        yield from _faults(
            f"{field}[{name}]" if isinstance(name, int) else f"{field}.{name}".lstrip("."), inside
        )


@lru_cache(maxsize=128)
def _form(serializer: type[Serializer[Any]]) -> Serializer[Any]:
    """One for all requests: making it takes longer than checking with it, and checking leaves no trace on it."""
    return serializer()


def idempotency_key(request: Request) -> str:
    """The key under which a repeat of this command finds the first call; empty for none. Raises VALIDATION."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY:
        raise invalid("Idempotency-Key", f"must not be longer than {LONGEST_KEY} characters")
    return key


def _body(request: Request) -> dict[str, Any]:
    """The body as a JSON object, whatever content type a client claims for it; no body is an empty object."""
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise invalid("body", "is not valid JSON") from None
    except RequestDataTooBig:
        raise invalid("body", "is too long") from None
    if not isinstance(body, dict):
        raise invalid("body", "must be a JSON object")
    return body
