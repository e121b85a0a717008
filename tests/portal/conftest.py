"""Staff of each role, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.factories import UserFactory
from vehicles.models import User

SignedIn = Callable[[str], Client]


@pytest.fixture
def signed_in(db: None) -> SignedIn:
    """A client of a new member of staff with this role; `superuser` is one, `nobody` has no role."""

    def signed_in(role: str) -> Client:
        user: User = UserFactory(username=f"{role}-of-this-test", is_superuser=role == "superuser")
        if role not in ("superuser", "nobody"):
            user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def support(signed_in: SignedIn) -> Client:
    return signed_in("support")


@pytest.fixture
def viewer(signed_in: SignedIn) -> Client:
    return signed_in("viewer")


@pytest.fixture
def operator(signed_in: SignedIn) -> Client:
    return signed_in("operator")
