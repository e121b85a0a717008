"""Everything that a diagnosis can say has words on staff screens."""

from __future__ import annotations

from enum import Enum

import pytest

from connect.authorize import authorization_response
from connect.models import Step
from connect.person import forgetting
from connect.run import flow
from portal.admin import wording
from vehicles import diagnosis
from vehicles.models import Integration, LoginEnd, Mode, Outcome


@pytest.mark.parametrize(
    ("values", "table"),
    [
        (diagnosis.Verdict, wording.VERDICTS),
        (diagnosis.Actor, wording.ACTORS),
        (diagnosis.Key, wording.KEYS),
        (diagnosis.KeyReason, wording.KEY_REASONS),
        (diagnosis.Consent, wording.CONSENTS),
        (diagnosis.Provider, wording.PROVIDERS),
        (diagnosis.MissingReason, wording.MISSING_REASONS),
        (Integration, wording.INTEGRATIONS),
        (LoginEnd, wording.LOGIN_ENDS),
        (Mode, wording.MODES),
        (Outcome, wording.OUTCOMES),
        (Step, wording.STEPS),
    ],
)
def test_every_value_has_words(values: type[Enum], table: dict[str, object]) -> None:
    assert {value.value for value in values} == {str(value) for value in table}


def test_every_way_a_run_ends_has_words() -> None:
    known = {
        flow.COMPLETED,
        flow.EXPIRED_REASON,
        flow.STARTED_AGAIN,
        forgetting.DATA_DELETED,
        *authorization_response.DESCRIPTIONS,
    }
    assert known == set(wording.EXITS)


def test_every_cause_has_a_name_and_a_sentence() -> None:
    known = {rule.code for rule in diagnosis.RULES} | {"not_requested", diagnosis.NOT_CONNECTED}
    assert set(wording.CAUSES) == known, "a row of CAUSES in vehicles/diagnosis/words.py for each"
    assert all(words.sentence.endswith(".") for words in wording.CAUSES.values())


def test_every_end_of_a_login_is_told_as_a_source_too() -> None:
    assert set(wording.SOURCES) >= {str(why) for why in LoginEnd}
