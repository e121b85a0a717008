"""What a failure at Tesla means for our callers: one table from Tesla's failures to the error catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from vehicles import errors
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.tesla import errors as tesla

ANSWERS: Final[tuple[tuple[type[tesla.TeslaError], ErrorSpec], ...]] = (
    (tesla.LoginRequired, errors.AUTHENTICATION_FAILED),
    (tesla.LoginRefused, errors.AUTHENTICATION_FAILED),
    (tesla.UnknownUser, errors.AUTHENTICATION_FAILED),
    (tesla.RemoteAccessDisabled, errors.REMOTE_ACCESS_DISABLED),
    (tesla.ProtocolRequired, errors.SMARTCAR_NOT_CAPABLE),
    (tesla.ProtocolUnsupported, errors.SMARTCAR_NOT_CAPABLE),
    (tesla.LegacyClosed, errors.PLATFORM_NOT_CAPABLE),
    (tesla.OperatorFault, errors.UPSTREAM_KNOWN_ISSUE),
    (tesla.VehicleNotFound, errors.VEHICLE_MISSING),
    (tesla.InService, errors.VEHICLE_OFFLINE_FOR_SERVICE),
    (tesla.VehicleUnavailable, errors.UNREACHABLE),
    (tesla.RateLimited, errors.UPSTREAM_RATE_LIMIT),
    (tesla.NotSent, errors.UPSTREAM_NO_RESPONSE),
    (tesla.NoAnswer, errors.UPSTREAM_NO_RESPONSE),
    (tesla.NotInTime, errors.UPSTREAM_NO_RESPONSE),
    (tesla.ServerFault, errors.UPSTREAM_NO_RESPONSE),
    (tesla.Unintelligible, errors.UPSTREAM_INVALID_DATA),
    (tesla.TeslaError, errors.UPSTREAM_UNKNOWN_ISSUE),
)
"""What the caller is told about each failure; first match wins."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise the catalogue error that a failure at Tesla inside means for the caller."""
    try:
        yield
    except tesla.TeslaError as failure:
        raise translate(failure) from failure


def translate(failure: tesla.TeslaError) -> CatalogueError:
    """The catalogue error that a failure at Tesla means for the caller."""
    spec = next(spec for kind, spec in ANSWERS if isinstance(failure, kind))
    retry_after = failure.retry_after if isinstance(failure, tesla.RateLimited) else None
    return CatalogueError(spec, retry_after=retry_after, reason=f"{type(failure).__name__}: {failure.text}")
