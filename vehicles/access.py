"""Access: may this application, for this person, do this with this car now? Asked by every request.

Finds the grant, and lets `diagnosis` decide. Links that a diagnosis only names become addresses here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from vehicles import errors, origins, owner_links, simulated_errors
from vehicles.db.compiled_queries import Given, Prepared
from vehicles.diagnosis import CAUSES, Access, Diagnosis, diagnose, not_connected
from vehicles.errors import CatalogueError, ErrorSpec, invalid
from vehicles.facts import facts_of, with_incidents, working_permissions
from vehicles.models import Application, Integration, Mode, Reservation, User, VehicleGrant
from vehicles.permissions import REQUIRED_PREFIX, shows_cars


def grants_of(*, person: User, application: Application, only_connection: str = "") -> QuerySet[VehicleGrant]:
    """What this person gave this application and still stands, newest car first."""
    grants = VehicleGrant.objects.active().filter(connection__application=application, account__person=person)
    if only_connection:
        grants = grants.filter(connection__public_id=only_connection)
    return grants.order_by("-connection__created_at", "-connection_id", "-approved_at")


def get_grant(
    *, person: User, application: Application, public_id: str, only_connection: str = ""
) -> VehicleGrant:
    """The grant behind the application's id of a car, with every row that a decision needs.

    Raises VALIDATION for an id that is no UUID, and PERMISSION, the same whether or not such a car exists.
    """
    try:
        wanted = uuid.UUID(public_id)
    except ValueError:
        raise invalid("id", "must be a vehicle id, a UUID of 36 characters") from None
    found: list[VehicleGrant] = []
    if only_connection in ("", str(wanted)):
        found = _REACHED.rows(application=application.pk, person=person.pk, public_id=wanted)
    if not found:
        raise not_permitted(application, person, "no grant of this person on this vehicle")
    # A person may reach one car through both interfaces; the current one serves.
    grant = next((grant for grant in found if grant.integration == Integration.FLEET), found[0])
    grant.account.person = person
    grant.__dict__.setdefault("own_access", None)
    return grant


UNASKED_OF_APPLICATION: Final = (
    *("user", "client_type", "client_secret", "hash_client_secret", "authorization_grant_type", "algorithm"),
    *("skip_authorization", "allowed_origins", "post_logout_redirect_uris", "registration_source"),
    *("cimd_expires_at", "created", "updated", "logo", "colour", "ends_family_on_reuse"),
    *("management_token_encrypted", "management_token_checksum"),
)
"""Columns that no request needs; each would be paid for by every request."""
_UNASKED: Final = (
    *("verdict", "main_cause", "next_actor", "lacks_permissions", "verdict_since"),
    "connection__created_at",
    *("account__sub", "account__email", "account__flipped_at", "account__created_at"),
    *("connection__vehicle__created_at", "connection__vehicle__key_evidence"),
    *(f"connection__application__{name}" for name in UNASKED_OF_APPLICATION),
)
_OWN_ACCESS: Final = {
    "own_access": FilteredRelation(
        "connection__vehicle__accesses", condition=Q(connection__vehicle__accesses__account=F("account"))
    )
}
_REACHED: Final = Prepared(
    lambda: (
        with_incidents(VehicleGrant.objects.active())
        .annotate(**_OWN_ACCESS)
        .filter(
            connection__application=Given("application"),
            connection__public_id=Given("public_id"),
            account__person=Given("person"),
        )
        .select_related("account", "connection__vehicle", "connection__application", *_OWN_ACCESS)
        .defer(*_UNASKED)
        .order_by("-approved_at")
    )
)


def not_permitted(application: Application, person: User, reason: str) -> CatalogueError:
    """PERMISSION, with the way through Connect as its cure; the same whether or not the car exists."""
    mode = person.tesla_accounts.values_list("mode", flat=True).first() or Mode.LIVE
    held = grants_of(person=person, application=application).values_list("integration", flat=True)
    # Somebody who declined it is asked again.
    again = {"approval_prompt": "force", **_interface(application, held)}
    url = _connect_page(application, application.permissions, mode, **again)
    return CatalogueError(errors.PERMISSION, resolution_url=url, reason=reason)


def diagnosis_of(grant: VehicleGrant, asked: str | None = None) -> Diagnosis:
    """The decision for this grant now, for a call that needs `asked` or for the worst of what was granted."""
    return diagnose(facts_of(grant, timezone.now()), asked=asked)


def require(grant: VehicleGrant, permission: str) -> None:
    """Return when a call that needs this permission may go to Tesla now; raise the error it must answer otherwise.

    Nothing is refused because the car was seen asleep: it may have woken since, and the call itself will tell.
    """
    told = diagnosis_of(grant, permission)
    if told.error is not None and told.error is not errors.ASLEEP:
        raise refuse(grant, told.error, cause=told.stopped_by)
    if (tried := simulated_errors.of(grant)) is not None:
        example = simulated_errors.example(tried)
        raise (
            refuse(grant, tried, reason=example.reason)
            if tried is errors.PERMISSION
            else with_cure(example, grant)
        )


def refuse(grant: VehicleGrant, spec: ErrorSpec, *, reason: str = "", cause: str = "") -> CatalogueError:
    """The catalogue error for this grant, with the link that repairs it; `cause` is the diagnosis' word for it."""
    if spec is errors.PERMISSION:
        refusal = not_permitted(grant.connection.application, grant.account.person, reason)
    else:
        refusal = with_cure(CatalogueError(spec, reason=reason), grant)
    refusal.cause = cause
    return refusal


def with_cure(error: CatalogueError, grant: VehicleGrant) -> CatalogueError:
    """The same error, to this grant's person: with the link that repairs it, where there is one and it has none yet,
    and in words for a driver, where they drive the car and do not own it.
    """
    name, is_driver = error.spec.name, _drives(grant)
    link = (is_driver and _LINKS_OF_DRIVERS.get(name)) or RESOLUTION_LINKS.get(name)
    if link and error.resolution_url is None:
        error.resolution_url = url_for(link, grant)
    if is_driver and error.words is None:
        error.words = errors.TO_DRIVERS.get(name)
    return error


def _drives(grant: VehicleGrant) -> bool:
    return grant.own_access is not None and grant.own_access.access_type == Access.DRIVER


RESOLUTION_LINKS: Final[dict[str, str]] = {
    errors.AUTHENTICATION_FAILED.name: "reauthenticate",
    errors.ACCOUNT_PERMISSION.name: "connect",
    errors.VIRTUAL_KEY_REQUIRED.name: "pairing",
    errors.PLATFORM_NOT_CAPABLE.name: "reconnect_fleet",
}
_LINKS_OF_DRIVERS: Final = {errors.VIRTUAL_KEY_REQUIRED.name: "owner"}
"""The link in an error's resolution, for everybody, and where it is another for a driver. PERMISSION has one of its
own: its body must not tell whether the car exists."""


def _connect_page(application: Application, permissions: Sequence[str], mode: str, **more: str) -> str:
    query = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": application.first_redirect_uri,
        "scope": " ".join(permissions),
        "make": "TESLA",
        "mode": mode,
        **more,
    }
    return f"{settings.PUBLIC_URL}/oauth/authorize?{urlencode(query)}"


def connect_link(reservation: Reservation) -> str:
    """The Connect page for one car and one user that an application knew before; it is meant for that person alone."""
    return _connect_page(
        reservation.application,
        reservation.scopes or reservation.application.permissions,
        reservation.mode,
        single_select="true",
        single_select_vin=reservation.vin,
        user=str(reservation.user_public_id),
    )


def _connect(grant: VehicleGrant) -> str:
    """Who declined something before is asked again, instead of being sent on with the same answer."""
    application = grant.connection.application
    again = {"approval_prompt": "force"} if grant.declined else {}
    again |= _interface(application, [grant.integration])
    return _connect_page(application, grant.requested or application.permissions, grant.mode, **again)


def _interface(application: Application, held: Iterable[str]) -> dict[str, str]:
    """What has moved to the Fleet API is mended there alone, whatever the application uses for new connections."""
    is_behind = application.integration == Integration.LEGACY and Integration.FLEET in held
    return {"integration": str(Integration.FLEET)} if is_behind else {}


def _reconnect_fleet(grant: VehicleGrant) -> str:
    """Moves what the person gave over the older interface; ids and tokens of the application stay.

    Required is what Tesla shows no car without; a box left out beyond that holds nobody up.
    """
    application = grant.connection.application
    names = grant.requested or application.permissions
    query = {
        "response_type": "vehicle_id",
        "client_id": application.client_id,
        "make": "TESLA",
        "scope": " ".join(f"{REQUIRED_PREFIX if shows_cars(name) else ''}{name}" for name in names),
        "mode": grant.mode,
    }
    return f"{settings.PUBLIC_URL}/oauth/reauthenticate?{urlencode(query)}"


def _reauthenticate(grant: VehicleGrant) -> str:
    query = {
        "response_type": "vehicle_id",
        "client_id": grant.connection.application.client_id,
        "vehicle_id": str(grant.connection.public_id),
    }
    return f"{settings.PUBLIC_URL}/oauth/reauthenticate?{urlencode(query)}"


def _pairing(grant: VehicleGrant) -> str:
    # The VIN preselects the right car, but it belongs in the hands only of those who may read it.
    vin = grant.connection.vehicle.vin if "read_vin" in working_permissions(grant) else ""
    return origins.pairing_page(grant.mode, vin)


def _pause_switch(grant: VehicleGrant) -> str:
    """The staff page on which the pause was switched on: the car's, or the application's."""
    vehicle, application = grant.connection.vehicle, grant.connection.application
    page = f"vehicle/{vehicle.pk}" if vehicle.paused else f"application/{application.pk}"
    return f"{settings.PUBLIC_URL}/admin/vehicles/{page}/change/"


_ADDRESSES: Final[Mapping[str, Callable[[VehicleGrant], str]]] = {
    "connect": _connect,
    "reauthenticate": _reauthenticate,
    "reconnect_fleet": _reconnect_fleet,
    "pairing": _pairing,
    "owner": lambda grant: owner_links.of_the_hour(grant, timezone.now()),
    "third_party_apps": lambda grant: origins.third_party_apps_page(grant.mode),
    "own_page": lambda grant: f"{settings.PUBLIC_URL}/connect/account?{urlencode({'mode': grant.mode})}",
    "admin_pause": _pause_switch,
    "admin_incidents": lambda grant: f"{settings.PUBLIC_URL}/admin/vehicles/incident/",
    "documentation": lambda grant: f"{settings.PUBLIC_URL}/api/docs/",
}


def url_for(link: str, grant: VehicleGrant) -> str:
    """The address behind a link name of a diagnosis; empty for no link."""
    return _ADDRESSES[link](grant) if link else ""


def diagnosis_json(diagnosis: Diagnosis, grant: VehicleGrant) -> dict[str, Any]:
    """The diagnosis as the API answers it, texts translated and links made into addresses."""
    return _as_json(diagnosis, lambda link: url_for(link, grant))


def waiting_json(reservation: Reservation) -> dict[str, Any]:
    """The diagnosis of a car that nobody connected yet, as the API answers it."""
    wanted = reservation.scopes or reservation.application.permissions
    return _as_json(not_connected(wanted, reservation.created_at), lambda link: connect_link(reservation))


def _as_json(diagnosis: Diagnosis, address: Callable[[str], str]) -> dict[str, Any]:
    error = diagnosis.error
    return {
        "verdict": str(diagnosis.verdict),
        "causes": [
            {
                "code": cause.code,
                "axis": cause.axis,
                "text": gettext(CAUSES[cause.code].application),
                **cause.observed.as_json(),
            }
            for cause in diagnosis.causes
        ],
        "error": {"type": error.type, "code": error.code} if error else None,
        "actions": [
            {
                "actor": str(action.actor),
                "code": action.code,
                "text": gettext(action.text),
                "url": address(action.link) or None,
                "needsPhoneKey": action.needs_phone_key,
            }
            for action in diagnosis.actions
        ],
        "axes": dict(diagnosis.axes),
    }
