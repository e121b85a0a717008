"""The endpoints that only Teslas have. They tell how things stand from what is stored, whatever stands in the way."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import access, errors, pairing
from vehicles.api import serializers
from vehicles.api.endpoint import Endpoint, checked, grant_of, must_be_approved
from vehicles.diagnosis import Access, Consent
from vehicles.errors import CatalogueError, Words
from vehicles.models import Integration, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.translatable import gettext_noop

TICKABLE: Final = frozenset(row.tesla_scope for row in PERMISSIONS.values())
"""The Tesla scopes that allow something on a car; those of the login itself are nobody's business."""
_KEY_NOT_TOLD_TO_DRIVERS: Final = Words(
    "The user drives this vehicle and does not own it, and Tesla tells only the owner's account whether the virtual "
    "key is on it. Send a command to learn it: without the key, VIRTUAL_KEY_REQUIRED is answered. What is known of the "
    "key stands in `tesla/diagnosis`.",
    gettext_noop(
        "You drive this car and do not own it. Tesla tells only its owner whether the virtual key is on it."
    ),
)
"""Why the key state of a driver's car is refused (with VEHICLE_MISSING, as the original does), and how to learn it."""


class VirtualKeyView(Endpoint):
    """The operator's virtual key on one car."""

    @extend_schema(
        operation_id="virtual_key",
        parameters=[serializers.IDENTIFIER],
        responses=serializers.answers(serializers.VirtualKeySerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """Whether the key is on the vehicle. Only an account that owns it can tell."""
        grant = grant_of(request, vehicle_id)
        must_be_approved(grant, "read_vehicle_info")
        if grant.integration == Integration.LEGACY:
            raise access.refuse(grant, errors.PLATFORM_NOT_CAPABLE)
        if grant.own_access is not None and _access_type(grant) != Access.OWNER:
            words = _KEY_NOT_TOLD_TO_DRIVERS if _access_type(grant) else None
            raise CatalogueError(
                errors.VEHICLE_MISSING, words=words, reason="the account does not own the car"
            )
        vehicle = pairing.refresh_key(grant.connection.vehicle, grant.account, timezone.now())
        return Response({"isPaired": pairing.is_paired(vehicle)})


class MigrationView(Endpoint):
    """Which of Tesla's interfaces the car is connected through."""

    @extend_schema(
        operation_id="migration",
        parameters=[serializers.IDENTIFIER],
        responses=serializers.answers(serializers.MigrationSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """Whether the vehicle still has to be connected again through the current interface."""
        grant = grant_of(request, vehicle_id)
        must_be_approved(grant, "read_vehicle_info")
        return Response({"requiresMigration": grant.integration == Integration.LEGACY})


class UserAccessView(Endpoint):
    """What the person is to the car, and what they allowed at Tesla."""

    @extend_schema(
        operation_id="user_access",
        parameters=[serializers.IDENTIFIER],
        responses=serializers.answers(serializers.UserAccessSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """Owner or driver, and the Tesla scopes; null where it is not known."""
        grant = grant_of(request, vehicle_id)
        return Response({"accessType": _access_type(grant), "permissions": _tesla_scopes(grant)})


class DiagnosisView(Endpoint):
    """Why a call does or does not go through, and who can change that."""

    @extend_schema(
        operation_id="diagnosis",
        parameters=[serializers.IDENTIFIER, serializers.AskedPermission],
        responses=serializers.answers(serializers.DiagnosisSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """The diagnosis for a call that needs the permission, or for the worst of those granted."""
        grant = grant_of(request, vehicle_id)
        asked: dict[str, Any] = checked(request, serializers.AskedPermission, query=True)
        diagnosis = access.diagnosis_of(grant, asked.get("permission"))
        return Response(access.diagnosis_json(diagnosis, grant))


class UpperCaseMake(Endpoint):
    """A make in capitals is refused as the original API does, whatever follows it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse every method, but tell nobody without a token that the path means something."""
        self.perform_authentication(request)
        raise CatalogueError(errors.PERMISSION, reason="the make is written in capitals")


def _access_type(grant: VehicleGrant) -> str | None:
    """None for a car that the account never listed, or that is gone from it."""
    row = grant.own_access
    return row.access_type if row and row.missing_since is None else None


def _tesla_scopes(grant: VehicleGrant) -> list[str] | None:
    """What the person allows now. A legacy login carries no vehicle scopes, so there it is not known."""
    if grant.integration == Integration.LEGACY or grant.account.consent == Consent.REVOKED:
        return None
    return [scope for scope in grant.account.granted_scopes if scope in TICKABLE] or None
