"""To Tesla's login and back: the address a person is sent to, and what their return is worth.

`state` and `nonce` tie the login to the run, which belongs to one browser: the run keeps the checksum of the state, and
the nonce is made from the state with a secret of ours, so it need not be stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import salted_hmac

from connect.models import ConnectSession, ResponseType, Step
from connect.problems.catalogue import (
    LEFT_TESLA,
    OF_SIGN_IN,
    OF_TESLA_ERROR,
    TESLA_UNREACHABLE_AT_SIGN_IN,
    USED_LOGIN,
    WRONG_ACCOUNT,
    ConnectProblem,
)
from connect.run import flow
from connect.run.consent import SHOWS_CARS
from vehicles import grants, sync
from vehicles.client_credentials import checksum
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError
from vehicles.models import Application, Integration, Mode, TeslaAccount, VehicleGrant
from vehicles.permissions import PERMISSIONS, Permission, tesla_scopes_for
from vehicles.tesla.scopes import LABELS
from vehicles.tokens import logins

CALLBACK_PATH: Final = "/connect/tesla/callback"
BEFORE_APPROVAL: Final = (Step.PREAMBLE, Step.BRAND, Step.TESLA, Step.PERMISSIONS)
"""From these steps a person may be sent to Tesla, also a second time."""


def begin(session: ConnectSession, now: datetime, *, another_account: bool = False) -> str:
    """Tesla's login page for this run; empty when the run is past that point."""
    state = secrets.token_urlsafe(32)
    if session.step not in BEFORE_APPROVAL or not flow.move(
        session, Step.TESLA, now, tesla_state_checksum=checksum(state)
    ):
        return ""
    extra = {"test_login": "true"} if session.any_login else {}
    return address(
        session.mode,
        state,
        scopes_to_ask(session),
        another_account=another_account,
        extra=extra,
    )


def address(
    mode: str,
    state: str,
    scopes: Sequence[str],
    *,
    another_account: bool = False,
    extra: Mapping[str, str] | None = None,
) -> str:
    """Tesla's login page, asking for these scopes; it sends `state` back.

    An earlier consent must not hide what is needed now (Fleet API: authentication, `prompt_missing_scopes`).
    """
    behaviour = {"prompt_missing_scopes": "true", **any_login(mode), **(extra or {})}
    if another_account:
        behaviour["prompt"] = "login"
    return logins.login_page(
        mode,
        redirect_uri=_callback(),
        scopes=scopes,
        state=state,
        nonce=_nonce(state),
        extra=behaviour,
    )


def any_login(mode: str) -> dict[str, str]:
    """What asks the simulated Tesla to take any e-mail address and password; the sample people keep theirs."""
    return {"any_login": "true"} if mode == Mode.SIMULATED else {}


def scopes_to_ask(session: ConnectSession) -> list[str]:
    """What this run needs, with what other applications of a known account hold: Tesla keeps one consent for all."""
    accounts = [session.account] if session.account else []
    return tesla_scopes_for([*session.requested, *held_by(accounts, session.application), SHOWS_CARS])


def held_by(accounts: Iterable[TeslaAccount], application: Application | None = None) -> list[str]:
    """The permissions that a login of these accounts must cover, or else it would take them away.

    Grants of the legacy API rest on no consent, and count only for the application that the login is for.
    """
    is_concerned = Q(integration=Integration.FLEET)
    if application:
        is_concerned |= Q(connection__application=application)
    held = VehicleGrant.objects.active().filter(is_concerned, account__in=accounts)
    return [name for approved in held.values_list("approved", flat=True) for name in approved]


def tesla_labels(permissions: Iterable[Permission]) -> list[str]:
    """The boxes on Tesla's consent page that must be ticked for these permissions, and for cars to be shown at all."""
    wanted = {permission.tesla_scope for permission in (*permissions, PERMISSIONS[SHOWS_CARS])}
    return [label for scope, label in LABELS.items() if scope in wanted]


@dataclass(frozen=True, slots=True)
class Return:
    """What Tesla sent back: a code or an error, with the state."""

    code: str
    error: str
    state: str


def complete(session: ConnectSession, sent_back: Return, now: datetime) -> None:
    """Take what Tesla sent back: redeem the code and go on to the permissions.

    Raises `ConnectProblem` when the person did not sign in or did not agree, or Tesla does not take the code.
    """
    before = session.account
    scopes_before = set(before.granted_scopes) if before and before.consent == Consent.ACTIVE else None
    account = redeem(session.mode, sent_back, accepted_accounts(session))
    in_vain = account == before and set(account.granted_scopes) == scopes_before
    if not flow.move(
        session, Step.PERMISSIONS, now, account=account, signed_in_at=now, asked_in_vain=in_vain
    ):
        raise ConnectProblem(USED_LOGIN)
    if session.connection_id is not None:
        grants.move_to_fleet(session.application, account, now=now)


def redeem(mode: str, sent_back: Return, expected: Callable[[str], bool] | None = None) -> TeslaAccount:
    """The account that signed in, its tokens stored. With `expected` its Tesla id must be one that this accepts.

    Raises `ConnectProblem`.
    """
    _refuse_without_code(sent_back)
    with problems_of_login():
        account = logins.sign_in(
            mode=mode,
            code=sent_back.code,
            redirect_uri=_callback(),
            nonce=_nonce(sent_back.state),
            expected=expected,
        )
    sync.learn_email(account, Integration.FLEET)
    return account


@contextmanager
def problems_of_login() -> Iterator[None]:
    """What stops a login becomes a `ConnectProblem`.

    Raises it: wrong account, or what stopped the sign-in at Tesla.
    """
    try:
        yield
    except logins.OtherAccount:
        raise ConnectProblem(WRONG_ACCOUNT) from None
    except CatalogueError as failure:
        raise ConnectProblem(OF_SIGN_IN.get(failure.spec.name, TESLA_UNREACHABLE_AT_SIGN_IN)) from failure


def identify(mode: str, sent_back: Return) -> TeslaAccount | None:
    """Whose login it was, nothing stored of it; None for an account that is not connected here.

    Raises `ConnectProblem`.
    """
    _refuse_without_code(sent_back)
    with problems_of_login():
        return logins.identify(
            mode=mode,
            code=sent_back.code,
            redirect_uri=_callback(),
            nonce=_nonce(sent_back.state),
        )


def _refuse_without_code(sent_back: Return) -> None:
    if sent_back.error or not sent_back.code:
        raise ConnectProblem(OF_TESLA_ERROR.get(sent_back.error, LEFT_TESLA))


def accepted_accounts(session: ConnectSession) -> Callable[[str], bool] | None:
    """A reauthentication ends on a Tesla account that holds a grant on the car, or with its make any grant of the
    application; other runs take any account.
    """
    if session.response_type != ResponseType.VEHICLE_ID:
        return None
    held = VehicleGrant.objects.active().filter(
        connection__application=session.application, mode=session.mode
    )
    if session.connection_id is not None:
        held = held.filter(connection=session.connection_id)
    return lambda sub: held.filter(account__sub=sub).exists()


def _nonce(state: str) -> str:
    return salted_hmac("connect.run.tesla_login", state, algorithm="sha256").hexdigest()


def _callback() -> str:
    return str(settings.PUBLIC_URL) + CALLBACK_PATH
