"""Tesla's failures as classes. Each answers two questions: may it have happened all the same, and is it temporary?

The table `REFUSALS` maps what comes over the wire (Fleet API: response codes) to a class, by status and a text in the
body, because one status stands for several causes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from vehicles.tesla import waits


class TeslaError(Exception):
    """Tesla, or the way to it, failed. `text` is Tesla's own words, cut short; it never holds a token."""

    may_have_happened: ClassVar[bool] = False
    is_temporary: ClassVar[bool] = False

    def __init__(self, text: str = "", *, status: int = 0, retry_after: int | None = None) -> None:
        super().__init__(f"{type(self).__name__}: {status} {text}".strip())
        self.text = text[:255]
        self.status = status
        self.retry_after = retry_after


class NotSent(TeslaError):
    """No connection was made, so nothing happened."""

    is_temporary = True


class NoAnswer(TeslaError):
    """The request went out and no usable answer came back."""

    may_have_happened = True
    is_temporary = True


class Unintelligible(TeslaError):
    """An answer came that is not what the interface promises: HTML, nothing, or another shape."""

    may_have_happened = True
    is_temporary = True


class LoginRequired(TeslaError):
    """The token endpoint says the refresh token is dead: expired, used up, password changed or consent removed."""


class PasswordChanged(LoginRequired):
    """The refresh token is dead because the person changed the password, which takes no consent away."""


class LoginRefused(TeslaError):
    """The token endpoint refused a code: expired, used, or made for another redirect address."""


class TokenRefused(TeslaError):
    """The access token was not accepted."""


class UnknownUser(TeslaError):
    """The person never signed in to the Tesla app."""


class RemoteAccessDisabled(TeslaError):
    """The owner switched mobile access off in the car."""


class ScopeMissing(TeslaError):
    """The token, or the consent behind it, lacks the scope that the call needs."""


class ProtocolRequired(TeslaError):
    """The car takes this command only as a signed message."""


class ProtocolUnsupported(TeslaError):
    """The car takes no signed messages."""


class LegacyClosed(TeslaError):
    """The Owner API no longer serves this call."""


class OperatorFault(TeslaError):
    """The operator's developer account is the problem: unpaid, over its limit, locked or not registered here."""


class VehicleNotFound(TeslaError):
    """404: the car is not in this account, or so one endpoint says. Proof is only a list of cars without it."""


class VehicleUnavailable(TeslaError):
    """The car is asleep or offline."""

    is_temporary = True


class InService(TeslaError):
    """The car is at a service centre, or in service mode, and takes no requests."""


class OutOfRegion(TeslaError):
    """The account belongs to another regional host, which Tesla names in its text."""


class RateLimited(TeslaError):
    """Too many requests; `retry_after` seconds."""

    is_temporary = True


class BadRequest(TeslaError):
    """Tesla says the request is wrong: a fault of ours."""


class NotInTime(TeslaError):
    """503: the car or a service did not answer in time, which does not prove that nothing was done."""

    may_have_happened = True
    is_temporary = True


class ServerFault(TeslaError):
    """Tesla failed inside; the request may have been carried out."""

    may_have_happened = True
    is_temporary = True


REFUSALS: Final[tuple[tuple[int, str, type[TeslaError]], ...]] = (
    (401, "unknown user", UnknownUser),
    (401, "mobile_access_disabled", RemoteAccessDisabled),
    (405, "mobile_access_disabled", RemoteAccessDisabled),
    (401, "", TokenRefused),
    (402, "", OperatorFault),
    (403, "vehicle command protocol required", ProtocolRequired),
    (403, "exceeded_limit", OperatorFault),
    (403, "forbidden, see", LegacyClosed),
    (403, "", ScopeMissing),
    (404, "", VehicleNotFound),
    (405, "in service", InService),
    (408, "", VehicleUnavailable),
    (412, "only available on fleetapi", LegacyClosed),
    (412, "", OperatorFault),
    (421, "", OutOfRegion),
    (422, "vehicle command protocol", ProtocolUnsupported),
    (423, "", OperatorFault),
    (429, "", RateLimited),
    # Seen by clients in the field, with the words of 408 (evcc).
    (500, "vehicle is offline or asleep", VehicleUnavailable),
    (503, "", NotInTime),
)
"""Status, text that must stand in the body (lower case; empty: any), class. First match wins."""

IN_SUCCESS: Final[tuple[tuple[str, type[TeslaError]], ...]] = (
    ("vehicle unavailable", VehicleUnavailable),
    ("in service", InService),
    ("mobile_access_disabled", RemoteAccessDisabled),
    ("upstream_timeout", NotInTime),
)
"""What may stand in `error` of an answer with status 200 (teslajsonpy), and its class; anything else tells nothing."""


def refusal(status: int, text: str, headers: Mapping[str, str]) -> TeslaError:
    """The failure that an answer with this status (400 or more) means."""
    lowered = text.lower()
    kind = next((cls for code, part, cls in REFUSALS if code == status and part in lowered), None)
    if kind is None:
        kind = BadRequest if status < 500 else ServerFault
    return kind(text, status=status, retry_after=waits.asked_for(headers, text))


def refusal_in_success(text: str) -> TeslaError:
    """The failure that an answer with status 200 means which holds these words in place of a response."""
    lowered = text.lower()
    kind = next((cls for part, cls in IN_SUCCESS if part in lowered), Unintelligible)
    return kind(text or "the answer has no response", status=200)
