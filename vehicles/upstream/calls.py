"""The one door to Tesla: a function per question and command, with the rate budget that each spends.

Nothing here holds a database connection or a transaction while Tesla is asked. How a call is made with an account's
token, and what a denial means, is in `account_call`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, TypeVarTuple

from django.db import transaction
from django.utils import timezone

from vehicles import access, errors, evidence
from vehicles.errors import CatalogueError
from vehicles.models import Integration, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import client, scopes
from vehicles.tesla.results import CommandResult, KeyStatus, ListedVehicle
from vehicles.upstream import rate_budgets
from vehicles.upstream.account_call import call

T = TypeVar("T")
P = ParamSpec("P")
Given = TypeVarTuple("Given")
OfGrant = Callable[Concatenate[VehicleGrant, P], T]


_LOST_AT_TESLA: Final = (errors.ACCOUNT_PERMISSION, errors.AUTHENTICATION_FAILED)


def _naming_the_cure(function: OfGrant[P, T]) -> OfGrant[P, T]:
    """What Tesla's answer means for this grant is told with the link that repairs it."""

    @wraps(function)
    def told(grant: VehicleGrant, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(grant, *args, **kwargs)
        except CatalogueError as error:
            raise access.with_cure(error, grant) from error.__cause__

    return told


def listed(account: TeslaAccount, integration: str) -> list[ListedVehicle]:
    """The account's cars as this interface lists them now.

    Asked a second time where a known car is not among them: one list that lacks a car is noise, as one 404 is.
    """
    list_them = listed_products if integration == Integration.LEGACY else listed_vehicles
    found = list_them(account)
    known = VehicleAccess.objects.filter(account=account, missing_since=None)
    vins = {vehicle.vin for vehicle in found}
    if vins.issuperset(known.values_list("vehicle__vin", flat=True)):
        return found
    return found + [vehicle for vehicle in list_them(account) if vehicle.vin not in vins]


def listed_vehicles(account: TeslaAccount) -> list[ListedVehicle]:
    """The account's cars as one answer of Tesla lists them."""
    return call(account, Integration.FLEET, client.vehicles, scope=scopes.VEHICLE_DEVICE_DATA)


def listed_products(account: TeslaAccount) -> list[ListedVehicle]:
    """The same over the legacy API, whose vehicle list is closed."""
    return call(account, Integration.LEGACY, client.products)


def fleet_status(account: TeslaAccount, vins: Sequence[str]) -> list[KeyStatus]:
    """Key state of these cars (at most 100), asked with this account's token."""
    return call(account, Integration.FLEET, client.fleet_status, vins, scope=scopes.VEHICLE_DEVICE_DATA)


@_naming_the_cure
def vehicle_data(grant: VehicleGrant, endpoints: Sequence[str], scope: str = "") -> dict[str, Any]:
    """Live data of the grant's car. Never wakes it: a sleeping car gives VEHICLE_STATE:ASLEEP.

    Raises `CatalogueError`.
    """
    try:
        return _ask(grant, client.vehicle_data, endpoints, scope=scope, spends=rate_budgets.Kind.DATA)
    except CatalogueError as error:
        if error.spec is errors.UNREACHABLE and vehicle_state(grant) == "asleep":
            raise CatalogueError(errors.ASLEEP, reason=error.reason) from error
        raise


@_naming_the_cure
def listed_vehicle(grant: VehicleGrant) -> ListedVehicle:
    """The grant's car as Tesla lists it: state and whether it is in service; never wakes it."""
    listed = _ask(grant, client.vehicle)
    evidence.vehicle_seen(grant.connection.vehicle, listed, now=timezone.now())
    return listed


@_naming_the_cure
def recent_alerts(grant: VehicleGrant, scope: str) -> dict[str, Any]:
    """What the grant's car complained about of late, under `recent_alerts`."""
    return _ask(grant, client.recent_alerts, scope=scope, spends=rate_budgets.Kind.DATA)


@_naming_the_cure
def charging_history(
    grant: VehicleGrant, query: Mapping[str, str], scope: str
) -> tuple[list[dict[str, Any]], int]:
    """One page of the grant's car's sessions at public chargers; see `client.charging_history` for the query."""
    vin = grant.connection.vehicle.vin
    _spend(rate_budgets.Kind.DATA, grant)
    return call(
        grant.account,
        Integration.FLEET,
        client.charging_history,
        vin,
        query,
        scope=scope,
        vehicle=grant.connection.vehicle,
    )


def profile_of(account: TeslaAccount, integration: str) -> dict[str, Any]:
    """E-mail and name of the account, asked with its login to this interface."""
    return call(account, integration, client.profile, scope=scopes.USER_DATA)


@_naming_the_cure
def profile(grant: VehicleGrant, scope: str) -> dict[str, Any]:
    """E-mail and name of the grant's Tesla account."""
    return call(grant.account, grant.integration, client.profile, scope=scope)


@_naming_the_cure
def vehicle_state(grant: VehicleGrant) -> str:
    """`online`, `asleep` or `offline` as Tesla knows it; free of charge and never wakes the car."""
    state = _ask(grant, client.vehicle_state)
    evidence.state_seen(grant.connection.vehicle, state, now=timezone.now())
    return state


def state_of(account: TeslaAccount, vehicle: Vehicle) -> str:
    """The same for a car of this account on which nothing need be granted."""
    return call(
        account,
        Integration.FLEET,
        client.vehicle_state,
        vehicle.vin,
        scope=scopes.VEHICLE_DEVICE_DATA,
        vehicle=vehicle,
    )


@_naming_the_cure
def wake_up(grant: VehicleGrant) -> str:
    """Ask the car to come online; returns its state at that moment."""
    return _ask(grant, client.wake_up, scope=scopes.VEHICLE_DEVICE_DATA, spends=rate_budgets.Kind.WAKES)


@_naming_the_cure
def unsigned_command(
    grant: VehicleGrant, name: str, arguments: Mapping[str, Any], scope: str
) -> CommandResult:
    """Send one command as plain REST; for cars that take no signed messages, and for navigation."""
    return _ask(
        grant, client.command, name, arguments, scope=scope, spends=rate_budgets.Kind.COMMANDS, raw=True
    )


@_naming_the_cure
def signed_message(grant: VehicleGrant, message: bytes, scope: str) -> bytes:
    """Deliver one signed message to the car; its answer says inside whether it worked.

    Its budget is spent before, with `spend_command`. Always over the Fleet API. Where a legacy grant no longer finds a
    consent there, it can sign nothing.

    Raises `CatalogueError`, PLATFORM_NOT_CAPABLE for the latter.
    """
    vehicle = grant.connection.vehicle
    try:
        return call(
            grant.account,
            Integration.FLEET,
            client.signed_command,
            vehicle.vin,
            message,
            scope=scope,
            vehicle=vehicle,
            raw=True,
        )
    except CatalogueError as error:
        if grant.integration == Integration.LEGACY and error.spec in _LOST_AT_TESLA:
            raise CatalogueError(errors.PLATFORM_NOT_CAPABLE, reason=error.reason) from error
        raise


def _ask(
    grant: VehicleGrant,
    make: Callable[[str, str, str, *Given], T],
    *given: *Given,
    scope: str = "",
    spends: rate_budgets.Kind | None = None,
    raw: bool = False,
) -> T:
    """Make one call about the grant's car over the grant's interface: `make(base, token, tag, *given)`.

    Spends of the budget `spends`, where the call has one. Raises as `call` does.
    """
    tag = _tag(grant)
    if spends is not None:
        _spend(spends, grant)
    vehicle = grant.connection.vehicle
    return call(grant.account, grant.integration, make, tag, *given, scope=scope, vehicle=vehicle, raw=raw)


def spend_command(grant: VehicleGrant) -> None:
    """Spend what one message to the car costs, in the caller's transaction; RATE_LIMIT:VEHICLE undoes it."""
    rate_budgets.spend(rate_budgets.Kind.COMMANDS, _spender(grant))


def _spend(kind: rate_budgets.Kind, grant: VehicleGrant) -> None:
    with transaction.atomic():
        rate_budgets.spend(kind, _spender(grant))


def _spender(grant: VehicleGrant) -> rate_budgets.Spender:
    connection = grant.connection
    return rate_budgets.Spender(connection.vehicle_id, grant.account_id, connection.application_id)


def _tag(grant: VehicleGrant) -> str:
    """How the car is named in paths: by VIN, or for the Owner API by the account's numeric id of it."""
    vehicle = grant.connection.vehicle
    if grant.integration == Integration.FLEET:
        return vehicle.vin
    access = VehicleAccess.objects.filter(account=grant.account_id, vehicle=vehicle).first()
    if access is None or not access.tesla_id:
        raise CatalogueError(errors.VEHICLE_MISSING, reason="the Owner API's id of the car is not known")
    return access.tesla_id
