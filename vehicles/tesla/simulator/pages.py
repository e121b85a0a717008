"""The frame of every page a person sees at the simulated Tesla: own design, no scripts, nothing from outside."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from aiohttp import web

from vehicles.tesla.simulator.account.accounts import Account

SIGN_OUT: Final = "/user/sign-out"

_STYLE: Final = """
:root { color-scheme: light dark; --ground: #f2f3f4; --card: #fff; --ink: #1d2023; --soft: #5a6068;
  --line: #d5d8dc; --strong: #2b2f34; --on-strong: #fff; --warn: #8a2f16; --warn-ground: #fbeee9; --good: #1f5f3c;
  --good-ground: #e8f4ed; }
@media (prefers-color-scheme: dark) { :root { --ground: #17191b; --card: #212427; --ink: #eceef0; --soft: #a8afb7;
  --line: #3b4046; --strong: #e4e7ea; --on-strong: #17191b; --warn: #ffb59c; --warn-ground: #3a221a;
  --good: #9adbb7; --good-ground: #1a3226; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
.banner { background: #2b2f34; color: #eceef0; padding: .5rem 1rem; font-size: .875rem; text-align: center; }
main { max-width: 30rem; margin: 0 auto; padding: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem;
  margin-top: .75rem; }
h1 { font-size: 1.375rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.0625rem; margin: 0 0 .25rem; }
p { margin: 0 0 .75rem; }
.soft { color: var(--soft); font-size: .9375rem; }
label.field { display: block; margin: .75rem 0 0; font-weight: 600; }
input.field { width: 100%; min-height: 3rem; padding: .5rem .75rem; margin-top: .25rem; font: inherit; color: inherit;
  background: var(--ground); border: 1px solid var(--soft); border-radius: .5rem; }
.choice { display: flex; gap: .75rem; align-items: center; min-height: 3rem; border-top: 1px solid var(--line); }
.choice input { width: 1.375rem; height: 1.375rem; flex: none; accent-color: var(--strong); }
.choice span { flex: 1; }
button, .button { display: block; width: 100%; min-height: 3rem; margin-top: .75rem; padding: .625rem 1rem;
  font: inherit; font-weight: 600; text-align: center; text-decoration: none; border-radius: .5rem; cursor: pointer;
  border: 1px solid var(--soft); background: transparent; color: inherit; }
button.main { background: var(--strong); color: var(--on-strong); border-color: var(--strong); }
button.small { width: auto; flex: none; min-height: 2.75rem; margin: 0; padding: .25rem .75rem; font-size: .875rem; }
details { margin-top: 1rem; }
summary { cursor: pointer; min-height: 2.75rem; display: list-item; padding: .5rem 0; }
form + p { margin: 1rem 0 0; }
.application + .application { border-top: 1px solid var(--line); margin-top: 1.25rem; padding-top: 1.25rem; }
:focus-visible { outline: 3px solid #4c8bf5; outline-offset: 2px; }
.refused, .done { border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 .75rem; }
.refused { background: var(--warn-ground); color: var(--warn); border-left: 4px solid var(--warn); }
.done { background: var(--good-ground); color: var(--good); border-left: 4px solid var(--good); }
.who { display: flex; gap: .75rem; align-items: center; justify-content: space-between; overflow-wrap: anywhere;
  font-size: .875rem; color: var(--soft); }
ul.plain { list-style: none; margin: 0 0 .5rem; padding: 0; }
ul.plain li { padding: .375rem 0; border-top: 1px solid var(--line); }
code { font-size: .9375rem; overflow-wrap: anywhere; }
"""

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(
    title: str, body: str, *, status: int = 200, account: Account | None = None, here: str = "/"
) -> web.Response:
    """A whole page. `body` is HTML made of the pieces below; with an account it says who is signed in."""
    who = _who(account, here) if account else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - Simulated Tesla</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        '<body><div class="banner" role="note"><strong>Simulated Tesla</strong> - not the real one</div>'
        f"<main>{who}<div class='card'><h1>{escape(title)}</h1>{body}</div></main></body></html>"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def error_page(title: str, text: str, status: int = 400) -> web.Response:
    """A page for what cannot go on."""
    return page(title, refused(text), status=status)


def paragraph(text: str, css: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{css}">{escape(text)}</p>' if css else f"<p>{escape(text)}</p>"


def refused(text: str, *, element_id: str = "", reason: str = "") -> str:
    """A highlighted refusal, announced by screen readers."""
    named = f' id="{element_id}"' if element_id else ""
    coded = f' data-reason="{escape(reason)}"' if reason else ""
    return f'<div class="refused" role="alert"{named}{coded}>{escape(text)}</div>'


def done(text: str, *, element_id: str = "") -> str:
    """A highlighted success."""
    named = f' id="{element_id}"' if element_id else ""
    return f'<div class="done" role="status"{named}>{escape(text)}</div>'


def hidden(name: str, value: str) -> str:
    """A hidden form field."""
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def text_field(name: str, label: str, *, value: str = "", secret: bool = False) -> str:
    """A labelled field whose id is its name."""
    kind = (
        'type="password" autocomplete="current-password"' if secret else 'type="text" autocomplete="username"'
    )
    return (
        f'<label class="field" for="{name}">{escape(label)}</label>'
        f'<input class="field" id="{name}" name="{name}" {kind} value="{escape(value)}" '
        'autocapitalize="none" spellcheck="false" required>'
    )


def check_box(name: str, value: str, label: str, *, ticked: bool) -> str:
    """A labelled check box on a line of its own."""
    box_id = f"{name}-{value}"
    return (
        f'<label class="choice" for="{escape(box_id)}"><input type="checkbox" id="{escape(box_id)}" '
        f'name="{escape(name)}" value="{escape(value)}"{" checked" if ticked else ""}>'
        f"<span>{escape(label)}</span></label>"
    )


def button(
    label: str, element_id: str, *, name: str = "decision", value: str = "", is_main: bool = False
) -> str:
    """A button that sends its form with `name=value`."""
    css = ' class="main"' if is_main else ""
    return (
        f'<button type="submit" id="{escape(element_id)}" name="{name}" value="{escape(value)}"{css}>'
        f"{escape(label)}</button>"
    )


def form(action: str, pieces: Iterable[str]) -> str:
    """A form that posts to a path of this server."""
    return f'<form method="post" action="{escape(action)}">{"".join(pieces)}</form>'


def link(address: str, label: str, element_id: str = "") -> str:
    """A link that looks like a button."""
    named = f' id="{element_id}"' if element_id else ""
    return f'<a class="button"{named} href="{escape(address)}" rel="noreferrer">{escape(label)}</a>'


def _who(account: Account, here: str) -> str:
    pieces = (
        f'<div class="who"><span>Signed in as <strong>{escape(account.email)}</strong></span>',
        hidden("next", here),
        '<button type="submit" class="small" id="sign-out-button">Sign out</button></div>',
    )
    return form(SIGN_OUT, pieces)
