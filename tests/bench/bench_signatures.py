"""What signing alone takes, one thread: metadata, tag and message; key agreement where a car was not met lately."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from tests.bench.rows import Row, alone, per_second
from vehicles.tesla import vehicle_commands
from vehicles.tesla.signing import Domain, PrivateKey, SessionInfo, authorize
from vehicles.tesla.signing.keys import forget_session_keys
from vehicles.tesla.simulator.car.security import CarSecurity, Role
from vehicles.tesla.simulator.car.security_answers import Outcome

SECONDS = 0.5
VIN = "5YJ3E7EB2LF000404"


class Signer:
    """Our key, a simulated car, and the next lock command for it."""

    def __init__(self) -> None:
        self.key, self.car, self.counters = PrivateKey.from_scalar(4711), CarSecurity(), count(1)
        self.computer = self.car.computer(Domain.VEHICLE_SECURITY, 0.0)
        self.payload = vehicle_commands.encode("door_lock", {})
        self.session = SessionInfo(
            VIN,
            Domain.VEHICLE_SECURITY,
            self.computer.private_key.public_key,
            self.computer.epoch,
            0,
            0,
            0.0,
            0,
        )

    def sign(self) -> bytes:
        """The next command, signed."""
        counter = next(self.counters)
        return authorize(self.session, self.payload, key=self.key, counter=counter, now=0.0).message

    def meet_and_sign(self) -> bytes:
        """As for a car that this process signed nothing for yet."""
        forget_session_keys()
        return self.sign()

    def exchange(self) -> bytes:
        """The next command, signed, checked by the car, carried out and answered."""
        allowed = {self.key.public_key: int(Role.FLEET_MANAGER)}
        return self.car.handle(
            self.sign(), allowed_keys=allowed, vin=VIN, now=0.0, execute=lambda name, given: Outcome(True)
        )


def measure(rounds: int) -> Iterator[Row]:
    """Signatures a second on one core."""
    signer = Signer()
    for name, call in (
        ("signatures", signer.sign),
        ("signatures for cars not met lately", signer.meet_and_sign),
        ("signatures checked by a simulated car", signer.exchange),
    ):
        yield alone(name, [per_second(call, SECONDS) for _ in range(rounds)], "1/s")
