"""The key axis: whether the operator's virtual key is on a car, and whether the car needs one.

Every observation is kept as the last word of its source, and the state is what `ranking.resolve` makes of all of them,
so that it does not matter who wrote last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from vehicles import facts, history
from vehicles.diagnosis import Access, Key, KeyReason
from vehicles.evidence import ranking
from vehicles.evidence.ranking import Word
from vehicles.facts.sources import Source
from vehicles.history import Kind
from vehicles.models import Event, Integration, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla.results import KeyStatus

_SETTLED_FOR_SECONDS: Final = 60
"""A car that carries out command after command proves its key with each; this often it is written down."""
_STORED: Final = (
    *("key", "key_since", "key_reason", "key_source", "key_observed_at", "key_evidence"),
    *("protocol_required", "total_keys", "firmware", "conditions_since"),
)
_OF_STATUS: Final = {Access.OWNER: Source.FLEET_STATUS, Access.DRIVER: Source.FLEET_STATUS_OF_DRIVER}
Remember = Callable[[Vehicle], None]
"""Puts on the row what an answer tells beside the key."""


def key_seen(vehicle: Vehicle, status: KeyStatus, *, now: datetime, by: Access = Access.OWNER) -> None:
    """Tesla told about the operator's key on this car, asked with an account that is its owner's or a driver's."""
    keys_seen([(vehicle, status, by)], now=now)


def keys_seen(seen: Sequence[tuple[Vehicle, KeyStatus, Access]], *, now: datetime) -> None:
    """Tesla's answer for many cars at once. A car in neither of its lists keeps its state."""
    told = {vehicle.pk: (status, by) for vehicle, status, by in seen if status.paired is not None}
    words = {
        pk: Word(_OF_STATUS[by], now, status.paired, status.protocol_required)
        for pk, (status, by) in told.items()
    }

    def remember(vehicle: Vehicle) -> None:
        status, _ = told[vehicle.pk]
        vehicle.total_keys = status.total_keys
        vehicle.firmware = status.firmware or vehicle.firmware

    _hear(words, [vehicle for vehicle, _, _ in seen], now=now, also=remember)


def keys_not_told(vehicles: Sequence[Vehicle], *, now: datetime) -> None:
    """Only the legacy API was asked for these cars, and it tells nothing of keys; the VIN says which take none."""
    unknown = _unknown([vehicle.pk for vehicle in vehicles])
    _hear(unknown, vehicles, now=now, reason=KeyReason.LEGACY_ONLY)


def keys_unanswered(vehicles: Sequence[Vehicle], *, now: datetime) -> None:
    """Tesla could not be asked about these cars. What is known of them stands; what is not known has this reason."""
    unknown = _unknown([vehicle.pk for vehicle in vehicles])
    _hear(unknown, vehicles, now=now, reason=KeyReason.PROVIDER_ERROR)


def protocol_demanded(vehicle: Vehicle, *, now: datetime) -> None:
    """The car refused an unsigned command because it wants it signed: remembered for every later command."""
    _hear({vehicle.pk: Word(Source.PROTOCOL, now, signing=True)}, [vehicle], now=now)


def protocol_unsupported(vehicle: Vehicle, *, now: datetime) -> None:
    """Tesla says the car takes no signed messages, so it needs no key: remembered for every later command."""
    _hear({vehicle.pk: Word(Source.PROTOCOL, now, signing=False)}, [vehicle], now=now)


def key_refused(vehicle: Vehicle, *, now: datetime) -> None:
    """The car itself said that our key is not on it, and that it wants to see one."""
    _hear({vehicle.pk: Word(Source.HANDSHAKE, now, paired=False, signing=True)}, [vehicle], now=now)


def key_used(vehicle: Vehicle, *, now: datetime) -> None:
    """The car accepted a message signed with our key. Mostly the row, as this command read it, says so already."""
    observed = vehicle.key_observed_at
    is_known = vehicle.key == Key.PRESENT and vehicle.key_source == Source.COMMAND
    if is_known and observed and 0 <= (now - observed).total_seconds() < _SETTLED_FOR_SECONDS:
        return
    _hear({vehicle.pk: Word(Source.COMMAND, now, paired=True)}, [vehicle], now=now)


def key_told(vehicle: Vehicle, *, paired: bool, actor: str, now: datetime) -> None:
    """A person says that the key is on the car, or that it is not: enough to try, until Tesla or the car say more."""
    _hear({vehicle.pk: Word(Source.PERSON, now, paired=paired)}, [vehicle], now=now, actor=actor)


def keys_reconsidered(vehicle_ids: Collection[UUID], *, now: datetime) -> None:
    """Who can reach these cars has changed, so that an unknown key may be unknown for another reason."""
    _hear(_unknown(vehicle_ids), [], now=now)


def keys_expired(vehicle_ids: Collection[UUID], *, now: datetime) -> None:
    """What was last said of these cars is too old: what is still young enough counts, or the key is unknown."""
    _hear(dict.fromkeys(vehicle_ids), [], now=now)


def _unknown(vehicle_ids: Collection[UUID]) -> dict[UUID, Word | None]:
    unknown = Vehicle.objects.filter(pk__in=vehicle_ids, key=Key.UNKNOWN)
    return dict.fromkeys(unknown.values_list("pk", flat=True))


def _hear(
    words: Mapping[UUID, Word | None],
    given: Iterable[Vehicle],
    *,
    now: datetime,
    actor: str = history.SYSTEM,
    reason: KeyReason | None = None,
    also: Remember = lambda vehicle: None,
) -> None:
    """Keep each car's new word and what follows from it. The rows that the callers hold are brought up to date.

    `reason` is why the key stays unknown, where it does and nothing better explains it.
    """
    if not words:
        return
    with transaction.atomic():
        rows = list(Vehicle.objects.select_for_update().filter(pk__in=words).order_by("pk"))
        before = {row.pk: _state_of(row, now) for row in rows}
        for row in rows:
            _listen(row, words[row.pk], now, also)
            facts.date_conditions(row, before[row.pk].conditions, now)
        _explain([row for row in rows if row.key == Key.UNKNOWN], reason)
        Vehicle.objects.bulk_update(rows, _STORED, batch_size=200)
        changed = [row for row in rows if _state_of(row, now) != before[row.pk]]
        history.record_all(event for row in changed for event in _events(row, before[row.pk], now, actor))
        facts.refresh_verdicts(facts.grants_of_vehicles([row.pk for row in changed]), now)
    _bring_up_to_date(rows, given)


def _listen(vehicle: Vehicle, word: Word | None, now: datetime, also: Remember) -> None:
    """Keep the word, unless the same source has said something later, and put the state on the row."""
    words = ranking.parse_words(vehicle.key_evidence)
    earlier = words.get(word.source) if word else None
    if word is not None and (earlier is None or earlier.at <= word.at):
        words[word.source] = word.repeated(earlier)
        also(vehicle)
    state = ranking.resolve(words.values(), vehicle.vin, now)
    if vehicle.key != state.key:
        vehicle.key, vehicle.key_since = str(state.key), now
    vehicle.key_evidence = ranking.written(words.values())
    vehicle.key_source, vehicle.key_observed_at = state.source, state.observed_at
    vehicle.protocol_required = state.protocol_required
    vehicle.key_reason = vehicle.key_reason if state.key == Key.UNKNOWN else ""


def _explain(unknown: Sequence[Vehicle], reason: KeyReason | None) -> None:
    """Why the key of each of these cars is not known: who is connected, else what happened, else what was heard."""
    by_connection = _reasons_by_connection([vehicle.pk for vehicle in unknown])
    for vehicle in unknown:
        kept = KeyReason.PROVIDER_ERROR if vehicle.key_reason == KeyReason.PROVIDER_ERROR else None
        was_known = not vehicle.key_reason or ranking.was_told(vehicle.key_evidence)
        by_evidence = KeyReason.STALE if was_known else KeyReason.NEVER_CHECKED
        vehicle.key_reason = str(by_connection.get(vehicle.pk) or reason or kept or by_evidence)


def _reasons_by_connection(vehicle_ids: Collection[UUID]) -> dict[UUID, KeyReason]:
    """The cars that only drivers reach, who cannot tell, or that only the legacy interface reaches, which cannot."""
    if not vehicle_ids:
        return {}
    relations, interfaces = defaultdict(set), defaultdict(set)
    reached = VehicleAccess.objects.filter(vehicle__in=vehicle_ids, missing_since=None)
    for vehicle, access_type in reached.values_list("vehicle", "access_type").distinct():
        relations[vehicle].add(access_type)
    granted = VehicleGrant.objects.active().filter(connection__vehicle__in=vehicle_ids)
    for vehicle, integration in granted.values_list("connection__vehicle", "integration").distinct():
        interfaces[vehicle].add(integration)
    drivers = {pk: KeyReason.DRIVER_ONLY for pk, found in relations.items() if found == {Access.DRIVER}}
    legacy = {pk: KeyReason.LEGACY_ONLY for pk, found in interfaces.items() if found == {Integration.LEGACY}}
    return drivers | legacy


@dataclass(frozen=True, slots=True)
class _State:
    """What history and verdicts follow."""

    key: tuple[str, str]
    is_stale: bool
    conditions: Mapping[str, bool | None]


def _state_of(vehicle: Vehicle, now: datetime) -> _State:
    return _State(
        key=(str(vehicle.key), str(vehicle.key_reason)),
        is_stale=facts.is_stale(vehicle, now),
        conditions=facts.conditions(vehicle),
    )


def _events(vehicle: Vehicle, before: _State, now: datetime, actor: str) -> Iterator[Event]:
    """What changed by an observation, as history tells it."""
    after = _state_of(vehicle, now)
    if after.key != before.key:
        yield history.event(
            Kind.KEY_CHANGED,
            actor=actor,
            at=now,
            vehicle=vehicle,
            before=before.key[0],
            after=after.key[0],
            reason=after.key[1],
            source=vehicle.key_source,
        )
    change = history.difference(before.conditions, after.conditions)
    if change:
        yield history.event(
            Kind.VEHICLE_CHANGED,
            actor=actor,
            at=now,
            vehicle=vehicle,
            source=vehicle.key_source,
            **change,
        )


def _bring_up_to_date(rows: Iterable[Vehicle], given: Iterable[Vehicle]) -> None:
    stored = {row.pk: row for row in rows}
    for vehicle in given:
        if vehicle.pk in stored:
            for name in _STORED:
                setattr(vehicle, name, getattr(stored[vehicle.pk], name))
