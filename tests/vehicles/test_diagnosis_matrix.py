"""The whole matrix of facts: in every cell the order of errors holds, the verdict fits, and somebody can act.

What is expected is written here once more, in words of its own and without the product's tables.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from vehicles.diagnosis import (
    CAUSES,
    Access,
    Actor,
    Consent,
    Diagnosis,
    Facts,
    Key,
    KeyReason,
    MissingReason,
    Provider,
    Verdict,
    diagnose,
)

READ, VIN, LOCK, NAVIGATE = "read_battery", "read_vin", "control_security", "control_navigation"
NEVER = "read_location"

GRANTED = [frozenset({READ, VIN, LOCK, NAVIGATE}), frozenset({READ, VIN}), frozenset({LOCK})]
MISSING: list[dict[str, MissingReason]] = [
    {},
    {NEVER: MissingReason.NOT_GRANTED_AT_TESLA},
    {LOCK: MissingReason.WITHDRAWN_AT_TESLA},
]
CONSENTS = [Consent.ACTIVE, Consent.REVOKED, Consent.SIGN_IN_NEEDED]
KEYS = [
    (Key.PRESENT, None),
    (Key.ABSENT, None),
    (Key.NOT_REQUIRED, None),
    (Key.UNKNOWN, KeyReason.DRIVER_ONLY),
    (Key.UNKNOWN, KeyReason.NEVER_CHECKED),
]
PROVIDERS = [
    (Provider.FLEET, frozenset()),
    (Provider.LEGACY, frozenset()),
    (Provider.LEGACY, frozenset({LOCK})),
    (Provider.LEGACY_CLOSED, frozenset()),
]
ACCESSES = [(Access.OWNER, True), (Access.DRIVER, True), (Access.DRIVER, False), (None, True)]
HELD_UP: list[dict[str, bool]] = [
    {},
    {"paused": True},
    {"operator_fault": True},
    {"provider_incident": True},
    {"paused": True, "provider_incident": True},
]
OF_THE_CAR = ("vehicle_missing", "remote_access_disabled", "in_service")
SWITCHES = ("paused", "operator_fault", "provider_incident", *OF_THE_CAR)
EITHER = (False, True)
CAN_STAND_TOGETHER = [
    (granted, missing)
    for granted, missing in itertools.product(GRANTED, MISSING)
    if set(missing) <= granted | {NEVER}
]

ALIKE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({"consent": Consent.ACTIVE}, {"consent": other}) for other in (Consent.SUSPECTED, Consent.UNKNOWN)),
    *(
        ({"key": Key.UNKNOWN, "key_reason": KeyReason.NEVER_CHECKED}, {"key": Key.UNKNOWN, "key_reason": why})
        for why in (KeyReason.STALE, KeyReason.LEGACY_ONLY, KeyReason.PROVIDER_ERROR)
    ),
    ({"key": Key.UNKNOWN, "key_reason": KeyReason.NEVER_CHECKED}, {"key": Key.CONFLICT}),
    ({"missing": {}}, {"missing": {NEVER: MissingReason.DECLINED_IN_CONNECT}}),
    ({"asleep": False}, {"asleep": True}),
]
"""Facts that decide alike wherever no permission is asked for; the matrix holds one of each pair."""


def cells() -> Iterator[Facts]:
    """Every combination, but for facts that cannot make a difference: how many keys the car has, where it has ours."""
    known = itertools.product(CAN_STAND_TOGETHER, CONSENTS, KEYS, PROVIDERS, ACCESSES)
    for (granted, missing), consent, (key, why), (provider, signs), (access, owner) in known:
        for held, switches in itertools.product(HELD_UP, itertools.product(EITHER, repeat=len(OF_THE_CAR))):
            yield Facts(
                granted=granted,
                missing=missing,
                consent=consent,
                key=key,
                key_reason=why,
                provider=provider,
                fleet_signs=signs,
                access=access,
                owner_connected=owner,
                **held,
                **dict(zip(OF_THE_CAR, switches, strict=True)),
            )


def few_cells() -> Iterator[Facts]:
    """A hundredth of them: a prime step meets every value of every fact with every other."""
    return itertools.islice(cells(), 0, None, 101)


def signed(facts: Facts, permission: str) -> bool:
    """Whether a call for this permission is a command that leaves signed where the car wants it so."""
    return permission == LOCK and (facts.provider is Provider.FLEET or LOCK in facts.fleet_signs)


def expected_error(facts: Facts, asked: str) -> str | None:
    """The order of faults: permission, pause and incidents, consent, key, vehicle state."""
    never = asked not in facts.granted
    withdrawn = facts.missing.get(asked) is MissingReason.WITHDRAWN_AT_TESLA
    unsigned = facts.provider is Provider.LEGACY and asked == LOCK and not signed(facts, asked)
    ladder = [
        (never, "PERMISSION"),
        (facts.paused or facts.operator_fault or facts.provider_incident, "UPSTREAM:KNOWN_ISSUE"),
        (facts.provider is Provider.LEGACY_CLOSED, "COMPATIBILITY:PLATFORM_NOT_CAPABLE"),
        (facts.consent is Consent.REVOKED or withdrawn, "CONNECTED_SERVICES_ACCOUNT:PERMISSION"),
        (facts.consent is Consent.SIGN_IN_NEEDED, "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"),
        (facts.vehicle_missing, "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"),
        (unsigned and facts.key is not Key.NOT_REQUIRED, "COMPATIBILITY:PLATFORM_NOT_CAPABLE"),
        (
            signed(facts, asked) and facts.key is Key.ABSENT,
            "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED",
        ),
        (facts.remote_access_disabled, "VEHICLE_STATE:REMOTE_ACCESS_DISABLED"),
        (facts.in_service and asked == LOCK, "VEHICLE_STATE:VEHICLE_OFFLINE_FOR_SERVICE"),
        (facts.asleep and asked == READ, "VEHICLE_STATE:ASLEEP"),
    ]
    return next((error for holds, error in ladder if holds), None)


def expected_verdict(facts: Facts) -> Verdict:
    """What waits only for the car to come back from service or to wake is not held against the grant."""
    lasting = replace(facts, in_service=False, asleep=False)
    works = {name for name in facts.granted if expected_error(lasting, name) is None}
    if not works:
        return Verdict.BLOCKED
    if works != facts.granted or MissingReason.NOT_GRANTED_AT_TESLA in facts.missing.values():
        return Verdict.DEGRADED
    rests_on_the_key = any(signed(facts, name) for name in facts.granted)
    is_seen = facts.key not in (Key.UNKNOWN, Key.CONFLICT)
    return Verdict.OK if is_seen or not rests_on_the_key else Verdict.UNPROVEN


def in_account(facts: Facts) -> bool:
    return not facts.vehicle_missing


def is_person(actor: Actor) -> Callable[[Facts], bool]:
    """The account's person: of an account whose relation is not known it is taken for the owner."""
    return lambda facts: (facts.access is Access.DRIVER) is (actor is Actor.DRIVER)


ANYBODY = (Actor.OWNER, Actor.DRIVER)
CAN: dict[str, tuple[tuple[Actor, ...], Callable[[Facts], bool]]] = {
    "ask_for_permission": ((Actor.APPLICATION,), lambda f: True),
    "retry_later": ((Actor.APPLICATION,), lambda f: f.asleep),
    "resume": ((Actor.STAFF,), lambda f: f.paused),
    "release_brake": ((Actor.STAFF,), lambda f: f.provider_incident),
    "check_developer_account": ((Actor.OPERATOR,), lambda f: f.operator_fault),
    "wait": ((Actor.TESLA,), lambda f: f.provider_incident),
    # Only who still has access at Tesla can remove it.
    "remove_access_at_tesla": (ANYBODY, lambda f: f.consent is not Consent.REVOKED),
    "connect_again": (ANYBODY, lambda f: True),
    "reconnect": (ANYBODY, lambda f: f.provider is not Provider.FLEET),
    "sign_in_again": (ANYBODY, lambda f: f.consent is Consent.SIGN_IN_NEEDED),
    "check_vehicle_in_account": (ANYBODY, lambda f: f.vehicle_missing),
    "wait_for_service": (ANYBODY, in_account),
    "ask_owner": ((Actor.DRIVER,), lambda f: f.access is Access.DRIVER and in_account(f)),
    "allow_mobile_access": ((Actor.OWNER,), in_account),
    "remove_a_key": ((Actor.OWNER,), lambda f: f.key_slots_full and in_account(f)),
    # Tesla's page refuses who never consented to the operator, and who does not own the car.
    "add_key": ((Actor.OWNER,), lambda f: f.owner_connected and in_account(f)),
    "connect_and_add_key": ((Actor.OWNER,), lambda f: not f.owner_connected and in_account(f)),
}
"""Who can do each thing, and when; what the account's person does is done by the owner or the driver, whoever it is."""
BY_OWNER_FOR_DRIVER = {"allow_mobile_access", "remove_a_key", "add_key", "connect_and_add_key"}


def check_actions(facts: Facts, answer: Diagnosis) -> None:
    if answer.verdict in (Verdict.DEGRADED, Verdict.BLOCKED):
        assert answer.causes and answer.actions, facts
    for action in answer.actions:
        assert action.code in CAN, f"write in CAN who can do {action.code}, and when"
        actors, possible = CAN[action.code]
        assert action.actor in actors and possible(facts), (action, facts)
        if action.actor in ANYBODY and action.code not in BY_OWNER_FOR_DRIVER:
            assert is_person(action.actor)(facts), ("only one of BY_OWNER_FOR_DRIVER?", action, facts)
        assert action.actor is Actor.OWNER or not action.needs_phone_key


def test_every_cell_has_its_verdict_and_somebody_who_can_act() -> None:
    met: Counter[Verdict] = Counter()
    for facts in cells():
        answer = diagnose(facts)
        met[answer.verdict] += 1
        assert answer.verdict is expected_verdict(facts), facts
        check_actions(facts, answer)
    of_lists = map(len, (CAN_STAND_TOGETHER, CONSENTS, KEYS, PROVIDERS, ACCESSES, HELD_UP))
    assert met.total() == math.prod(of_lists) * 2 ** len(OF_THE_CAR)
    assert set(met) == set(Verdict)


def test_a_key_that_nobody_saw_is_held_against_a_grant_and_against_no_command() -> None:
    """Whatever else holds: seen on the car it only makes `unproven` into `ok`, and no call is answered otherwise."""
    unseen = [
        {"key": Key.CONFLICT, "key_reason": None},
        *({"key": Key.UNKNOWN, "key_reason": why} for why in (None, *KeyReason)),
    ]
    for facts in few_cells():
        there = replace(facts, key=Key.PRESENT, key_reason=None)
        for key in unseen:
            given = replace(facts, **key)
            verdict, proven = diagnose(given).verdict, diagnose(there).verdict
            assert verdict is proven or (verdict, proven) == (Verdict.UNPROVEN, Verdict.OK), given
            for asked in (None, READ, VIN, LOCK, NAVIGATE):
                assert diagnose(given, asked=asked).error is diagnose(there, asked=asked).error, given


def test_every_call_meets_the_first_error_of_the_order() -> None:
    for facts in few_cells():
        for asked in (READ, VIN, LOCK, NAVIGATE, NEVER, "read_tires"):
            for asleep in EITHER:
                given = replace(facts, asleep=asleep)
                answer = diagnose(given, asked=asked)
                error = answer.error.name if answer.error else None
                assert error == expected_error(given, asked), (asked, given)
                check_actions(given, answer)
                assert error is None or answer.actions, (asked, given)


def test_facts_that_decide_alike_do_so_wherever_they_stand() -> None:
    compared = [field.name for field in fields(Diagnosis) if field.name != "facts"]
    for facts in few_cells():
        for one, other in ALIKE:
            first, second = diagnose(replace(facts, **one)), diagnose(replace(facts, **other))
            assert all(getattr(first, name) == getattr(second, name) for name in compared), (facts, other)


def test_a_full_car_loses_a_key_before_it_gets_ours() -> None:
    for facts in few_cells():
        full = diagnose(replace(facts, key_slots_full=True))
        check_actions(replace(facts, key_slots_full=True), full)
        codes = [action.code for action in full.actions]
        adding = [codes.index(code) for code in ("add_key", "connect_and_add_key") if code in codes]
        assert bool(adding) == ("remove_a_key" in codes)
        assert all(codes.index("remove_a_key") < place for place in adding)


def test_while_nothing_can_be_done_at_tesla_no_person_is_told_anything() -> None:
    for facts in few_cells():
        if facts.operator_fault or facts.provider_incident:
            assert not {action.actor for action in diagnose(facts).actions} & set(ANYBODY)


def test_every_cell_is_told_in_whole() -> None:
    keys = {
        "consent": {"value", "since", "source", "observedAt"},
        "permissions": {"granted", "missing", "since", "source", "observedAt"},
        "key": {"value", "reason", "since", "source", "observedAt"},
        "provider": {
            *("value", "region", "accessType", "protocolRequired", "vehicleMissing", "keySlotsFull"),
            *("remoteAccessDisabled", "inService", "asleep", "paused", "ownerConnected"),
            *("since", "source", "observedAt"),
        },
    }
    for facts in few_cells():
        answer = diagnose(facts)
        assert set(answer.axes) == set(keys)
        differing = [name for axis, told in answer.axes.items() for name in keys[axis] ^ set(told)]
        assert not differing, f"told, or expected here in `keys`, and not both: {differing}"
        assert all(
            set(row) > {"permission", "reason", "since"} for row in answer.axes["permissions"]["missing"]
        )
        assert json.loads(json.dumps(answer.axes)) == answer.axes
        assert all(CAUSES[cause.code].application for cause in answer.causes)
        assert all(cause.axis in keys for cause in answer.causes)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_cause_stands_exactly_where_its_fact_does(name: str) -> None:
    for facts in few_cells():
        for holds in EITHER:
            given = replace(facts, **{name: holds})
            stands = name in {cause.code for cause in diagnose(given).causes}
            reaches = name != "in_service" or LOCK in given.granted
            assert stands is (holds and reaches), f"say here what of a grant {name} reaches: {given}"


def test_every_fact_of_a_kind_that_stops_calls_is_in_the_matrix() -> None:
    """A fault whose fact is in no list of `cells` would never be met beside another."""
    told_otherwise = {"owner_connected", "key_slots_full", "asleep"}
    switches = {field.name for field in fields(Facts) if isinstance(field.default, bool)}
    assert switches - told_otherwise == set(SWITCHES), "give it to OF_THE_CAR, or to another list of `cells`"
