"""Codes and tokens for applications: how Connect's outcome becomes a code, and codes and refresh tokens become tokens.

Nothing that opens a door is stored in clear: codes, access tokens and refresh tokens are kept as SHA-256.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from oauth2_provider.models import Grant, RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError

from connect.authorize.addresses import are_one
from connect.models import ConnectSession
from connect.oauth import token_families
from vehicles.api import token_scope
from vehicles.client_credentials import basic_credentials, checksum
from vehicles.models import Application, Connection, User

CODE_LIFE: Final = timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS)
ACCESS_TOKEN_LIFE: Final = timedelta(seconds=oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS)
REFRESH_TOKEN_LIFE: Final = timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS)

_REDIRECT_URI_GIVEN: Final = "redirect_uri_given"
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_SHOWN_OF_CODE: Final = 100


def new_token(request: Request) -> str:
    """A new access or refresh token: 122 random bits as a UUID of 36 characters, which is the width of the columns that
    applications of the original API keep them in (asserted by smartcar/ruby-sdk).
    """
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def issue_code(session: ConnectSession, person: User, now: datetime) -> str:
    """A code for the application of a finished run: good once, for ten minutes.

    A single-select run gives a code whose tokens reach only the car that was chosen; its grant must have been given.
    Raises `ValueError` for a code challenge that is not S256.
    """
    if session.code_challenge and session.code_challenge_method != Grant.CODE_CHALLENGE_S256:
        raise ValueError("only S256 code challenges are accepted")
    code = secrets.token_urlsafe(32)
    Grant.objects.create(
        application=session.application,
        user=person,
        code=checksum(code),
        expires=now + CODE_LIFE,
        redirect_uri=session.redirect_uri,
        scope=_scope(session),
        code_challenge=session.code_challenge,
        code_challenge_method=session.code_challenge_method,
        claims=json.dumps({_REDIRECT_URI_GIVEN: session.redirect_uri_given}),
    )
    return code


def _scope(session: ConnectSession) -> str:
    if not session.single_select:
        return token_scope.ALL_CARS
    (chosen,) = session.chosen_vehicles
    connection = Connection.objects.get(application=session.application, vehicle_id=chosen)
    return token_scope.one_car(str(connection.public_id))


class ConnectValidator(OAuth2Validator):
    """What the token endpoint accepts, and what it keeps. Replaces the toolkit's handling of codes and rotation."""

    def _load_application(self, client_id: str, request: Request) -> Application | None:
        """PostgreSQL takes no NUL in a text, so such an id cannot even be looked up."""
        return None if "\x00" in (client_id or "") else super()._load_application(client_id, request)

    def _authenticate_basic_auth(self, request: Request) -> bool:
        for client_id, secret in basic_credentials(self._extract_basic_auth(request) or ""):
            application = self._load_application(client_id, request)
            if application is not None and self._check_secret(secret, application.client_secret):
                return True
        return False

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        """Public applications, which have no secret, must prove with PKCE that they began the run."""
        return bool(request.client.client_type == Application.CLIENT_PUBLIC)

    def validate_code(
        self, client_id: str, code: str, client: Application, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Find the code's row; whether it is still good is told when it is spent, once the client has proved itself.

        Raises `InvalidGrantError` for a code that is unknown or another's, or that comes with a verifier although its
        run had no challenge (RFC 9700, 2.1.1), and `InvalidRequestError` for what is not even shaped like a code, in
        the words that smartcar/java-sdk asserts.
        """
        if not _CODE.fullmatch(code):
            raise InvalidRequestError(f"Invalid code: {code[:_SHOWN_OF_CODE]}.", request=request)
        rows = Grant.objects.filter(code=checksum(code), application=client, user__is_active=True)
        row = rows.select_related("user", "application").first()
        if row is None:
            raise _invalid_code(request)
        if request.code_verifier and not row.code_challenge:
            raise InvalidGrantError(
                "A code_verifier was sent, but the code was requested without a code_challenge."
            )
        request.code_row = row
        request.user, request.scopes = row.user, row.scope.split()
        return True

    def get_code_challenge(self, code: str, request: Request) -> str | None:
        """The challenge of the run that the code came from."""
        return request.code_row.code_challenge or None

    def get_code_challenge_method(self, code: str, request: Request) -> str | None:
        """How the challenge was made."""
        return request.code_row.code_challenge_method or None

    def get_default_redirect_uri(
        self, client_id: str, request: Request, *args: Any, **kwargs: Any
    ) -> str | None:
        """The address that the run ended at, for a client that names none."""
        return str(request.code_row.redirect_uri)

    def confirm_redirect_uri(
        self,
        client_id: str,
        code: str,
        redirect_uri: str,
        client: Application,
        request: Request,
        **kwargs: Any,
    ) -> bool:
        """The address must be the run's; it may be left out only where the run's was left out too.

        Raises `InvalidGrantError`.
        """
        given = json.loads(request.code_row.claims or "{}").get(_REDIRECT_URI_GIVEN, True)
        missing = given and request.using_default_redirect_uri
        if missing or not are_one(redirect_uri, request.code_row.redirect_uri):
            raise InvalidGrantError("The redirect_uri is not the one that the code was requested with.")
        return True

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, **kwargs: Any
    ) -> None:
        """Nothing is left to do: the code was spent when its tokens were saved."""

    def validate_refresh_token(
        self, refresh_token: str, client: Application, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Find the refresh token's row; whether it gets a successor is told when that is saved.

        Raises `InvalidGrantError` for one that expired, was taken away or never was.
        """
        rows = RefreshToken.objects.filter(
            token_checksum=checksum(refresh_token),
            application=client,
            user__is_active=True,
            access_token__isnull=False,
            token_family__isnull=False,
            created__gt=timezone.now() - REFRESH_TOKEN_LIFE,
        )
        newest = rows.order_by(F("revoked").desc(nulls_first=True))
        row = newest.select_related("access_token", "user", "application").first()
        if row is None:
            raise _invalid_refresh_token(request)
        request.refresh_row, request.user = row, row.user
        return True

    def get_original_scopes(self, refresh_token: str, request: Request, *args: Any, **kwargs: Any) -> str:
        """What the token that is being renewed reaches; the new one reaches the same."""
        return str(request.refresh_row.access_token.scope)

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        """Spend what was presented and keep the new pair, in one transaction. Access tokens given out before stay good.

        Of two requests with one code at the same time one succeeds, and what it got ends with the other; of two with
        one refresh token both succeed, and one of the new refresh tokens lives on. Raises `InvalidGrantError`.
        """
        now = timezone.now()
        with transaction.atomic():
            family = _SPENDERS[request.grant_type](request, now)
            if family is not None:
                self._keep(token, request, family, now)
        # Only after the transaction, in which a family may have ended.
        if family is None:
            raise _REFUSALS[request.grant_type](request)

    def _keep(self, token: dict[str, Any], request: Request, family: uuid.UUID, now: datetime) -> None:
        request.resource = []
        access_token = self._create_access_token(now + ACCESS_TOKEN_LIFE, request, token)
        row = RefreshToken(
            user=request.user, application=request.client, access_token=access_token, token_family=family
        )
        self._set_token_value(row, token["refresh_token"])
        row.save()


def _spend_code(request: Request, now: datetime) -> uuid.UUID | None:
    return token_families.begin(request.code_row, now)


def _spend_refresh_token(request: Request, now: datetime) -> uuid.UUID | None:
    row: RefreshToken = request.refresh_row
    return row.token_family if token_families.replace(row, now) else None


def _invalid_code(request: Request) -> InvalidGrantError:
    return InvalidGrantError(f"Invalid code: {request.code}.")


def _invalid_refresh_token(request: Request) -> InvalidGrantError:
    return InvalidGrantError(f"Invalid refresh_token: {request.refresh_token}.")


_SPENDERS: Final = {"authorization_code": _spend_code, "refresh_token": _spend_refresh_token}
_REFUSALS: Final = {"authorization_code": _invalid_code, "refresh_token": _invalid_refresh_token}
