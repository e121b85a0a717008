"""The account page on which people see, change and remove what applications may do (Fleet API: consent management)."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla.scopes import LABELS, SIGN_IN
from vehicles.tesla.simulator import pages
from vehicles.tesla.simulator.account.accounts import Account, Client, Consent
from vehicles.tesla.simulator.login.sign_in import here, login_page, sign_in, signed_in
from vehicles.tesla.simulator.state import world_of

_HEADING: Final = "Sign in to see which applications have access to your Tesla account."


async def third_party_apps(request: web.Request) -> web.StreamResponse:
    """Every application with access; with `revoke_client_id` only that one, and its scopes can be changed."""
    form = await request.post()
    if "username" in form:
        return await sign_in(request, _HEADING)
    account = signed_in(request)
    if account is None:
        return login_page(request, _HEADING)
    told = _change(request, account, dict(form), {str(scope) for scope in form.getall("scope", [])})
    only = request.query.get("revoke_client_id")
    shown = [
        _application(request, client, account.consents[client_id], number, may_change=bool(only))
        for number, (client_id, client) in enumerate(_connected(request, account, only), start=1)
    ]
    body = told + ("".join(shown) or pages.paragraph("No application has access to this account."))
    return pages.page("Third-party apps", body + _way_back(request), account=account, here=here(request))


def _change(request: web.Request, account: Account, form: dict[str, object], ticked: set[str]) -> str:
    """Do what was submitted, and say so."""
    client = world_of(request).clients.get(str(form.get("client_id", "")))
    if client is None:
        return ""
    if form.get("decision") == "remove" and world_of(request).remove_consent(account, client.client_id):
        return pages.done(
            f"{client.name or client.client_id} no longer has access.", element_id="access-removed"
        )
    if form.get("decision") == "save" and client.client_id in account.consents:
        world_of(request).grant(account, client, ticked & set(LABELS) | set(SIGN_IN))
        return pages.done("Your choice was saved.", element_id="scopes-saved")
    return ""


def _connected(request: web.Request, account: Account, only: str | None) -> list[tuple[str, Client]]:
    clients = world_of(request).clients
    return [(key, clients[key]) for key in account.consents if key in clients and only in (None, key)]


def _application(
    request: web.Request, client: Client, consent: Consent, number: int, *, may_change: bool
) -> str:
    since = datetime.fromtimestamp(consent.granted_at, UTC).strftime("%d %B %Y")
    head = f"<h2>{escape(client.name or client.client_id)}</h2>" + pages.paragraph(
        f"Access since {since}", "soft"
    )
    suffix = "" if number == 1 else f"-{number}"
    remove = pages.button("Remove access", f"remove-access-button{suffix}", value="remove")
    if not may_change:
        granted = [f"<li>{escape(label)}</li>" for scope, label in LABELS.items() if scope in consent.scopes]
        listed = "".join(granted) or "<li>Sign-in only</li>"
        pieces = (pages.hidden("client_id", client.client_id), f'<ul class="plain">{listed}</ul>', remove)
    else:
        boxes = [
            pages.check_box("scope", s, label, ticked=s in consent.scopes) for s, label in LABELS.items()
        ]
        save = pages.button("Save", f"save-scopes-button{suffix}", value="save", is_main=True)
        pieces = (pages.hidden("client_id", client.client_id), "".join(boxes), save + remove)
    return f'<section class="application">{head}{pages.form(here(request), pieces)}</section>'


def _way_back(request: web.Request) -> str:
    """The address that the application gave, as a link; never followed by itself."""
    address = request.query.get("back_url", "")
    if urlsplit(address).scheme not in ("http", "https"):
        return ""
    return pages.link(address, "Back to the application", "back-link")


ROUTES = tuple(
    web.route(method, path, third_party_apps)
    for path in (paths.THIRD_PARTY_APPS, paths.REVOKE_CONSENT)
    for method in ("GET", "POST")
)
