"""Logins at Tesla: where one begins, redeeming its code, and what its tokens tell. Failures are `TeslaError` inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from vehicles import evidence, history
from vehicles.error_mapping import translated
from vehicles.facts.sources import Source
from vehicles.history import Kind
from vehicles.models import Integration, TeslaAccount, User
from vehicles.origins import origins
from vehicles.tesla import auth, paths
from vehicles.tesla import errors as tesla
from vehicles.tokens import store

_BEGUN_ELSEWHERE: Final = "the login was not begun here"


class OtherAccount(Exception):
    """The person signed in with another Tesla account than the one this login was for."""


def login_page(
    mode: str,
    *,
    redirect_uri: str,
    scopes: Sequence[str],
    state: str,
    nonce: str,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Tesla's login and consent page; it sends a code for `sign_in` or `identify` to `redirect_uri`, with `state`."""
    return auth.authorize_url(
        origins(mode).auth,
        client_id=settings.TESLA_CLIENT_ID,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=state,
        nonce=nonce,
        extra=extra,
    )


def legacy_login_page(
    mode: str, *, state: str, code_verifier: str, extra: Mapping[str, str] | None = None
) -> str:
    """Tesla's login page for the Owner API; it ends at an address with `state` and a code for `sign_in_legacy`."""
    return auth.owner_api_login_url(origins(mode).auth, state=state, code_verifier=code_verifier, extra=extra)


def sign_in(
    *,
    mode: str,
    code: str,
    redirect_uri: str,
    nonce: str | None = None,
    expected: Callable[[str], bool] | None = None,
) -> TeslaAccount:
    """Redeem the code of a Fleet login and return its account, created where it is new.

    With `expected`, the login must be one whose Tesla id that accepts. Raises `OtherAccount` otherwise, and
    `CatalogueError`: AUTHENTICATION_FAILED when Tesla refuses the code or the login is not the one that was begun with
    `nonce`, UPSTREAM errors when Tesla cannot be asked.
    """
    with translated():
        tokens = _redeem(mode, code, redirect_uri).tokens
        claims = _claims(tokens, Integration.FLEET)
        if nonce is not None and auth.read_nonce(tokens.id_token) != nonce:
            raise tesla.LoginRefused(_BEGUN_ELSEWHERE)
    return _keep_login(mode, Integration.FLEET, claims, tokens, expected)


def identify(*, mode: str, code: str, redirect_uri: str, nonce: str) -> TeslaAccount | None:
    """Redeem the code of a login that asked only who somebody is; None for an account that is not connected here.

    Nothing is stored, and the account's tokens go on working. Raises `CatalogueError` as `sign_in` does.
    """
    with translated():
        identity = _redeem(mode, code, redirect_uri).identity
        if identity.nonce != nonce:
            raise tesla.LoginRefused(_BEGUN_ELSEWHERE)
    return TeslaAccount.objects.filter(sub=identity.sub, mode=mode).select_related("person").first()


def sign_in_legacy(
    *, mode: str, code: str, code_verifier: str, expected: Callable[[str], bool] | None = None
) -> TeslaAccount:
    """Redeem the code of a login to the Owner API; for the same account beside its Fleet login.

    Raises as `sign_in` does.
    """
    with translated():
        tokens = auth.exchange_owner_api_code(origins(mode).auth, code=code, code_verifier=code_verifier)
        claims = _claims(tokens, Integration.LEGACY)
    return _keep_login(mode, Integration.LEGACY, claims, tokens, expected)


def _redeem(mode: str, code: str, redirect_uri: str) -> auth.Redeemed:
    return auth.exchange_code(
        origins(mode).token,
        client_id=settings.TESLA_CLIENT_ID,
        client_secret=settings.TESLA_CLIENT_SECRET,
        code=code,
        redirect_uri=redirect_uri,
        audience=paths.FLEET_API_HOSTS[settings.TESLA_REGIONS[0]],
    )


def _claims(tokens: auth.Tokens, integration: str) -> auth.Claims:
    """What the access token says. Raises `LoginRefused` for one of the other interface or of another application."""
    claims = auth.read_claims(tokens.access_token)
    is_legacy = integration == Integration.LEGACY
    fits = claims.is_of_owner_api() if is_legacy else claims.is_of_application(settings.TESLA_CLIENT_ID)
    if not fits:
        raise tesla.LoginRefused("the token was made for another application")
    return claims


def _keep_login(
    mode: str,
    integration: Integration,
    claims: auth.Claims,
    tokens: auth.Tokens,
    expected: Callable[[str], bool] | None,
) -> TeslaAccount:
    is_other = expected is not None and not expected(claims.sub)
    if is_other and not TeslaAccount.objects.filter(sub=claims.sub, mode=mode).exists():
        raise OtherAccount
    # Tesla has already ended this account's earlier tokens, so a connected account keeps the new ones in any case.
    account = _signed_in(mode, integration, claims, tokens)
    if is_other:
        raise OtherAccount
    return account


def _signed_in(mode: str, integration: Integration, claims: auth.Claims, tokens: auth.Tokens) -> TeslaAccount:
    now = timezone.now()
    with store.durable(), transaction.atomic():
        account = TeslaAccount.objects.filter(sub=claims.sub, mode=mode).first()
        if account is None:
            person = User(is_person=True)
            person.username = f"person-{person.pk}"
            person.set_unusable_password()
            person.save()
            account = TeslaAccount.objects.create(
                person=person, mode=mode, sub=claims.sub, region=claims.region
            )
            history.record(
                Kind.ACCOUNT_CONNECTED, actor=history.person(person), at=now, account=account, mode=mode
            )
        store.store_login(account, integration, tokens, now)
        seen(account, integration, claims, now, source=Source.LOGIN)
    return account


def seen(
    account: TeslaAccount,
    integration: str,
    claims: auth.Claims,
    now: datetime,
    *,
    source: str = Source.TOKEN,
) -> None:
    """A fresh token is evidence: of what the person consented to, or that the legacy login works."""
    if integration == Integration.FLEET:
        evidence.scopes_seen(account, claims.scopes, now=now, source=source)
    else:
        evidence.legacy_login_seen(account, works=True, now=now, source=source)
