"""One simulated car: its connectivity, keys, data, and what it has carried out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.car.sections import Section, first_sections
from vehicles.tesla.simulator.car.security import KEY_SLOTS, CarSecurity, Role
from vehicles.tesla.simulator.samples.scenarios import ScenarioVehicle

STATES: Final = ("online", "asleep", "offline")
PLACE_DEGREES: Final = 0.002
"""How far from the middle of a place still counts as there, in degrees of latitude and longitude."""
_WAY_TO_WORK_DEGREES: Final = 0.1


@dataclass(slots=True)
class ExecutedCommand:
    """Something that the car really did."""

    command: str
    arguments: dict[str, Any]
    at: float


@dataclass(slots=True)
class Car:
    """A car as Tesla sees it. `people` maps e-mail addresses to `OWNER` or `DRIVER`.

    `keys` are uncompressed points with their roles; `operators` are applications whose current key is on the car,
    whatever it is. Everything else on the key list counts as `other_keys`.
    """

    vin: str
    name: str
    sections: dict[str, Section]
    firmware: str
    people: dict[str, str] = field(default_factory=dict)
    keys: dict[bytes, int] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)
    other_keys: int = 3
    last_known_state: str = "online"
    wake_seconds: float = 0.0
    wakes_at: float | None = None
    protocol_required: bool = True
    protocol_supported: bool = True
    in_service: bool = False
    mobile_access: bool = True
    hide_private: bool = False
    schedules: dict[str, dict[int, Section]] = field(
        default_factory=lambda: {"charge": {}, "precondition": {}}
    )
    places: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Latitude and longitude of `home` and `work`, as far as the driver has saved them."""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    charging_sessions: list[dict[str, Any]] | None = None
    pins: dict[str, str] = field(default_factory=dict, repr=False)
    asked_amps: int | None = None
    """What the last command for a charging current said, which may be less than the car then took."""
    executed: list[ExecutedCommand] = field(default_factory=list)
    _security: CarSecurity | None = None

    @property
    def tesla_id(self) -> int:
        """The API's 64-bit id, always the same for a VIN."""
        return 10**15 + int.from_bytes(hashlib.sha256(self.vin.encode()).digest()[:6], "big")

    @property
    def security(self) -> CarSecurity:
        """The computers that take signed commands; made when first needed."""
        if self._security is None:
            self._security = CarSecurity()
        self._security.remote_access = self.mobile_access
        return self._security

    @property
    def key_slots_used(self) -> int:
        """How many keys are on the car's list, whosoever's."""
        return self.other_keys + len(self.keys) + len(self.operators)

    @key_slots_used.setter
    def key_slots_used(self, number: int) -> None:
        self.other_keys = max(0, number - len(self.keys) - len(self.operators))

    @property
    def is_full(self) -> bool:
        return self.key_slots_used >= KEY_SLOTS

    def place_at(self, latitude: float, longitude: float) -> str:
        """`home`, `work` or `other`."""
        for name, (there_latitude, there_longitude) in self.places.items():
            distance = max(abs(latitude - there_latitude), abs(longitude - there_longitude))
            if distance <= PLACE_DEGREES:
                return name
        return "other"

    def state(self, now: float) -> str:
        """`online`, `asleep` or `offline`; a car that was woken comes online when its time has come."""
        if self.wakes_at is not None and now >= self.wakes_at:
            self.last_known_state, self.wakes_at = "online", None
        return self.last_known_state

    def set_state(self, state: str) -> None:
        """Put the car into a state at once, waking or not."""
        self.last_known_state, self.wakes_at = state, None

    def wake(self, now: float) -> None:
        """Begin to wake an asleep car; an offline one cannot be reached."""
        if self.state(now) == "asleep" and self.wakes_at is None:
            self.wakes_at = now + self.wake_seconds

    def set_firmware(self, version: str) -> None:
        self.firmware = version
        self.sections["vehicle_state"]["car_version"] = f"{version} 0123456789ab"

    def add_key(self, public_key: bytes, role: int = Role.FLEET_MANAGER) -> None:
        """Put a key on the car; pairing checks beforehand that there is room."""
        self.keys[public_key] = role

    def remove_keys(self) -> None:
        """Take every key off that is known by its point or its operator."""
        self.keys.clear()
        self.operators.clear()


def new_car(vehicle: ScenarioVehicle, operator: str) -> Car:
    """The car of a scenario. With key `present` the current key of `operator` (a client id) is on it."""
    takes_keys = vins.takes_keys(vehicle.vin)
    sections = first_sections(vehicle.vin, vehicle.firmware, vehicle.name)
    parked = sections["drive_state"]
    home = (parked["latitude"], parked["longitude"])
    return Car(
        vin=vehicle.vin,
        name=vehicle.name,
        sections=sections,
        places={"home": home, "work": (home[0] + _WAY_TO_WORK_DEGREES, home[1])},
        firmware=vehicle.firmware,
        operators={operator} if vehicle.key == "present" and operator else set(),
        other_keys=vehicle.other_keys,
        last_known_state=vehicle.state,
        protocol_required=takes_keys,
        protocol_supported=takes_keys,
        in_service=vehicle.in_service,
        mobile_access=vehicle.mobile_access,
    )
