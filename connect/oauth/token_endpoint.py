"""The token endpoint. Its errors are RFC 6749's, always JSON, always with a description: an SDK fails without one."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from oauthlib.common import urlencode
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    BearerToken,
    InvalidRequestError,
    OAuth2Error,
    RefreshTokenGrant,
    TokenEndpoint,
    UnsupportedGrantTypeError,
)

from connect.oauth.validator import ACCESS_TOKEN_LIFE, ConnectValidator, new_token
from vehicles.db.outage import RETRY_SECONDS, is_database_away

log = logging.getLogger(__name__)

DESCRIPTIONS: Final[dict[str, str]] = {
    "invalid_client": "Client authentication failed: the client_id is unknown or the client_secret is wrong.",
    "invalid_grant": "The code or refresh token is invalid, expired, used or was issued to another client.",
    "invalid_request": "The request lacks a parameter or has one that is malformed.",
    "invalid_scope": "The scope is not within what was granted.",
    "server_error": "Something unexpected happened on our side.",
    "temporarily_unavailable": "The server cannot answer right now. Try again after the seconds in Retry-After.",
    "unauthorized_client": "The client may not use this grant type.",
    "unsupported_grant_type": "The grant_type must be authorization_code or refresh_token.",
}
"""What each error says where nothing more precise is known."""

GRANT_TYPES: Final = {"authorization_code": AuthorizationCodeGrant, "refresh_token": RefreshTokenGrant}
"""Codes and refresh tokens are the only ways to a token."""

_NEVER_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@method_decorator(csrf_exempt, name="dispatch")
@method_decorator(
    sensitive_post_parameters("client_secret", "code", "code_verifier", "refresh_token"), name="dispatch"
)
class TokenView(View):
    """POST a code or a refresh token, get a new pair. The query is ignored."""

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer as RFC 6749 wants it, also when something breaks."""
        try:
            return super().dispatch(request, *args, **kwargs)
        except (BadRequest, SuspiciousOperation, MultiPartParserError):
            return _error("invalid_request", status=400)
        except Exception as failure:
            if is_database_away(failure):
                log.warning("the database is away: %s", type(failure).__name__)
                answer = _error("temporarily_unavailable", status=503)
                answer["Retry-After"] = str(RETRY_SECONDS)
                return answer
            log.exception("the token endpoint failed")
            return _error("server_error", status=500)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Exchange a code or a refresh token."""
        # The validator looks for the header under the name that WSGI gives it.
        headers = {"HTTP_AUTHORIZATION": _authorization(request)}
        try:
            if any(len(values) > 1 for _, values in request.POST.lists()):
                raise InvalidRequestError("A parameter is given more than once.")
            if request.POST.get("grant_type") not in GRANT_TYPES:
                raise UnsupportedGrantTypeError
            _, body, status = _endpoint().create_token_response(
                request.path, "POST", urlencode(_parameters(request)), headers
            )
        except OAuth2Error as failure:
            body, status = failure.json, failure.status_code
        answer = json.loads(body)
        if status == 200:
            return JsonResponse(answer, headers=_NEVER_STORED)
        if answer["error"] == "server_error":
            # The library's word for two clients in one request, one in the header and another in the body.
            return _error("invalid_client", status=401)
        return _error(answer["error"], answer.get("error_description", ""), status=status)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Only POST reads a body that is kept out of logs."""
        answer = _error("invalid_request", "The token endpoint takes POST requests only.", status=405)
        answer["Allow"] = "POST"
        return answer


def _endpoint() -> TokenEndpoint:
    validator = ConnectValidator()
    grants = {name: kind(validator) for name, kind in GRANT_TYPES.items()}
    lifetime = int(ACCESS_TOKEN_LIFE.total_seconds())
    return TokenEndpoint(
        "authorization_code", BearerToken(validator, token_generator=new_token, expires_in=lifetime), grants
    )


def _authorization(request: HttpRequest) -> str:
    """The header with its scheme as the validator spells it; schemes do not depend on case."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    return f"{scheme.capitalize()} {credentials}" if credentials else ""


def _parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """The form's parameters. One SDK sends the text `undefined` for a redirect address that it does not have."""
    sent = [(name, str(value)) for name, value in request.POST.items()]
    return [parameter for parameter in sent if parameter != ("redirect_uri", "undefined")]


def _error(error: str, description: str = "", *, status: int) -> JsonResponse:
    body = {"error": error, "error_description": description or DESCRIPTIONS.get(error, error)}
    headers = _NEVER_STORED | ({"WWW-Authenticate": "Basic"} if status == 401 else {})
    return JsonResponse(body, status=status, headers=headers)
