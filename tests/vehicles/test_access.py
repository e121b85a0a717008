"""Access: whose grant answers, what is refused and with which link, and how many queries that takes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest

from tests.factories import ApplicationFactory, TeslaAccountFactory, VehicleFactory, VehicleGrantFactory
from vehicles import access, errors
from vehicles.diagnosis import ACTIONS, RULES
from vehicles.errors import CatalogueError
from vehicles.models import VehicleGrant

pytestmark = pytest.mark.django_db


def reach(grant: VehicleGrant, **changes: Any) -> VehicleGrant:
    arguments: dict[str, Any] = {
        "person": grant.account.person,
        "application": grant.connection.application,
        "public_id": str(grant.connection.public_id),
        **changes,
    }
    return access.get_grant(**arguments)


def refused(grant: VehicleGrant, **changes: Any) -> CatalogueError:
    with pytest.raises(CatalogueError) as raised:
        reach(grant, **changes)
    return raised.value


def test_a_person_reaches_what_they_gave_this_application(django_assert_num_queries: Any) -> None:
    grant = VehicleGrantFactory()
    with django_assert_num_queries(1):
        found = reach(grant)
        access.diagnosis_of(found)
    assert found.pk == grant.pk


def test_another_person_application_or_car_looks_like_no_car_at_all(now: datetime) -> None:
    grant, other = VehicleGrantFactory(), VehicleGrantFactory()
    for changes in (
        {"person": other.account.person},
        {"application": other.connection.application},
        {"public_id": str(other.connection.public_id)},
        {"public_id": str(uuid.uuid4())},
        {"only_connection": str(other.connection.public_id)},
    ):
        assert refused(grant, **changes).spec is errors.PERMISSION
    VehicleGrant.objects.filter(pk=grant.pk).update(revoked_at=now)
    assert refused(grant).spec is errors.PERMISSION


def test_an_id_that_is_none_is_named_as_the_wrong_field() -> None:
    error = refused(VehicleGrantFactory(), public_id="not-an-id")
    assert error.spec is errors.VALIDATION
    assert error.detail == [{"field": "id", "message": "must be a vehicle id, a UUID of 36 characters"}]


def test_a_token_for_one_car_reaches_that_car_only() -> None:
    application, account = ApplicationFactory(), TeslaAccountFactory()
    one = VehicleGrantFactory(application=application, account=account)
    two = VehicleGrantFactory(application=application, account=account)
    narrow = {"only_connection": str(one.connection.public_id)}
    assert reach(one, **narrow).pk == one.pk
    assert refused(two, **narrow).spec is errors.PERMISSION


def test_a_missing_key_is_refused_with_the_pairing_page_and_the_vin_only_for_those_who_may_read_it() -> None:
    for requested, vin_shown in ((["read_vin", "control_security"], True), (["control_security"], False)):
        grant = VehicleGrantFactory(vehicle=VehicleFactory(key="absent"), requested=requested)
        with pytest.raises(CatalogueError) as raised:
            access.require(reach(grant), "control_security")
        assert raised.value.spec is errors.VIRTUAL_KEY_REQUIRED
        url = raised.value.resolution_url or ""
        assert "/_ak/" in url
        assert (grant.connection.vehicle.vin in url) is vin_shown


def test_a_permission_that_was_never_given_leads_to_connect_and_does_not_tell_whether_the_car_exists() -> (
    None
):
    grant = VehicleGrantFactory()
    with pytest.raises(CatalogueError) as raised:
        access.require(reach(grant), "control_trunk")
    assert raised.value.spec is errors.PERMISSION
    assert "/oauth/authorize?" in (raised.value.resolution_url or "")
    assert raised.value.resolution_url == refused(grant, public_id=str(uuid.uuid4())).resolution_url


def test_every_link_of_every_diagnosis_becomes_an_address() -> None:
    grant = reach(VehicleGrantFactory())
    from vehicles.diagnosis import LINKS

    for link in LINKS:
        assert access.url_for(link, grant).startswith("http")
    assert access.url_for("", grant) == ""


def test_the_diagnosis_as_json_has_the_shape_of_the_contract() -> None:
    grant = reach(VehicleGrantFactory())
    body = access.diagnosis_json(access.diagnosis_of(grant, "control_security"), grant)
    assert set(body) == {"verdict", "causes", "error", "actions", "axes"}
    assert body["error"] == {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "VIRTUAL_KEY_REQUIRED"}
    assert set(body["causes"][0]) == {"code", "axis", "text", "since", "source", "observedAt"}
    assert {"actor", "code", "text", "url"} <= set(body["actions"][0])
    assert set(body["axes"]) == {"consent", "permissions", "key", "provider"}


def test_a_live_legacy_connection_is_closed_unless_the_operator_serves_it(settings: Any) -> None:
    grant = reach(VehicleGrantFactory(integration="legacy"))
    access.require(grant, "read_battery")
    settings.LEGACY_OWNER_API = False
    with pytest.raises(CatalogueError) as raised:
        access.require(grant, "read_battery")
    assert raised.value.spec is errors.PLATFORM_NOT_CAPABLE
    assert "/oauth/reauthenticate?" in (raised.value.resolution_url or "")


def test_a_driver_is_given_the_owners_link_in_words_for_a_driver() -> None:
    for key in ("absent", "present"):
        car = VehicleFactory(key=key, remote_access_disabled=True)
        grant = VehicleGrantFactory(vehicle=car, access="DRIVER")
        with pytest.raises(CatalogueError) as raised:
            access.require(reach(grant), "control_security")
        error = raised.value
        told = f"{error.description} {error.user_message} {error.resolution_url}"
        assert "owner" in str(error.user_message) and "/_ak/" not in told
        assert grant.connection.vehicle.vin not in told
        assert ("/connect/owner/" in told) is (key == "absent")
        assert ("owner can add" in error.description) is (key == "absent")


def test_every_error_that_a_person_mends_at_the_car_has_words_for_a_driver() -> None:
    at_the_car = {rule.error.name for rule in RULES if rule.error and rule.code in MENDED_BY_OWNERS}
    assert at_the_car == set(errors.TO_DRIVERS)


MENDED_BY_OWNERS = {code for code, rows in ACTIONS.items() if any(row.code == "ask_owner" for row in rows)}
"""The causes for which a driver has to turn to the owner."""
