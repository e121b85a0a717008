"""What runs of Connect remember of a person goes with the person; that there was a run, and how it ended, stays."""

from __future__ import annotations

from typing import Any, Final

from connect.models import ConnectSession
from vehicles.models import User

_FORGOTTEN: Final[dict[str, Any]] = {
    "state": "",
    "external_user": "",
    "external_id": "",
    "single_select_vin": "",
    "chosen_vehicles": [],
    "key_queue": [],
    "keys_added": [],
    "skipped_keys": [],
}


def forget(sender: type[User], instance: User, **signal: Any) -> None:
    """Clear the runs of somebody who is about to be deleted. A receiver of `pre_delete`."""
    ConnectSession.objects.filter(account__person=instance).update(**_FORGOTTEN)
