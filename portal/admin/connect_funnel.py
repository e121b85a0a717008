"""The funnel of Connect as staff see it: a table whose bars show how many runs came to each step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from connect.models import Step
from connect.run import funnel
from connect.run.funnel import Stage
from portal.admin import wording
from vehicles.models import Application, Mode

WINDOWS: Final[dict[str, str]] = {"1": "Last day", "7": "Last 7 days", "30": "Last 30 days"}
_USUAL_WINDOW: Final = "7"
NOTES: Final[dict[str, str]] = {
    Step.PREAMBLE: "who presses nothing is counted by the hour and leaves no run",
    Step.BRAND: "only where the application did not name the make",
    Step.KEYS: "only where a chosen car lacked the key",
    Step.DONE: "its time is that of the whole run",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that changes one thing about the page."""

    name: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A step with its numbers. `share` is out of 100 runs begun."""

    name: str
    note: str
    stage: Stage
    share: int
    time: str
    left_url: str


def page(query: QueryDict, now: datetime) -> dict[str, Any]:
    """What the page shows for this query: `days`, `mode` and `application`."""
    days = query.get("days", "")
    days = days if days in WINDOWS else _USUAL_WINDOW
    mode = query.get("mode", "")
    mode = mode if mode in Mode.values else Mode.LIVE
    application = _application(query.get("application", ""))
    since = now - timedelta(days=int(days))
    chosen = {
        "days": days,
        "mode": str(mode),
        **({"application": str(application.pk)} if application else {}),
    }
    found = funnel.stages(
        mode=mode, since=since, now=now, application_id=application.pk if application else None
    )
    return {
        "chosen_application": application,
        "rows": [_row(stage, found[0].reached, chosen) for stage in found],
        "begun": found[0].reached,
        "windows": [_choice(chosen, "days", value, name) for value, name in WINDOWS.items()],
        "modes": [_choice(chosen, "mode", value, words.name) for value, words in wording.MODES.items()],
        "all_url": _url({name: value for name, value in chosen.items() if name != "application"}),
        "applications": [
            (
                share,
                _percent(share.finished, share.begun),
                _url({**chosen, "application": str(share.application_id)}),
            )
            for share in funnel.shares(mode=mode, since=since)
        ],
    }


def _application(given: str) -> Application | None:
    return (
        Application.objects.filter(pk=int(given)).first() if given.isdecimal() and len(given) < 19 else None
    )


def _row(stage: Stage, begun: int, chosen: dict[str, str]) -> Row:
    filters = {**chosen, "left_at": str(stage.step)}
    return Row(
        name=wording.word(wording.STEPS, stage.step).name,
        note=NOTES.get(stage.step, ""),
        stage=stage,
        share=_percent(stage.reached, begun),
        time=in_words(stage.seconds),
        left_url=f"{reverse('admin:connect_connectsession_changelist')}?{urlencode(filters)}"
        if stage.left
        else "",
    )


def _choice(chosen: dict[str, str], name: str, value: str, words: str) -> Choice:
    return Choice(words, _url({**chosen, name: str(value)}), chosen[name] == value)


def _url(query: dict[str, str]) -> str:
    return f"{reverse('admin:connect_connectsession_funnel')}?{urlencode(query)}"


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def in_words(seconds: float | None) -> str:
    """`45 s`, `2 min 05 s`, `1 h 02 min`; empty where nothing is known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {left:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
