"""Who connected long ago through the legacy API: signed in over it at the simulated Tesla, as everybody is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from portal.demo.simulated_tesla import sign_in_legacy
from vehicles import grants, sync
from vehicles.models import Application, Integration, Mode, TeslaAccount
from vehicles.tesla.simulator.samples.scenarios import DEFAULT, ScenarioPerson

PERMISSIONS: Final = (
    "read_vehicle_info",
    "read_vin",
    "read_battery",
    "read_odometer",
    "control_security",
)


def connect_all(application: Application, now: datetime) -> None:
    """Connect those of the demo's people who begin on the legacy API and never connected here before.

    Raises `SimulatorRefused`.
    """
    for person in DEFAULT:
        is_known = TeslaAccount.objects.filter(sub=person.sub, mode=Mode.LIVE).exists()
        if person.uses_legacy_api and not is_known:
            _connect(person, application, now)


def _connect(person: ScenarioPerson, application: Application, now: datetime) -> None:
    account = sign_in_legacy(person)
    grants.give(
        application=application,
        account=account,
        vehicles=[access.vehicle for access in sync.legacy_vehicles_of(account, now)],
        requested=PERMISSIONS,
        approved=PERMISSIONS,
        integration=Integration.LEGACY,
        now=now,
    )
