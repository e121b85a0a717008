"""The decision: every rule, its place in the order, and that every fault has somebody who can act on it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from vehicles import errors
from vehicles.diagnosis import (
    ACTIONS,
    LINKS,
    RULES,
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
from vehicles.diagnosis.rules import NEEDS_KEY

GRANTED = frozenset({"read_vin", "read_battery", "control_security", "control_navigation"})


def facts(**changes: object) -> Facts:
    return Facts(**{"granted": GRANTED, "consent": Consent.ACTIVE, "key": Key.PRESENT, **changes})  # type: ignore[arg-type]


def error_name(diagnosis: Diagnosis) -> str | None:
    return diagnosis.error.name if diagnosis.error else None


def test_nothing_is_wrong_with_a_healthy_grant() -> None:
    answer = diagnose(facts(), asked="control_security")
    assert (answer.verdict, answer.causes, answer.error, answer.actions) == (Verdict.OK, (), None, ())


@pytest.mark.parametrize(
    ("changes", "asked", "expected"),
    [
        ({"key": Key.ABSENT}, "control_security", "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"),
        ({"key": Key.ABSENT}, "control_navigation", None),
        ({"key": Key.ABSENT}, "read_battery", None),
        ({"key": Key.NOT_REQUIRED}, "control_security", None),
        ({"key": Key.UNKNOWN, "key_reason": KeyReason.STALE}, "control_security", None),
        ({"key": Key.CONFLICT}, "control_security", None),
        ({"consent": Consent.REVOKED}, "read_battery", "CONNECTED_SERVICES_ACCOUNT:PERMISSION"),
        (
            {"consent": Consent.SIGN_IN_NEEDED},
            "read_battery",
            "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED",
        ),
        ({"consent": Consent.SUSPECTED}, "read_battery", None),
        ({"consent": Consent.UNKNOWN}, "read_battery", None),
        ({}, "control_trunk", "PERMISSION"),
        (
            {"missing": {"control_security": MissingReason.WITHDRAWN_AT_TESLA}},
            "control_security",
            "CONNECTED_SERVICES_ACCOUNT:PERMISSION",
        ),
        ({"missing": {"read_location": MissingReason.NOT_GRANTED_AT_TESLA}}, "read_location", "PERMISSION"),
        ({"missing": {"read_location": MissingReason.DECLINED_IN_CONNECT}}, "read_location", "PERMISSION"),
        ({"missing": {"read_location": MissingReason.NOT_GRANTED_AT_TESLA}}, "read_battery", None),
        ({"provider": Provider.LEGACY_CLOSED}, "read_battery", "COMPATIBILITY:PLATFORM_NOT_CAPABLE"),
        ({"provider": Provider.LEGACY}, "control_security", "COMPATIBILITY:PLATFORM_NOT_CAPABLE"),
        ({"provider": Provider.LEGACY, "key": Key.NOT_REQUIRED}, "control_security", None),
        ({"provider": Provider.LEGACY}, "read_battery", None),
        (
            {"provider": Provider.LEGACY, "fleet_signs": frozenset({"control_security"})},
            "control_security",
            None,
        ),
        (
            {
                "provider": Provider.LEGACY,
                "fleet_signs": frozenset({"control_security"}),
                "key": Key.ABSENT,
            },
            "control_security",
            "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED",
        ),
        ({"vehicle_missing": True}, "read_battery", "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"),
        ({"paused": True}, "read_battery", "UPSTREAM:KNOWN_ISSUE"),
        ({"provider_incident": True}, "read_battery", "UPSTREAM:KNOWN_ISSUE"),
        ({"operator_fault": True}, "read_battery", "UPSTREAM:KNOWN_ISSUE"),
        ({"in_service": True}, "control_security", "VEHICLE_STATE:VEHICLE_OFFLINE_FOR_SERVICE"),
        ({"remote_access_disabled": True}, "read_battery", "VEHICLE_STATE:REMOTE_ACCESS_DISABLED"),
        ({"asleep": True}, "read_battery", "VEHICLE_STATE:ASLEEP"),
        ({"asleep": True}, "read_vin", None),
        ({"asleep": True}, "control_security", None),
    ],
)
def test_a_call_gets_the_error_that_its_fault_deserves(
    changes: dict[str, object], asked: str, expected: str | None
) -> None:
    assert error_name(diagnose(facts(**changes), asked=asked)) == expected


def test_of_several_faults_the_call_meets_the_first_in_the_order_of_faults() -> None:
    piled = {
        "missing": {"read_tires": MissingReason.NOT_GRANTED_AT_TESLA},
        "paused": True,
        "operator_fault": True,
        "consent": Consent.REVOKED,
        "key": Key.ABSENT,
        "in_service": True,
    }
    expected = [
        ("read_tires", "PERMISSION"),
        ("control_security", "UPSTREAM:KNOWN_ISSUE"),
    ]
    for asked, name in expected:
        assert error_name(diagnose(facts(**piled), asked=asked)) == name
    del piled["paused"], piled["operator_fault"]
    assert error_name(diagnose(facts(**piled), asked="control_security")) == errors.ACCOUNT_PERMISSION.name
    del piled["consent"]
    assert error_name(diagnose(facts(**piled), asked="control_security")) == errors.VIRTUAL_KEY_REQUIRED.name
    del piled["key"]
    assert (
        error_name(diagnose(facts(**piled), asked="control_security"))
        == errors.VEHICLE_OFFLINE_FOR_SERVICE.name
    )


def test_a_missing_key_degrades_and_a_revoked_consent_blocks() -> None:
    assert diagnose(facts(key=Key.ABSENT)).verdict is Verdict.DEGRADED
    assert diagnose(facts(granted=frozenset({"control_security"}), key=Key.ABSENT)).verdict is Verdict.BLOCKED
    assert diagnose(facts(consent=Consent.REVOKED)).verdict is Verdict.BLOCKED


def test_what_the_person_declined_is_no_fault_until_it_is_asked_for() -> None:
    declined = facts(missing={"read_location": MissingReason.DECLINED_IN_CONNECT})
    assert diagnose(declined).verdict is Verdict.OK
    assert diagnose(declined).causes == ()
    asked = diagnose(declined, asked="read_location")
    assert [cause.code for cause in asked.causes] == ["declined_in_connect"]
    assert [action.code for action in asked.actions] == ["connect_again"]


def test_only_the_owner_is_told_to_add_the_key() -> None:
    for_driver = diagnose(facts(key=Key.ABSENT, access=Access.DRIVER))
    assert [(action.actor, action.code) for action in for_driver.actions] == [
        (Actor.DRIVER, "ask_owner"),
        (Actor.OWNER, "add_key"),
    ]
    assert for_driver.actions[1].needs_phone_key


def test_a_full_car_first_loses_a_key() -> None:
    full = diagnose(facts(key=Key.ABSENT, key_slots_full=True))
    assert [action.code for action in full.actions] == ["remove_a_key", "add_key"]


def test_the_cure_for_a_box_not_ticked_is_removal_first_and_then_connect() -> None:
    answer = diagnose(facts(missing={"read_location": MissingReason.NOT_GRANTED_AT_TESLA}))
    assert [action.code for action in answer.actions] == ["remove_access_at_tesla", "connect_again"]


def test_during_an_incident_no_owner_is_told_anything() -> None:
    answer = diagnose(facts(provider_incident=True, consent=Consent.REVOKED, key=Key.ABSENT))
    assert {action.actor for action in answer.actions} == {Actor.TESLA, Actor.STAFF}


def every_fact() -> list[Facts]:
    return [
        Facts(
            granted=GRANTED,
            missing={"control_security": missing} if missing else {},
            consent=consent,
            key=key,
            provider=provider,
            access=access,
            key_slots_full=full,
            vehicle_missing=gone,
        )
        for missing, consent, key, provider, access, full, gone in itertools.product(
            [None, *(why for why in MissingReason if why is not MissingReason.NOT_REQUESTED)],
            Consent,
            Key,
            Provider,
            Access,
            [False, True],
            [False, True],
        )
    ]


def test_whenever_something_does_not_work_somebody_has_something_to_do() -> None:
    for given in every_fact():
        answer = diagnose(given)
        if answer.verdict not in (Verdict.OK, Verdict.UNPROVEN):
            assert answer.actions, given
            assert answer.error, given


def test_a_key_that_nobody_saw_is_not_ok_where_commands_need_it_and_stops_none_of_them() -> None:
    for given in every_fact():
        if given.key not in (Key.UNKNOWN, Key.CONFLICT):
            assert diagnose(given).verdict is not Verdict.UNPROVEN, given
            continue
        answer, known = diagnose(given), diagnose(replace(given, key=Key.PRESENT, key_reason=None))
        signed = given.provider is Provider.FLEET and not NEEDS_KEY.isdisjoint(given.granted)
        if known.verdict is Verdict.OK and given.provider is Provider.FLEET:
            assert (answer.verdict is Verdict.UNPROVEN) is signed, given
            assert answer.error == known.error, given


def test_nobody_is_asked_for_what_they_cannot_do() -> None:
    for given in every_fact():
        for action in diagnose(given).actions:
            if action.needs_phone_key:
                assert action.actor is Actor.OWNER
            if given.access is Access.DRIVER and action.code != "add_key":
                assert action.actor is not Actor.OWNER or action.code in {
                    "remove_a_key",
                    "allow_mobile_access",
                }


def test_every_rule_has_its_actions_and_every_link_a_name() -> None:
    assert {rule.code for rule in RULES} | {"not_requested"} == set(ACTIONS), (
        "a row of ACTIONS in vehicles/diagnosis/actions.py for each rule, and no other"
    )
    assert {row.link for rows in ACTIONS.values() for row in rows} <= {"", *LINKS}
