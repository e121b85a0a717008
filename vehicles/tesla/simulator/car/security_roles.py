"""The keys on a simulated car: how many there may be, and what each role permits (vehicle-command protocol: roles)."""

from __future__ import annotations

from collections.abc import MutableMapping
from enum import IntEnum
from typing import Final

from vehicles.tesla import vehicle_commands
from vehicles.tesla.signing.faults import InsufficientPrivileges, KeychainIsFull, RemoteServiceAccessDisabled

KEY_SLOTS: Final = 20
"""How many keys a car holds at most."""


class Role(IntEnum):
    """What a key on the car may do (keys.proto). Keys paired through the cloud are fleet managers."""

    NONE = 0
    SERVICE = 1
    OWNER = 2
    DRIVER = 3
    FLEET_MANAGER = 4
    VEHICLE_MONITOR = 5
    CHARGING_MANAGER = 6
    GUEST = 8


_EVERYDAY: Final = frozenset({"ping", "charging", "everyday"})
_PERMITTED: Final[dict[int, frozenset[str]]] = {
    Role.SERVICE: frozenset({"ping"}),
    Role.OWNER: _EVERYDAY | {"admin"},
    Role.DRIVER: _EVERYDAY,
    Role.FLEET_MANAGER: _EVERYDAY | {"admin"},
    Role.VEHICLE_MONITOR: frozenset({"ping"}),
    Role.CHARGING_MANAGER: frozenset({"ping", "charging"}),
    Role.GUEST: _EVERYDAY,
}


def refusal(role: int, name: str) -> int:
    """The fault by which a car refuses that command from a key with that role, 0 for none.

    A driver, and a guest likewise, gives most commands but cannot configure access, such as change PINs. A service key
    commands only cars that permit remote service (fault 22), which these do not.
    """
    if _kind(name) in _PERMITTED.get(role, frozenset()):
        return 0
    return (RemoteServiceAccessDisabled if role == Role.SERVICE else InsufficientPrivileges).number


def add_key(keys: MutableMapping[bytes, int], public_key: bytes, role: Role = Role.FLEET_MANAGER) -> None:
    """Put a key on the car. Raises `KeychainIsFull` (fault 14) if all slots are taken by other keys."""
    if public_key not in keys and len(keys) >= KEY_SLOTS:
        raise KeychainIsFull()
    keys[public_key] = role


def _kind(name: str) -> str:
    if name == vehicle_commands.PING:
        return "ping"
    command = vehicle_commands.COMMANDS[name]
    return "charging" if command.is_charging else "admin" if command.is_admin else "everyday"
