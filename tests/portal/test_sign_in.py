"""Staff signing in: who is let in, how often anybody may try, what it costs, and what the trail keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client

from portal.models import SignInTally
from portal.sign_in import hashing, limits
from portal.sign_in.hashing import Line, OneAtATimeHasher, TooManyAtOnce
from portal.sign_in.limits import MOST_OF_ADDRESS, MOST_OF_NAME_AND_ADDRESS, MOST_TOLD, TooManyAttempts
from portal.tasks import forget_sign_ins
from tests.factories import PersonFactory, UserFactory
from tests.portal.conftest import SignedIn
from tests.portal.screens import list_of, page_of
from vehicles.models import Event, User

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-password-1"
HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"
LOGIN = "/admin/login/"
MORNING = datetime(2026, 5, 4, 8, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def colleague(db: None) -> User:
    user: User = UserFactory(username="ida")
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(
    name: str = "ida",
    password: str = PASSWORD,
    address: str = HOME,
    client: Client | None = None,
    **more: Any,
) -> HttpResponse:
    form = {"username": name, "password": password}
    return (client or Client()).post(LOGIN, form, REMOTE_ADDR=address, **more)


def events(kind: str) -> list[Event]:
    return list(Event.objects.filter(kind=kind).order_by("pk"))


# Limits -----------------------------------------------------------------------------------------------------------


def test_nobody_locks_out_staff_from_elsewhere(colleague: User) -> None:
    for _ in range(MOST_OF_NAME_AND_ADDRESS):
        assert sign_in(password="wrong", address=ELSEWHERE).status_code == 200
    refused = sign_in(address=ELSEWHERE)
    assert refused.status_code == 429
    assert sign_in(address=HOME).status_code == 302


def test_who_tries_too_often_is_told_for_how_long(colleague: User, clock: Any) -> None:
    for _ in range(MOST_OF_NAME_AND_ADDRESS):
        sign_in(password="wrong")
    refused = sign_in()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "870")
    assert "Please try again in 15 minutes." in refused.content.decode()
    assert "no-store" in refused.headers["Cache-Control"]
    clock.shift(869)
    assert sign_in().status_code == 429
    clock.shift(1)
    assert sign_in().status_code == 302


def test_names_sprayed_from_one_address_meet_a_limit(colleague: User) -> None:
    answers = [sign_in(f"name-{number}", "wrong").status_code for number in range(MOST_OF_ADDRESS + 5)]
    assert answers == [200] * MOST_OF_ADDRESS + [429] * 5
    assert sign_in().status_code == 429
    assert SignInTally.objects.count() == MOST_OF_ADDRESS + 3  # the address, and two that tell
    assert sign_in(address=ELSEWHERE).status_code == 302


def test_one_caller_has_a_whole_network_of_ipv6(colleague: User) -> None:
    for number in range(MOST_OF_ADDRESS):
        sign_in(f"name-{number}", "wrong", f"2001:db8::{number:x}")
    assert sign_in(address="2001:db8::ffff").status_code == 429
    assert sign_in(address="2001:db8:0:1::1").status_code == 302


def test_what_a_header_says_of_the_address_counts_for_nothing(colleague: User) -> None:
    for number in range(MOST_OF_NAME_AND_ADDRESS):
        sign_in(password="wrong", headers={"X-Forwarded-For": f"192.0.2.{number}"})
    assert sign_in(headers={"X-Forwarded-For": "192.0.2.200"}).status_code == 429


def test_behind_a_trusted_proxy_it_is_the_clients_address_that_counts(colleague: User, settings: Any) -> None:
    settings.BEHIND_PROXY = True
    for _ in range(MOST_OF_NAME_AND_ADDRESS):
        sign_in(password="wrong", address="127.0.0.1", headers={"X-Forwarded-For": ELSEWHERE})
    behind_proxy = {"address": "127.0.0.1", "headers": {"X-Forwarded-For": ELSEWHERE}}
    assert sign_in(**behind_proxy).status_code == 429
    assert sign_in(address="127.0.0.1", headers={"X-Forwarded-For": HOME}).status_code == 302


def test_signing_in_forgives_what_was_mistyped_and_is_not_counted(colleague: User) -> None:
    for _ in range(3 * MOST_OF_ADDRESS):
        assert sign_in().status_code == 302
    for _ in range(MOST_OF_NAME_AND_ADDRESS - 1):
        sign_in(password="wrong")
    assert sign_in().status_code == 302
    assert sign_in(password="wrong").status_code == 200


def test_many_at_once_get_no_further_than_one_after_the_other() -> None:
    """Counted before the password is looked at: whoever was counted too much is not."""
    for _ in range(MOST_OF_NAME_AND_ADDRESS):
        limits.count("ida", HOME, MORNING)
    with pytest.raises(TooManyAttempts):
        limits.count("ida", HOME, MORNING)
    assert SignInTally.objects.order_by("used").last().used == MOST_OF_NAME_AND_ADDRESS  # type: ignore[union-attr]


def test_counts_and_sessions_that_are_over_are_dropped(colleague: User, clock: Any) -> None:
    sign_in(password="wrong")
    forget_sign_ins()
    assert SignInTally.objects.exists()
    clock.shift(limits.PERIOD_SECONDS)
    forget_sign_ins()
    assert not SignInTally.objects.exists()


def test_the_counts_name_nobody(colleague: User) -> None:
    sign_in("somebody@example.com", "wrong")
    kept = str(list(SignInTally.objects.values()))
    assert "somebody" not in kept
    assert HOME not in kept


# Who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_is_staff_no_more_is_out_at_once(colleague: User, change: dict[str, bool]) -> None:
    client = Client()
    sign_in(client=client)
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=colleague.pk).update(**change)
    assert client.get("/admin/").status_code == 302
    assert sign_in().status_code == 200


def test_a_person_with_a_password_is_not_let_in() -> None:
    person = PersonFactory(username="owner")
    person.set_password(PASSWORD)
    person.save()
    assert sign_in("owner").status_code == 200


@pytest.mark.parametrize("name", ["x" * 151, "x" * 300, "ü" * 5000])
def test_a_name_longer_than_any_gets_the_form_again(name: str) -> None:
    page = sign_in(name)
    assert page.status_code == 200
    assert "Please enter the correct username and password" in page.content.decode()


def test_a_colleagues_name_that_is_too_long_is_said_at_the_field(signed_in: SignedIn) -> None:
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    page = signed_in("admin").post(f"{list_of(User)}add/", {"username": "x" * 151, **passwords})
    assert page.status_code == 200
    assert "Ensure this value has at most 150 characters" in page.content.decode()


# Sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_ends_after_a_working_day_however_busy_it_was(colleague: User, clock: Any) -> None:
    client = Client()
    sign_in(client=client)
    for _ in range(9):
        clock.shift(timedelta(hours=1))
        session = client.session
        session["touched"] = clock.__class__.__name__
        session.save()
        assert client.get("/admin/").status_code == 200
    clock.shift(timedelta(minutes=59))
    assert client.get("/admin/").status_code == 200
    cookie = client.cookies["carport_session"].value
    clock.shift(timedelta(minutes=1))
    copy = Client()
    copy.cookies["carport_session"] = cookie
    assert copy.get("/admin/").status_code == 302


def test_signing_in_renews_the_session_key(colleague: User) -> None:
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = str(session.session_key)
    client.cookies["carport_session"] = planted
    sign_in(client=client)
    assert client.cookies["carport_session"].value != planted
    copy = Client()
    copy.cookies["carport_session"] = planted
    assert copy.get("/admin/").status_code == 302


# Hashing ----------------------------------------------------------------------------------------------------------


class Gate:
    """Stands for the work: holds whoever hashes until it is opened, and counts how many do at one time."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.now = self.most = 0

    def work(self) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        self.entered.release()
        assert self.opened.wait(30)
        self.now -= 1


def test_sixty_at_once_are_hashed_one_at_a_time_and_few_threads_wait() -> None:
    line, gate, refused = Line(), Gate(), threading.Semaphore(0)
    answers: list[str] = []

    def hash_one(number: int) -> None:
        try:
            with line.turn(f"client {number}"):
                gate.work()
                answers.append("hashed")
        except TooManyAtOnce:
            answers.append("refused")
            refused.release()

    threads = [threading.Thread(target=hash_one, args=[number]) for number in range(60)]
    for thread in threads:
        thread.start()
    # While nothing is finished, all but a few have their answer.
    for _ in range(60 - hashing.MOST_IN_LINE):
        assert refused.acquire(timeout=30)
    gate.opened.set()
    for thread in threads:
        thread.join()
    assert gate.most == hashing.AT_ONCE
    assert answers.count("hashed") == hashing.MOST_IN_LINE


def test_one_client_takes_no_more_than_its_part_of_the_line() -> None:
    line, gate = Line(), Gate()
    turns = [threading.Thread(target=_in_turn, args=[line, gate, HOME]) for _ in range(hashing.MOST_OF_ONE)]
    turns[0].start()
    assert gate.entered.acquire(timeout=30)
    for thread in turns[1:]:
        thread.start()
    while line._in_line[HOME] < hashing.MOST_OF_ONE:
        turns[-1].join(0.01)
    with pytest.raises(TooManyAtOnce), line.turn(HOME):
        pass
    other = threading.Thread(target=_in_turn, args=[line, gate, ELSEWHERE])
    other.start()
    gate.opened.set()
    for thread in (*turns, other):
        thread.join()
    assert not line._in_line


def _in_turn(line: Line, gate: Gate, client: str) -> None:
    with line.turn(client):
        gate.work()


def test_every_hash_of_a_password_waits_for_its_turn(
    colleague: User, settings: Any, monkeypatch: Any
) -> None:
    """Whoever asks for it: the bound is in the hasher that the product is set up with."""
    from portal import settings as product

    assert product.PASSWORD_HASHERS[0] == f"{OneAtATimeHasher.__module__}.{OneAtATimeHasher.__qualname__}"
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    monkeypatch.setattr(hashing, "MOST_IN_LINE", 0)
    with pytest.raises(TooManyAtOnce):
        colleague.set_password(PASSWORD)
    busy = sign_in()
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")
    assert "Please try again in a few seconds" in busy.content.decode()
    assert not SignInTally.objects.exists()


# The trail --------------------------------------------------------------------------------------------------------


def test_signing_in_and_out_is_in_the_trail(colleague: User) -> None:
    client = Client()
    sign_in(client=client)
    client.post("/admin/logout/")
    who = f"staff:{colleague.pk}"
    assert [event.actor for event in events("staff:signed_in") + events("staff:signed_out")] == [who, who]


def test_a_refused_sign_in_names_a_member_of_staff_by_id_and_nobody_else_at_all(colleague: User) -> None:
    PersonFactory(username="owner")
    for name in ("ida", "my-password-typed-here", "owner"):
        sign_in(name, "wrong")
    told = events("staff:sign_in_refused")
    assert [event.data["about"] for event in told] == [f"staff:{colleague.pk}", None, None]
    assert {event.data["reason"] for event in told} == {"wrong name or password"}
    kept = str(list(Event.objects.values()))
    assert "typed-here" not in kept
    assert HOME not in kept


def test_a_limit_that_was_met_is_in_the_trail(colleague: User) -> None:
    for _ in range(MOST_OF_NAME_AND_ADDRESS + 1):
        sign_in(password="wrong")
    assert events("staff:sign_in_refused")[-1].data["reason"] == "too many attempts"


def test_nobody_fills_the_trail_with_refusals(colleague: User) -> None:
    for number in range(2 * MOST_TOLD):
        sign_in(password="wrong", address=f"192.0.2.{number}")
        sign_in(f"name-{number}", "wrong", address=f"192.0.2.{number}")
    assert len(events("staff:sign_in_refused")) == 2 * MOST_TOLD


def test_a_password_that_is_set_is_in_the_trail_whoever_sets_it(colleague: User, signed_in: SignedIn) -> None:
    client = signed_in("admin")
    boss = User.objects.get(username="admin-of-this-test")
    new = {"password1": "another-long-password-2", "password2": "another-long-password-2"}
    assert (
        client.post(
            f"{list_of(User)}{colleague.pk}/password/", {**new, "usable_password": "true"}
        ).status_code
        == 302
    )
    own = Client()
    assert sign_in(password=new["password1"], client=own).status_code == 302
    change = {"old_password": new["password1"], "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert own.post("/admin/password_change/", change).status_code == 302
    first, by_boss, by_oneself = [event for event in events("staff:acted") if event.data.get("set_password")]
    assert first.actor == "system"  # as the command line would
    assert (by_boss.actor, by_boss.data["about"]) == (f"staff:{boss.pk}", f"staff:{colleague.pk}")
    assert (by_oneself.actor, by_oneself.data["about"]) == (f"staff:{colleague.pk}", f"staff:{colleague.pk}")
    kept = str(list(Event.objects.values()))
    assert PASSWORD not in kept
    assert new["password1"] not in kept


def test_roles_are_in_the_trail_as_they_were_and_are_names_and_addresses_never(
    colleague: User, signed_in: SignedIn
) -> None:
    colleague.groups.add(Group.objects.get(name="viewer"))
    roles = Group.objects.filter(name__in=["support", "operator"])
    form = {
        "username": "ida", "first_name": "Ida", "email": "ida@example.com", "is_active": "on", "is_staff": "on",
        "groups": [str(role.pk) for role in roles],
    }  # fmt: skip
    assert signed_in("admin").post(page_of(colleague), form).status_code == 302
    [told] = [event for event in events("staff:acted") if "fields" in event.data]
    assert told.data == {
        "about": f"staff:{colleague.pk}",
        "fields": ["email", "first_name", "groups"],
        "before": {"groups": ["viewer"]},
        "after": {"groups": ["operator", "support"]},
    }
