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
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from vehicles import access, car_refusals, command_rows, delivery, errors, evidence, pairing, request_id
from vehicles.bulkhead import let_go_of_database
from vehicles.command_rows import Overtaken, PlaceTaken, end, end_refused
from vehicles.controls import ASKED, CONTROLS, Step
from vehicles.errors import CATALOGUE, CatalogueError, ErrorSpec, invalid
from vehicles.failures import translate
from vehicles.models import Command, Outcome, VehicleGrant
from vehicles.outage import is_database_away
from vehicles.permissions import PERMISSIONS
from vehicles.sources import Source
from vehicles.tesla import errors as tesla

DEADLINE: Final = timedelta(seconds=75)
"""Waking a car takes up to a minute; after this nothing is sent any more."""
KEY_LIFE: Final = timedelta(hours=24)
_POLL_SECONDS: Final = 0.1


def issue(
    grant: VehicleGrant,
    name: str,
    arguments: Mapping[str, Any],
    *,
    now: datetime,
    idempotency_key: str = "",
    looked_at: datetime | None = None,
) -> Command:
    """Carry out a control on the grant's car and return its row, outcome succeeded.

    A repeat under the same key, or without a key while the same command is running, joins the first call. Raises
    `CatalogueError`: VALIDATION for a key that was used for something else, the diagnosis' error when it may not be
    sent, the car's refusal, or UPSTREAM:NO_RESPONSE with the command's id when nobody can say whether it happened.
    Raises `Overtaken` when something that toggles was moved by another call after the caller `looked_at` the car.
    """
    mark = _fingerprint(grant, name, arguments)
    first = _under_key(grant, mark, idempotency_key, now)
    if first is None:
        pairing.require(grant, CONTROLS[name].permission, now)
        first = _carried_out(grant, name, arguments, mark, idempotency_key, now, looked_at)
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


def _carried_out(
    grant: VehicleGrant,
    name: str,
    arguments: Mapping[str, Any],
    mark: str,
    idempotency_key: str,
    now: datetime,
    looked_at: datetime | None,
) -> Command:
    """This call's command, or the one that came first and means the same. The database decides between two callers."""
    for _ in range(3):
        command = _meant(grant, name, arguments, mark, idempotency_key, now)
        try:
            _carry_out(command, grant, arguments, looked_at)
        except PlaceTaken:
            running = _running(grant, mark, idempotency_key, now)
            if running is None:
                continue
            return running
        except DatabaseError as failure:
            was_sent = command.sent_at is not None and not command._state.adding
            if was_sent and is_database_away(failure):
                # "Try again" would be wrong: the car may have done it. The row says sent, and is settled later.
                raise _unknown(
                    command, errors.UPSTREAM_NO_RESPONSE, "how it ended was not written"
                ) from failure
            raise
        return command
    raise CatalogueError(errors.UPSTREAM_NO_RESPONSE, reason="other calls kept coming first")


def _meant(
    grant: VehicleGrant,
    name: str,
    arguments: Mapping[str, Any],
    mark: str,
    idempotency_key: str,
    now: datetime,
) -> Command:
    """The row of a new command, not written yet: that is done with the first thing that has to be known of it."""
    return Command(
        application=grant.connection.application,
        grant=grant,
        name=name,
        arguments={key: value for key, value in arguments.items() if key not in CONTROLS[name].private},
        fingerprint=mark,
        idempotency_key=idempotency_key,
        request_id=request_id.current(),
        created_at=now,
        deadline_at=now + DEADLINE,
    )


def _running(grant: VehicleGrant, mark: str, idempotency_key: str, now: datetime) -> Command | None:
    if idempotency_key:
        return _under_key(grant, mark, idempotency_key, now)
    return Command.objects.filter(fingerprint=mark, outcome=Outcome.PENDING, idempotency_key="").first()


def _carry_out(
    command: Command, grant: VehicleGrant, arguments: Mapping[str, Any], looked_at: datetime | None
) -> None:
    """Send the steps and write how it ended; nothing leaves before the row says so."""
    control = CONTROLS[command.name]
    post = delivery.Delivery(
        grant=grant,
        command_id=command.pk,
        scope=PERMISSIONS[control.permission].tesla_scope,
        needs_signature=PERMISSIONS[control.permission].needs_key,
        deadline=command.deadline_at,
        before_waiting=lambda: command_rows.intend(command, looked_at),
        before_sending=lambda: command_rows.mark_sent(command, looked_at),
    )
    try:
        refused = next(filter(None, (_refusal(post, step) for step in control.steps(arguments))), "")
    except (PlaceTaken, Overtaken):
        raise
    except CatalogueError as error:
        end_refused(command, error, uses_key=post.was_answered)
    except tesla.TeslaError as failure:
        from_tesla = translate(failure)
        if failure.may_have_happened and command.sent_at is not None:
            end(command, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, from_tesla.reason)
        else:
            end_refused(command, from_tesla, uses_key=post.was_answered)
    except Exception:
        # A fault of ours surfaces, but nobody has to wait for the sweep to hear what is known.
        command_rows.settle(command)
        raise
    else:
        means = car_refusals.meaning(refused) if refused else None
        if means is errors.VEHICLE_OFFLINE_FOR_SERVICE:
            evidence.service_seen(grant.connection.vehicle, now=timezone.now(), source=Source.CAR_REFUSAL)
        end(command, Outcome.FAILED if refused else Outcome.SUCCEEDED, means, refused)


def _refusal(post: delivery.Delivery, step: Step) -> str:
    """The car's words when it refused a step that matters; empty when it went well."""
    result = post.send(step.command, step.arguments)
    if result.done or step.may_refuse or car_refusals.is_already_so(step.command, result.reason):
        return ""
    return result.reason.lower() or "refused"


def _ended(command: Command) -> Command:
    """The row once it is settled. Waits no longer than a call can take; then the sweep's word is as good as any."""
    while command.outcome == Outcome.PENDING:
        if timezone.now() > command.deadline_at + command_rows.GRACE:
            command_rows.settle(command)
        else:
            let_go_of_database()
            time.sleep(_POLL_SECONDS)
        command.refresh_from_db()
    return command


def _unknown(command: Command, spec: ErrorSpec, reason: str) -> CatalogueError:
    """What callers hear of a command that may have been carried out."""
    return CatalogueError(
        spec,
        reason=reason,
        command_id=str(command.pk),
        resolution_withheld=CONTROLS[command.name].toggles,
        is_recorded=command.request_id == request_id.current(),
    )


def _answer(command: Command, grant: VehicleGrant) -> Command:
    """Return the row of a command that succeeded; raise what its callers hear otherwise."""
    if command.outcome == Outcome.SUCCEEDED:
        return command
    spec = CATALOGUE[command.error]
    if command.outcome == Outcome.UNKNOWN:
        raise _unknown(command, spec, command.reason)
    refused = access.refuse(grant, spec, reason=command.reason)
    own_words = car_refusals.description(command.reason) if spec is errors.VEHICLE_STATE_UNKNOWN else None
    if own_words:
        refused.words = errors.Words(own_words)
    refused.retry_after = command.result.get("retry_after")
    refused.is_recorded = command.request_id == request_id.current()
    raise refused
