"""Who can put an application's key on a car, and what stands in the way (Fleet API: virtual keys)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vehicles.tesla.scopes import VEHICLE_CMDS, VEHICLE_DEVICE_DATA, VEHICLE_LOCATION
from vehicles.tesla.simulator.account.accounts import Account, Client
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.world import Provider, World


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why pairing does not go ahead, in the words of the app, and what to do next."""

    code: str
    text: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody tries to add an application's key to a car."""

    account: Account
    car: Car
    client: Client
    provider: Provider
    now: float


APPLICATION_UNKNOWN: Final = Refusal(
    "application_not_registered",
    "This application has not registered with Tesla.",
    "The application's operator has to register this domain with Tesla.",
)
KEY_UNREACHABLE: Final = Refusal(
    "key_unreachable",
    "This application has not registered with Tesla: its public key could not be found on its domain.",
    "The application's operator has to publish the key on this domain again. Then try once more.",
)
CAR_UNKNOWN: Final = Refusal(
    "vehicle_not_found",
    "This car is not in the account that you are signed in with.",
    "Sign in with the account that the car belongs to.",
)


def _has_consented(attempt: Attempt) -> bool:
    consent = attempt.account.consents.get(attempt.client.client_id)
    return consent is not None and not consent.scopes.isdisjoint(
        (VEHICLE_DEVICE_DATA, VEHICLE_CMDS, VEHICLE_LOCATION)
    )


_CHECKS: Final[tuple[tuple[Callable[[Attempt], bool], Refusal], ...]] = (
    (
        lambda attempt: attempt.account.region not in attempt.provider.registered_regions,
        APPLICATION_UNKNOWN,
    ),
    (
        lambda attempt: attempt.account.app_account != attempt.account.email,
        Refusal(
            "other_account_in_app",
            "The account in your Tesla app has not granted third-party app access.",
            "Open the Tesla app, sign out, sign in with the account that allowed this application, and try again.",
        ),
    ),
    (
        lambda attempt: not _has_consented(attempt),
        Refusal(
            "no_consent",
            "This account has not granted third-party app access.",
            "Connect your Tesla account in the application first, then come back.",
        ),
    ),
    (
        lambda attempt: not attempt.car.protocol_supported,
        Refusal(
            "no_key_needed",
            "This car does not use virtual keys. No virtual key is needed.",
            "There is nothing to do: go back to the application.",
        ),
    ),
    (
        lambda attempt: (
            attempt.account.access[attempt.car.vin] != "OWNER" and not attempt.provider.drivers_may_pair
        ),
        Refusal(
            "driver",
            "Unable to share vehicle. Only the owner can add a key to this car.",
            "Ask the owner of the car to open this page with their own account.",
        ),
    ),
    (
        lambda attempt: attempt.car.vin not in attempt.account.phone_key_vins,
        Refusal(
            "no_phone_key",
            "This phone is not a key of this car.",
            "Sit in the car and set up this phone as a key in the Tesla app (Security, Set Up Phone Key). Then retry.",
        ),
    ),
    (
        lambda attempt: attempt.car.state(attempt.now) == "offline",
        Refusal(
            "vehicle_offline",
            "Your car cannot be reached at the moment.",
            "Make sure that the car has a connection, then try again.",
        ),
    ),
    (
        lambda attempt: attempt.car.is_full,
        Refusal(
            "keychain_full",
            "This car already has 20 keys, which is the most it can hold.",
            "Remove a key that is no longer used: in the car under Controls, Locks. Then try again.",
        ),
    ),
)


def refusal(world: World, account: Account, car: Car, client: Client) -> Refusal | None:
    """The first thing that stands in the way of adding the key; None if nothing does."""
    attempt = Attempt(account, car, client, world.provider, world.clock.now())
    return next((reason for stands_in_the_way, reason in _CHECKS if stands_in_the_way(attempt)), None)
