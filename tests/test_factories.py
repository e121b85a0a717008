"""Every factory makes a row that the database and the model accept."""

from __future__ import annotations

import hashlib

import pytest
from django.apps import apps
from factory.django import DjangoModelFactory

from tests import factories

FACTORIES = [
    each
    for each in vars(factories).values()
    if isinstance(each, type) and issubclass(each, DjangoModelFactory) and each is not DjangoModelFactory
]


@pytest.mark.django_db
@pytest.mark.parametrize("factory", FACTORIES, ids=lambda each: each.__name__)
def test_a_factory_makes_valid_rows_again_and_again(factory: type[DjangoModelFactory]) -> None:
    first, second = factory(), factory()
    assert first.pk != second.pk
    empty = {field.name for field in first._meta.fields if getattr(first, field.name) in ("", [], {}, None)}
    first.full_clean(exclude=empty)


def test_every_model_of_ours_has_a_factory() -> None:
    models = {model for app in ("vehicles", "connect") for model in apps.get_app_config(app).get_models()}
    assert models - {factory._meta.model for factory in FACTORIES} == set()


@pytest.mark.django_db
def test_a_bearer_token_is_stored_hashed_and_its_value_returned() -> None:
    token = factories.AccessTokenFactory(raw="a-token")
    token.refresh_from_db()
    assert (token.token, token.token_checksum) == ("", hashlib.sha256(b"a-token").hexdigest())
    assert factories.bearer(token) == {"Authorization": "Bearer a-token"}
