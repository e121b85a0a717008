"""Commands: the intent is written and committed, then the call is made, then the outcome is written.

A command without an answer may have happened. Its outcome is `unknown`, and it is never sent again by itself. Every
caller, first or repeating, is answered from the row, so that all of them hear the same.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from vehicles import access, delivery, errors, history, pairing, prepared, request_id
from vehicles.bulkhead import let_go_of_database
from vehicles.controls import ALREADY_SO, ASKED, CONTROLS, REFUSALS, Step
from vehicles.errors import CATALOGUE, CatalogueError, ErrorSpec, invalid
from vehicles.failures import translate
from vehicles.history import Kind
from vehicles.models import Command, Outcome, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.prepared import Given, PreparedUpdate
from vehicles.tesla import errors as tesla

DEADLINE: Final = timedelta(seconds=75)
"""Waking a car takes up to a minute; after this nothing is sent any more."""
GRACE: Final = timedelta(seconds=30)
"""How long after its deadline a command may still be waiting for its answer."""
KEY_LIFE: Final = timedelta(hours=24)
_POLL_SECONDS: Final = 0.1


def issue(
    grant: VehicleGrant, name: str, arguments: Mapping[str, Any], *, now: datetime, idempotency_key: str = ""
) -> Command:
    """Carry out a control on the grant's car and return its row, outcome succeeded.

    A repeat under the same key, or without a key while the same command is running, joins the first call. Raises
    `CatalogueError`: VALIDATION for a key that was used for something else, the diagnosis' error when it may not be
    sent, the car's refusal, or UPSTREAM:NO_RESPONSE with the command's id when nobody can say whether it happened.
    """
    mark = _fingerprint(grant, name, arguments)
    first = _under_key(grant, mark, idempotency_key, now)
    if first is None:
        pairing.require(grant, CONTROLS[name].permission, now)
        first, is_mine = _intend(grant, name, arguments, mark, idempotency_key, now)
        if is_mine:
            _carry_out(first, grant, arguments)
    return _answer(_ended(first), grant)


def repeated(
    grant: VehicleGrant, name: str, asked: Mapping[str, Any], *, now: datetime, idempotency_key: str
) -> Command | None:
    """The first call under this key, answered as `issue` does; None where the key is new.

    For controls whose arguments the car's state decides: a repeat hears the first outcome whatever the car looks like.
    """
    first = _under_key(grant, _fingerprint(grant, name, asked), idempotency_key, now)
    return None if first is None else _answer(_ended(first), grant)


def _fingerprint(grant: VehicleGrant, name: str, arguments: Mapping[str, Any]) -> str:
    """Stands for application, car, command and what was asked; keyed, because that may be a four-digit PIN."""
    given = {key: value for key, value in arguments.get(ASKED, arguments).items() if key != "timestamp_ms"}
    text = json.dumps([grant.connection_id, str(grant.account_id), name, given], sort_keys=True)
    return hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256").hex()


def _under_key(grant: VehicleGrant, mark: str, idempotency_key: str, now: datetime) -> Command | None:
    """The command that this key stands for already. A key older than a day is forgotten."""
    if not idempotency_key:
        return None
    used = Command.objects.filter(application=grant.connection.application, idempotency_key=idempotency_key)
    command = used.first()
    if command is None:
        return None
    if command.created_at < now - KEY_LIFE and command.outcome != Outcome.PENDING:
        used.filter(pk=command.pk).update(idempotency_key="")
        return None
    if not hmac.compare_digest(command.fingerprint, mark):
        raise invalid("Idempotency-Key", "was used for another request; nothing was sent")
    return command


def _intend(
    grant: VehicleGrant,
    name: str,
    arguments: Mapping[str, Any],
    mark: str,
    idempotency_key: str,
    now: datetime,
) -> tuple[Command, bool]:
    """The row to work on, and whether this call is the one to work on it. The database decides between two callers."""
    kept = {key: value for key, value in arguments.items() if key not in CONTROLS[name].private}
    row = Command(
        application=grant.connection.application,
        grant=grant,
        name=name,
        arguments=kept,
        fingerprint=mark,
        idempotency_key=idempotency_key,
        request_id=request_id.current(),
        created_at=now,
        deadline_at=now + DEADLINE,
    )
    for _ in range(3):
        if prepared.insert(row):
            return row, True
        running = _running(grant, mark, idempotency_key, now)
        if running is not None:
            return running, False
    raise CatalogueError(errors.UPSTREAM_NO_RESPONSE, reason="other calls kept coming first")


def _running(grant: VehicleGrant, mark: str, idempotency_key: str, now: datetime) -> Command | None:
    if idempotency_key:
        return _under_key(grant, mark, idempotency_key, now)
    return Command.objects.filter(fingerprint=mark, outcome=Outcome.PENDING, idempotency_key="").first()


def _carry_out(command: Command, grant: VehicleGrant, arguments: Mapping[str, Any]) -> None:
    """Send the steps and write how it ended; nothing leaves before the row says so."""
    control = CONTROLS[command.name]
    post = delivery.Delivery(
        grant=grant,
        command_id=command.pk,
        scope=PERMISSIONS[control.permission].tesla_scope,
        needs_signature=PERMISSIONS[control.permission].needs_key,
        deadline=command.deadline_at,
        before_sending=lambda: _mark_sent(command),
    )
    try:
        for step in control.steps(arguments):
            refused = _refusal(post, step)
            if refused:
                _end(command, Outcome.FAILED, REFUSALS.get(refused, errors.VEHICLE_STATE_UNKNOWN), refused)
                return
    except CatalogueError as error:
        _end_refused(command, error, uses_key=post.was_answered)
    except tesla.TeslaError as failure:
        from_tesla = translate(failure)
        if failure.may_have_happened and command.sent_at is not None:
            _end(command, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, from_tesla.reason)
        else:
            _end_refused(command, from_tesla, uses_key=post.was_answered)
    except Exception:
        # A fault of ours surfaces, but nobody has to wait for the sweep to hear what is known.
        settle(command)
        raise
    else:
        _end(command, Outcome.SUCCEEDED, None, "")


def _refusal(post: delivery.Delivery, step: Step) -> str:
    """The car's words when it refused a step that matters; empty when it went well."""
    result = post.send(step.command, step.arguments)
    reason = result.reason.lower()
    if result.done or step.may_refuse or (step.command, reason) in ALREADY_SO:
        return ""
    return reason or "refused"


def _mark_sent(command: Command) -> None:
    """From here on the car may carry it out. Raises UPSTREAM:NO_RESPONSE past the deadline or after the sweep."""
    now = timezone.now()
    if not _SENT.run(command=command.pk, now=now):
        raise CatalogueError(
            errors.UPSTREAM_NO_RESPONSE, reason="the deadline passed before it could be sent"
        )
    command.sent_at = now


_SENT: Final = PreparedUpdate(
    lambda: Command.objects.filter(
        pk=Given("command"), outcome=Outcome.PENDING, deadline_at__gt=Given("now")
    ),
    {"sent_at": Given("now")},
)


def _end_refused(command: Command, error: CatalogueError, *, uses_key: bool) -> None:
    """The command was not carried out. Unless `uses_key`, its key is free again: the caller may repeat under it when a
    limit is over, the car is back or its key was added.
    """
    changes: dict[str, Any] = {} if uses_key else {"idempotency_key": ""}
    if error.retry_after is not None:
        changes["result"] = {"retry_after": error.retry_after}
    _end(command, Outcome.FAILED, error.spec, error.reason, **changes)


def _end(command: Command, outcome: Outcome, error: ErrorSpec | None, reason: str, **changes: Any) -> None:
    """Write the outcome once; a worker that is late replaces what the sweep could only call unknown."""
    now = timezone.now()
    changes |= {
        "outcome": str(outcome),
        "error": error.name if error else "",
        "reason": reason[:255],
        "ended_at": now,
    }
    with transaction.atomic():
        if not _ending(*changes).run(command=command.pk, **changes):
            return
        _record(command, outcome, changes["error"], now)
    for name, value in changes.items():
        setattr(command, name, value)


@lru_cache
def _ending(*columns: str) -> PreparedUpdate[Command]:
    return PreparedUpdate(_open, {column: Given(column) for column in columns})


def _open() -> QuerySet[Command]:
    return Command.objects.filter(pk=Given("command"), outcome__in=[Outcome.PENDING, Outcome.UNKNOWN])


def _record(command: Command, outcome: Outcome, error: str, now: datetime) -> None:
    grant = command.grant
    history.record(
        Kind.COMMAND_ENDED,
        actor=history.application_actor(command.application),
        at=now,
        application=command.application,
        account=grant.account,
        vehicle=grant.connection.vehicle,
        grant=grant,
        command=str(command.pk),
        name=command.name,
        outcome=str(outcome),
        error=error,
    )


def _ended(command: Command) -> Command:
    """The row once it is settled. Waits no longer than a call can take; then the sweep's word is as good as any."""
    while command.outcome == Outcome.PENDING:
        if timezone.now() > command.deadline_at + GRACE:
            settle(command)
        else:
            let_go_of_database()
            time.sleep(_POLL_SECONDS)
        command.refresh_from_db()
    return command


def _answer(command: Command, grant: VehicleGrant) -> Command:
    """Return the row of a command that succeeded; raise what its callers hear otherwise."""
    if command.outcome == Outcome.SUCCEEDED:
        return command
    spec = CATALOGUE[command.error]
    if command.outcome == Outcome.UNKNOWN:
        raise CatalogueError(
            spec,
            reason=command.reason,
            command_id=str(command.pk),
            resolution_withheld=CONTROLS[command.name].toggles,
        )
    refused = access.refuse(grant, spec, reason=command.reason)
    refused.retry_after = command.result.get("retry_after")
    raise refused


def settle(command: Command) -> None:
    """Give a row whose worker is gone the outcome that is known: nothing was sent, or nobody can say."""
    if command.sent_at is None:
        never_sent = CatalogueError(
            errors.UPSTREAM_NO_RESPONSE, reason="never sent: the worker stopped before"
        )
        _end_refused(command, never_sent, uses_key=False)
    else:
        _end(command, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, "the worker stopped before the answer")


def settle_overdue(now: datetime) -> int:
    """Settle every row past its deadline whose worker left it pending; returns how many."""
    overdue = Command.objects.filter(outcome=Outcome.PENDING, deadline_at__lt=now - GRACE)
    rows = list(overdue.select_related("application", "grant__account", "grant__connection__vehicle")[:1000])
    for command in rows:
        settle(command)
    return len(rows)


def conclude(command: Command, *, happened: bool) -> None:
    """The car's state showed what became of a command that nobody answered; the stored answer changes with it."""
    if happened:
        _end(command, Outcome.SUCCEEDED, None, "seen in the car's state afterwards")
    else:
        _end(command, Outcome.FAILED, errors.UPSTREAM_NO_RESPONSE, "not seen in the car's state afterwards")
