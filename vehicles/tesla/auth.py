"""Tesla's login: the address to send a person to, codes and refresh tokens into tokens, and what a token says.

Facts from Fleet API: authentication overview and third-party tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from vehicles.tesla import errors, paths, texts, transport
from vehicles.tesla.scopes import OWNER_API_SCOPES

_THIRD_PARTY = "/nts"
"""How the issuer ends in tokens of third-party applications."""
_OPERATOR_FAULT = ("unauthorized_client", "invalid_client", "invalid_redirect_url")
_PASSWORD_CHANGED = "password_changed"  # noqa: S105  (Tesla's name of an error)
_DEAD_LOGIN = ("login_required", "invalid_grant", "login_failed")
_LONGEST_LIFETIME = 366 * 24 * 3600
"""Seconds. Tesla's access tokens live for eight hours, and those of the Owner API did for 45 days."""


_LONGEST_SUB = 64
"""Characters. Tesla sends a UUID."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A fresh pair. `expires_in` is in seconds; the values never appear in a representation."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    id_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: Tesla's id of the account, and the nonce that the login was begun with."""

    sub: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: Tesla's id of the account, granted scopes, home region, whom and what it is for."""

    sub: str
    scopes: tuple[str, ...]
    region: str
    made_for: str
    issuer: str
    audiences: tuple[str, ...]

    def is_of_owner_api(self) -> bool:
        """Whether the token is one of the legacy API and nothing else (Owner API: telling tokens apart)."""
        return (
            self.made_for == paths.OWNER_API_CLIENT_ID
            and not self.issuer.endswith(_THIRD_PARTY)
            and any("owner-api" in audience for audience in self.audiences)
        )

    def is_of_application(self, client_id: str) -> bool:
        """Whether the token was made for this application and the Fleet API."""
        return (
            self.made_for == client_id
            and self.issuer.endswith(_THIRD_PARTY)
            and any("fleet-api." in audience for audience in self.audiences)
        )


def authorize_url(
    origin: str,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: Iterable[str],
    state: str,
    nonce: str,
    extra: Mapping[str, str] | None = None,
) -> str:
    """The address of Tesla's login and consent pages for this run."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "nonce": nonce,
        **(extra or {}),
    }
    return f"{origin}{paths.AUTHORIZE}?{urlencode(query)}"


def owner_api_login_url(
    origin: str, *, state: str, code_verifier: str, extra: Mapping[str, str] | None = None
) -> str:
    """The address of Tesla's login for the legacy API, which asks for no consent (Owner API: login)."""
    digest = hashlib.sha256(code_verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": paths.OWNER_API_CLIENT_ID,
        "redirect_uri": paths.OWNER_API_CALLBACK,
        "scope": " ".join(OWNER_API_SCOPES),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **(extra or {}),
    }
    return f"{origin}{paths.AUTHORIZE}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code was worth: tokens, and who signed in. Each is read when it is asked for, and raises `Unintelligible`
    where the answer lacks it: a login that asked only who somebody is brings no refresh token, so that none is rotated.
    """

    answer: Mapping[str, Any] = field(repr=False)

    @property
    def tokens(self) -> Tokens:
        return _tokens(self.answer)

    @property
    def identity(self) -> Identity:
        payload = _payload(str(self.answer.get("id_token") or ""))
        return Identity(str(payload.get("sub") or ""), str(payload.get("nonce") or ""))


def exchange_code(
    origin: str, *, client_id: str, client_secret: str, code: str, redirect_uri: str, audience: str
) -> Redeemed:
    """Redeem an authorization code. Raises `LoginRefused` for a bad code, `OperatorFault` where Tesla does not take the
    operator's own registration, other `TeslaError` for the way there.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "client_secret": client_secret,
        "code": code,
        "audience": audience,
        "redirect_uri": redirect_uri,
    }
    return Redeemed(_asked(origin, form))


def exchange_owner_api_code(origin: str, *, code: str, code_verifier: str) -> Tokens:
    """Redeem the code of a login to the legacy API, which has no secret but a verifier (Owner API: login).

    Raises as `exchange_code` does.
    """
    form = {
        "grant_type": "authorization_code",
        "client_id": paths.OWNER_API_CLIENT_ID,
        "code": code,
        "code_verifier": code_verifier,
        "redirect_uri": paths.OWNER_API_CALLBACK,
    }
    return _tokens(_asked(origin, form))


def _asked(origin: str, form: Mapping[str, str]) -> dict[str, Any]:
    try:
        return transport.send("POST", origin + paths.TOKEN, form=form)
    except (errors.BadRequest, errors.TokenRefused) as refusal:
        is_ours = any(word in refusal.text for word in _OPERATOR_FAULT)
        kind = errors.OperatorFault if is_ours else errors.LoginRefused
        raise kind(refusal.text, status=refusal.status) from None


def refresh(origin: str, *, client_id: str, refresh_token: str) -> Tokens:
    """Rotate a refresh token. Raises `LoginRequired` when Tesla says it is dead, other `TeslaError` otherwise."""
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token}
    try:
        return _tokens(transport.send("POST", origin + paths.TOKEN, form=form))
    except (errors.BadRequest, errors.TokenRefused) as refusal:
        # The `error` of a JSON body comes first in the text; a page of HTML that holds the word somewhere says nothing.
        error = refusal.text.partition(" ")[0]
        if error == _PASSWORD_CHANGED:
            raise errors.PasswordChanged(refusal.text, status=refusal.status) from None
        if error in _DEAD_LOGIN:
            raise errors.LoginRequired(refusal.text, status=refusal.status) from None
        raise


def _tokens(body: Mapping[str, Any]) -> Tokens:
    access, renewing, identity = (body.get(f"{name}_token") for name in ("access", "refresh", "id"))
    if not (isinstance(access, str) and access and isinstance(renewing, str) and renewing):
        raise errors.Unintelligible("the token answer lacks a token")
    try:
        lifetime = min(int(body["expires_in"]), _LONGEST_LIFETIME)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise errors.Unintelligible("the token answer lacks a lifetime") from None
    return Tokens(access, renewing, max(lifetime, 0), identity if isinstance(identity, str) else "")


def read_claims(access_token: str) -> Claims:
    """What the token says. Only for tokens just received from Tesla over TLS: the signature is not checked.

    Raises `Unintelligible` when it is not a token of the kind Tesla issues.
    """
    payload = _payload(access_token)
    scopes = payload.get("scp")
    sub = payload.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= _LONGEST_SUB or not isinstance(scopes, list):
        raise errors.Unintelligible("the access token names no account")
    return Claims(
        sub=sub,
        scopes=tuple(str(scope) for scope in scopes),
        region=texts.told(payload.get("ou_code"), 8).lower(),
        made_for=str(payload.get("azp") or ""),
        issuer=str(payload.get("iss") or ""),
        audiences=_texts(payload.get("aud")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    """One text or a list of them, as a claim may have either."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value or ""),)


def read_nonce(id_token: str) -> str:
    """The nonce that this login was begun with, from the ID token; empty when there is none."""
    return str(_payload(id_token).get("nonce") or "") if id_token else ""


def _payload(token: str) -> dict[str, Any]:
    try:
        part = token.split(".")[1]
        padded = part + "=" * (-len(part) % 4)
        payload = texts.cleaned(json.loads(base64.urlsafe_b64decode(padded)))
    except (IndexError, ValueError, RecursionError, binascii.Error):
        raise errors.Unintelligible("the token cannot be read") from None
    if not isinstance(payload, dict):
        raise errors.Unintelligible("the token cannot be read")
    return payload
