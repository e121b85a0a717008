"""Tesla's failures as classes. Each answers two questions: may it have happened all the same, and is it temporary?

The table `REFUSALS` maps what comes over the wire (Fleet API: response codes) to a class, by status and a text in the
body, because one status stands for several causes.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import ClassVar, Final


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
    """The car is not in this account."""


class VehicleUnavailable(TeslaError):
    """The car is asleep or offline."""

    is_temporary = True


class InService(TeslaError):
    """The car is at a service centre and takes nothing."""


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
    (405, "in service", InService),
    (401, "", TokenRefused),
    (402, "", OperatorFault),
    (403, "vehicle command protocol required", ProtocolRequired),
    (403, "exceeded_limit", OperatorFault),
    (403, "forbidden, see", LegacyClosed),
    (403, "", ScopeMissing),
    (404, "", VehicleNotFound),
    (408, "", VehicleUnavailable),
    (412, "only available on fleetapi", LegacyClosed),
    (412, "", OperatorFault),
    (421, "", OutOfRegion),
    (422, "vehicle command protocol", ProtocolUnsupported),
    (423, "", OperatorFault),
    (429, "", RateLimited),
    (503, "", NotInTime),
)
"""Status, text that must stand in the body (lower case; empty: any), class. First match wins."""


def refusal(status: int, text: str, headers: Mapping[str, str]) -> TeslaError:
    """The failure that an answer with this status (400 or more) means."""
    lowered = text.lower()
    kind = next((cls for code, part, cls in REFUSALS if code == status and part in lowered), None)
    if kind is None:
        kind = BadRequest if status < 500 else ServerFault
    return kind(text, status=status, retry_after=seconds_to_wait(headers, time.time()))


LONGEST_WAIT: Final = 86_400
"""No wait that Tesla names is passed on as more seconds than this."""
_RESET_HEADER: Final = re.compile(r"(x-)?ratelimit(-[a-z0-9]+)*-reset(-[a-z0-9]+)*")
_RESET_ITEM: Final = re.compile(r"(?:^|[;,\s])(?:reset|t)=([0-9.]+)")
_NUMBER: Final = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 10**9, 10**12


def seconds_to_wait(headers: Mapping[str, str], now: float) -> int | None:
    """How many whole seconds an answer asks to wait, at most a day; None where it names no time that can be read.

    `now` is in epoch seconds. `Retry-After` comes first, then the latest of the headers that tell when a limit ends
    (Fleet API: rate limits): a number of seconds, a moment in epoch seconds or milliseconds, a date, or the item
    `reset` or `t` of a `RateLimit` header.
    """
    asked = _wait(headers.get("Retry-After", ""), now)
    if asked is not None:
        return asked
    resets = [value for name, value in headers.items() if _RESET_HEADER.fullmatch(name.lower())]
    resets += _RESET_ITEM.findall(headers.get("RateLimit", ""))
    return max(filter(None, (_wait(value, now) for value in resets)), default=None)


def _wait(value: str, now: float) -> int | None:
    value = value.strip()
    if _NUMBER.fullmatch(value):
        seconds = float(value)
        if seconds >= _EPOCH_MILLISECONDS:
            seconds = seconds / 1000 - now
        elif seconds >= _EPOCH_SECONDS:
            seconds -= now
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(LONGEST_WAIT, max(1, math.ceil(seconds)))
