"""Sources: who tells us something about a car or an account, which of them outranks which, and for how long.

The one ranking of evidence. `vehicles/evidence/ranking.py` makes state of what the sources say; `vehicles/facts/`
takes the age limits from here; staff screens take the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from vehicles.translatable import gettext_noop


class Source(StrEnum):
    """Where an observation comes from; stored with it."""

    PROTOCOL = "protocol"
    COMMAND = "command"
    HANDSHAKE = "handshake"
    CAR_REFUSAL = "car_refusal"
    FLEET_STATUS = "fleet_status"
    FLEET_STATUS_OF_DRIVER = "fleet_status_driver"
    PERSON = "person"
    VIN = "vin"
    VEHICLE_LIST = "vehicle_list"
    VEHICLE_STATE = "vehicle_state"
    CONNECT = "connect"
    STAFF = "staff"
    LOGIN = "login"
    TOKEN = "token"  # noqa: S105  (the name of a source)
    LOGIN_REFUSED = "login_refused"
    LOGIN_EXPIRED = "login_expired"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    TOKEN_SUPERSEDED = "token_superseded"  # noqa: S105
    BACKUP_RESTORED = "backup_restored"
    API_DENIAL = "api_denial"
    API_ANSWER = "api_answer"
    INCIDENT = "incident"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a source's word is worth.

    For as long as it `holds`, the word of a higher `rank` stands against a newer one of a lower rank; afterwards the
    newer one counts. A word past its `age_limit` counts for nothing; None: it does not age.
    """

    words: str
    rank: int = 0
    holds: timedelta = timedelta()
    age_limit: timedelta | None = None


_HOUR: Final = timedelta(hours=1)

SOURCES: Final[dict[str, Reliability]] = {
    # Whether a car takes signed messages is a matter of its hardware: what Tesla's gateway said once stays true.
    Source.PROTOCOL: Reliability(
        gettext_noop("Tesla refusing a message that was signed, or was not"),
        rank=50,
        holds=timedelta(days=365),
        age_limit=timedelta(days=730),
    ),
    # The car itself knows best, but the key may be taken off or added at any moment, and Tesla's list lags a little.
    Source.COMMAND: Reliability(
        gettext_noop("the car itself, which carried a signed command out"),
        rank=40,
        holds=_HOUR,
        age_limit=timedelta(days=30),
    ),
    Source.HANDSHAKE: Reliability(
        gettext_noop("the car itself, which does not know the key"),
        rank=40,
        holds=_HOUR,
        age_limit=timedelta(days=30),
    ),
    Source.CAR_REFUSAL: Reliability(gettext_noop("the car itself, which refused a command")),
    Source.FLEET_STATUS: Reliability(
        gettext_noop("Tesla's key status"), rank=30, holds=_HOUR, age_limit=timedelta(days=7)
    ),
    Source.FLEET_STATUS_OF_DRIVER: Reliability(
        gettext_noop("Tesla's key status, asked with a driver's account"),
        rank=20,
        holds=timedelta(minutes=10),
        age_limit=timedelta(days=7),
    ),
    Source.PERSON: Reliability(
        gettext_noop("the person's word"), rank=10, holds=timedelta(minutes=10), age_limit=_HOUR
    ),
    Source.VIN: Reliability(gettext_noop("the vehicle identification number")),
    Source.VEHICLE_LIST: Reliability(gettext_noop("Tesla's list of cars"), age_limit=timedelta(days=2)),
    Source.VEHICLE_STATE: Reliability(
        gettext_noop("Tesla's last word on the car"), age_limit=timedelta(minutes=1)
    ),
    Source.CONNECT: Reliability(gettext_noop("the person's choice on our permission page")),
    Source.STAFF: Reliability(gettext_noop("staff")),
    Source.LOGIN: Reliability(gettext_noop("the person's login at Tesla")),
    Source.TOKEN: Reliability(gettext_noop("the scopes in Tesla's token")),
    Source.LOGIN_REFUSED: Reliability(
        gettext_noop(
            "Tesla refusing the login without saying why: the password was changed, or another system used it"
        )
    ),
    Source.LOGIN_EXPIRED: Reliability(gettext_noop("the login, which nobody used for three months")),
    Source.PASSWORD_CHANGED: Reliability(gettext_noop("Tesla saying that the password was changed")),
    Source.TOKEN_SUPERSEDED: Reliability(gettext_noop("our refresh token, which another system uses too")),
    Source.BACKUP_RESTORED: Reliability(gettext_noop("our tokens, which came from an old backup")),
    Source.API_DENIAL: Reliability(gettext_noop("Tesla refusing a request")),
    Source.API_ANSWER: Reliability(gettext_noop("Tesla answering a request")),
    Source.INCIDENT: Reliability(gettext_noop("an incident that affects many accounts")),
    Source.IMPORT: Reliability(gettext_noop("the list that the application brought along")),
}
"""Every source. Only those with a rank say something about the key or about signing."""


def age_limit(source: str) -> timedelta | None:
    """How old a word of this source may be; None where it does not age."""
    reliability = SOURCES.get(source)
    return reliability.age_limit if reliability else None
