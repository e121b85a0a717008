"""Signing in with a browser: the login page, and the cookie by which a browser stays signed in."""

from __future__ import annotations

import hmac
from enum import Enum, auto
from html import escape
from typing import Final

from aiohttp import web

from vehicles.tesla.simulator import pages
from vehicles.tesla.simulator.account.accounts import Account
from vehicles.tesla.simulator.samples.scenarios import PASSWORD
from vehicles.tesla.simulator.state import world_of
from vehicles.tesla.simulator.world import World

COOKIE: Final = "simulated_tesla_session"
_MOST_SUGGESTED: Final = 8


def signed_in(request: web.Request) -> Account | None:
    """Whose browser this is, None if nobody signed in with it."""
    sub = world_of(request).sessions.get(request.cookies.get(COOKIE, ""))
    return world_of(request).account_by_sub(sub) if sub else None


def login_page(request: web.Request, heading: str, *, problem: str = "", username: str = "") -> web.Response:
    """The form that asks for e-mail address and password, sent back to the same address."""
    pieces = (
        pages.text_field("username", "E-mail address", value=username),
        pages.text_field("password", "Password", secret=True),
        pages.button("Sign in", "sign-in-button", value="sign-in", is_main=True),
    )
    alert = pages.refused(problem, element_id="sign-in-problem") if problem else ""
    body = (
        alert
        + pages.paragraph(heading, "soft")
        + pages.form(here(request), pieces)
        + _suggestions(world_of(request))
    )
    return pages.page("Sign in", body)


class Newcomers(Enum):
    """What becomes of an e-mail address that nobody has."""

    REFUSED = auto()
    WELCOME = auto()
    """It is a new person's, with any password."""
    WITHOUT_KEYS = auto()
    """The same, with cars that need no key step."""


async def sign_in(
    request: web.Request, heading: str, *, newcomers: Newcomers = Newcomers.REFUSED, onward: str = ""
) -> web.Response:
    """Take the login form: on to `onward` with a new session cookie, or the form again with what is wrong."""
    form = await request.post()
    username, password = str(form.get("username", "")).strip(), str(form.get("password", ""))
    account = _account(world_of(request), username, password, newcomers)
    if account is None:
        problem = "The e-mail address or the password is not right. Please try again."
        return login_page(request, heading, problem=problem, username=username)
    answer = _onward(onward or here(request))
    world_of(request).sessions.pop(request.cookies.get(COOKIE, ""), None)
    session = world_of(request).sign_in(account)
    answer.set_cookie(COOKIE, session, httponly=True, samesite="Lax", secure=request.secure, path="/")
    return answer


async def sign_out(request: web.Request) -> web.Response:
    """Forget who uses this browser and go back to a page of this server."""
    world_of(request).sessions.pop(request.cookies.get(COOKIE, ""), None)
    onward = str((await request.post()).get("next", "/"))
    is_ours = onward.startswith("/") and not onward.startswith(("//", "/\\"))
    answer = _onward(onward if is_ours else "/")
    answer.del_cookie(COOKIE, path="/")
    return answer


def here(request: web.Request) -> str:
    """The address of this request within the server, query included."""
    return str(request.rel_url)


def _onward(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


def _account(world: World, username: str, password: str, newcomers: Newcomers) -> Account | None:
    if not username or not password:
        return None
    account = world.account(username) or world.account(username.lower())
    if account is None:
        if newcomers is Newcomers.REFUSED:
            return None
        return world.make_person(username.lower(), without_keys=newcomers is Newcomers.WITHOUT_KEYS)
    if account.takes_any_password or hmac.compare_digest(account.password.encode(), password.encode()):
        return account
    return None


def _suggestions(world: World) -> str:
    emails = list(world.accounts)[:_MOST_SUGGESTED]
    if not emails:
        return ""
    items = "".join(f"<li><code>{escape(email)}</code></li>" for email in emails)
    return (
        f'<details class="soft"><summary>People in this simulation</summary><ul class="plain">{items}</ul>'
        f"<p>Unless it was changed, the password is <code>{escape(PASSWORD)}</code>.</p></details>"
    )


ROUTES = (web.post(pages.SIGN_OUT, sign_out),)
