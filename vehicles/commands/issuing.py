"""Commands: the intent is written and committed, then the call is made, then the outcome is written.

A command without an answer may have happened. Its outcome is `unknown`, and it is never sent again by itself. Every
caller, first or repeating, is answered from the row, so that all of them hear the same.
"""

from __future__ import annotations

import hmac
import time
from datetime import timedelta
from typing import Final

from django.db import DatabaseError
from django.utils import timezone

from vehicles import access, errors, evidence, pairing, request_id
from vehicles.commands import car_refusals, delivery, preconditions, rows
from vehicles.commands.controls import ASKED, CONTROLS
from vehicles.commands.rows import Overtaken, PendingCommand, PlaceTaken, end, end_refused
from vehicles.db.connections import let_go_of_database
from vehicles.db.outage import is_database_away
from vehicles.error_mapping import translate
from vehicles.errors import CATALOGUE, CatalogueError, ErrorSpec, invalid
from vehicles.facts.sources import Source
from vehicles.models import Command, Outcome, VehicleGrant
from vehicles.tesla import errors as tesla
from vehicles.upstream.bulkhead import place

KEY_LIFE: Final = timedelta(hours=24)
_POLL_SECONDS: Final = 0.1
_TRIES: Final = 3


def carry_out(pending: PendingCommand) -> Command | None:
    """Carry out a control whose arguments are what the caller asked for: look at the car first where the control needs
    that, then send it. Returns its row, outcome succeeded; None when the car was as wanted already.

    Raises `CatalogueError` as `preconditions.resolve` and `issue` do, and SERVER:OVERLOADED.
    """
    with place():
        if pending.name not in preconditions.PRECONDITIONS:
            return issue(pending)
        asked = pending.arguments
        # A repeat hears the first outcome, whatever the car looks like by now.
        row = _repeated(pending)
        while row is None:
            pending.state_read_at = timezone.now()
            arguments = preconditions.resolve(pending, asked)
            if arguments is None:
                # The first call under this key may have come while this one waited and read.
                return _repeated(pending)
            pending.arguments = {**arguments, ASKED: dict(asked)}
            try:
                return issue(pending)
            except Overtaken:
                continue
        return row


def issue(pending: PendingCommand) -> Command:
    """Send a control whose arguments are ready, and return its row, outcome succeeded.

    A repeat under the same key, or without a key while the same command is running, joins the first call. Raises
    `CatalogueError`: VALIDATION for a key that was used for something else, the diagnosis' error when it may not be
    sent, the car's refusal, or UPSTREAM:NO_RESPONSE with the command's id when nobody can say whether it happened.
    Raises `Overtaken` when something that toggles was moved by another call after `state_read_at`.
    """
    row = _under_key(pending)
    if row is None:
        pairing.require_key(pending.grant, pending.control.permission, pending.at)
    for _ in range(_TRIES):
        if row is not None:
            break
        pending.begin()
        try:
            row = _send_steps(pending)
        except PlaceTaken:
            # The database decided between two callers that mean the same; the other one was first.
            row = _running(pending)
        except DatabaseError as failure:
            if pending.is_sent and is_database_away(failure):
                # "Try again" would be wrong: the car may have done it. The row says sent, and is reconciled later.
                raise _unknown(
                    pending.row, errors.UPSTREAM_NO_RESPONSE, "how it ended was not written"
                ) from failure
            raise
    if row is None:
        raise CatalogueError(errors.UPSTREAM_NO_RESPONSE, reason="other calls kept coming first")
    return _answer(_ended(row), pending.grant)


def _repeated(pending: PendingCommand) -> Command | None:
    """The first call under this key, answered as `issue` does; None where the key is new."""
    first = _under_key(pending)
    return None if first is None else _answer(_ended(first), pending.grant)


def _under_key(pending: PendingCommand) -> Command | None:
    """The command that this key stands for already. A key older than a day is forgotten."""
    if not pending.key:
        return None
    used = Command.objects.filter(
        application=pending.grant.connection.application, idempotency_key=pending.key
    )
    command = used.first()
    if command is None:
        return None
    if command.created_at < pending.at - KEY_LIFE and command.outcome != Outcome.PENDING:
        used.filter(pk=command.pk).update(idempotency_key="")
        return None
    if not hmac.compare_digest(command.fingerprint, pending.fingerprint):
        raise invalid("Idempotency-Key", "was used for another request; nothing was sent")
    return command


def _running(pending: PendingCommand) -> Command | None:
    """The command that kept this one from being written; None where it is over."""
    if pending.key:
        return _under_key(pending)
    running = Command.objects.filter(outcome=Outcome.PENDING, idempotency_key="")
    return running.filter(fingerprint=pending.fingerprint).first()


def _send_steps(pending: PendingCommand) -> Command:
    """Send the steps and write how it ended; nothing leaves before the row says so."""
    row, refused = pending.row, ""
    try:
        for step in pending.control.steps(pending.arguments):
            result = delivery.send(pending, step.command, step.arguments)
            may_go_on = step.may_refuse or car_refusals.is_already_so(step.command, result.reason)
            if not result.done and not may_go_on:
                refused = result.reason.lower() or "refused"
                break
    except (PlaceTaken, Overtaken):
        raise
    except CatalogueError as error:
        end_refused(row, error, uses_key=pending.was_answered)
    except tesla.TeslaError as failure:
        _end_as_failed(pending, failure)
    except Exception:
        # A fault of ours surfaces, but nobody has to wait for the sweep to hear what is known.
        rows.close_abandoned(row)
        raise
    else:
        _end_as_answered(pending, refused)
    return row


def _end_as_failed(pending: PendingCommand, failure: tesla.TeslaError) -> None:
    """Write that it was not carried out; where it may have been, that nobody knows."""
    from_tesla = translate(failure)
    if failure.may_have_happened and pending.row.sent_at is not None:
        end(pending.row, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, from_tesla.reason)
    else:
        end_refused(pending.row, from_tesla, uses_key=pending.was_answered)


def _end_as_answered(pending: PendingCommand, refused: str) -> None:
    """Write how it ended by the car's own word: the words of its refusal, or none."""
    means = car_refusals.meaning(refused) if refused else None
    if means is errors.VEHICLE_OFFLINE_FOR_SERVICE:
        evidence.service_seen(pending.vehicle, now=timezone.now(), source=Source.CAR_REFUSAL)
    end(pending.row, Outcome.FAILED if refused else Outcome.SUCCEEDED, means, refused)


def _ended(command: Command) -> Command:
    """The row once its outcome is written. Waits no longer than a call can take, then does what the sweep would."""
    while command.outcome == Outcome.PENDING:
        if timezone.now() > command.deadline_at + rows.GRACE:
            rows.close_abandoned(command)
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
