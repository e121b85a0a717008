"""Authorization requests: login, consent, and back to the application (Fleet API: third-party tokens)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from multidict import MultiMapping

from vehicles.tesla.scopes import LABELS, OPENID, SIGN_IN
from vehicles.tesla.simulator import pages
from vehicles.tesla.simulator.account.accounts import Account, Client
from vehicles.tesla.simulator.login.sign_in import Newcomers, here, login_page, sign_in, signed_in
from vehicles.tesla.simulator.login.token_claims import ISSUER
from vehicles.tesla.simulator.state import world_of

_HEADING: Final = "with your Tesla account, to go on to"
_ANYBODY: Final = " Any other e-mail address with any password makes a new person with sample cars."
_NOT_ENOUGH: Final = "This application needs everything in the list. Tick all of it, or cancel."


async def authorize(request: web.Request) -> web.StreamResponse:
    """`/oauth2/v3/authorize`, shown and submitted."""
    query = request.query
    client = world_of(request).clients.get(query.get("client_id", ""))
    if client is None:
        return pages.error_page("Unknown application", "No application with this client_id is registered.")
    if query.get("redirect_uri") not in client.redirect_uris:
        text = "The redirect_uri is not one that this application registered. It has to be equal, letter by letter."
        return pages.error_page("Wrong return address", text)
    if error := _request_error(client, query):
        return _back(query, error=error)
    return await _log_in(request, client)


async def _log_in(request: web.Request, client: Client) -> web.StreamResponse:
    newcomers = _newcomers(request)
    hint = "" if newcomers is Newcomers.REFUSED else _ANYBODY
    heading = f"Sign in {_HEADING} {client.name or client.client_id}.{hint}"
    form = await request.post()
    if "username" in form:
        onward = str(request.rel_url.without_query_params("prompt"))
        return await sign_in(request, heading, newcomers=newcomers, onward=onward)
    account = signed_in(request)
    if account is None or request.query.get("prompt") == "login":
        return login_page(request, heading)
    return await _ask_consent(request, client, account)


async def _ask_consent(request: web.Request, client: Client, account: Account) -> web.StreamResponse:
    form = await request.post()
    decision = form.get("decision", "")
    if client.is_legacy:
        return _with_code(request, client, account)
    if _is_test(request):
        _grant(request, client, account, _granted(account, client) | set(_asked(request)))
        return _with_code(request, client, account)
    if decision == "deny":
        return _back(request.query, error="access_denied", error_description="The user denied the request")
    ticked = {str(scope) for scope in form.getall("scope", [])}
    if decision == "allow":
        return _decide(request, client, account, ticked)
    if _needs_no_page(request, client, account):
        return _with_code(request, client, account)
    shown = set(_boxes(request, client, account)) if decision == "select-all" else _granted(account, client)
    return _consent_page(request, client, account, shown)


def _decide(request: web.Request, client: Client, account: Account, ticked: set[str]) -> web.StreamResponse:
    boxes = set(_boxes(request, client, account))
    if request.query.get("require_requested_scopes") == "true" and not ticked >= set(_asked(request)):
        return _consent_page(request, client, account, ticked, problem=_NOT_ENOUGH)
    _grant(request, client, account, ticked & boxes)
    return _with_code(request, client, account)


def _needs_no_page(request: web.Request, client: Client, account: Account) -> bool:
    """One consent per account and application: it is used again silently, unless missing scopes are asked for."""
    if client.client_id not in account.consents:
        return False
    missing = set(_asked(request)) - _granted(account, client)
    is_asked = request.query.get("prompt_missing_scopes") == "true"
    return not (missing and is_asked and world_of(request).provider.asks_for_missing_scopes)


def _consent_page(
    request: web.Request, client: Client, account: Account, ticked: set[str], *, problem: str = ""
) -> web.Response:
    boxes = [
        pages.check_box("scope", scope, LABELS[scope], ticked=scope in ticked)
        for scope in _boxes(request, client, account)
    ]
    pieces = (
        '<fieldset style="border:0;margin:0;padding:0"><legend class="soft">It asks for access to:</legend>',
        *boxes,
        "</fieldset>",
        pages.button("Select all", "select-all-button", value="select-all"),
        pages.button("Allow", "allow-button", value="allow", is_main=True),
        pages.button("Cancel", "deny-button", value="deny"),
    )
    name = client.name or client.client_id
    body = (
        (pages.refused(problem, element_id="consent-problem") if problem else "")
        + pages.paragraph(
            f"{name} would like to use your Tesla account. Nothing is shared unless you tick it."
        )
        + (_KEY_STEP if request.query.get("show_keypair_step") == "true" else "")
        + pages.form(here(request), pieces)
        + pages.paragraph("You can change or remove this at any time in your Tesla account.", "soft")
    )
    return pages.page(f"Allow {name}?", body, account=account, here=here(request))


_KEY_STEP: Final = (
    '<p id="keypair-step">Afterwards you will be asked to add a virtual key to your car, with your phone.</p>'
)


def _asked(request: web.Request) -> tuple[str, ...]:
    """The scopes asked for that a person can tick, in the order of the request."""
    return tuple(scope for scope in dict.fromkeys(request.query.get("scope", "").split()) if scope in LABELS)


def _granted(account: Account, client: Client) -> set[str]:
    consent = account.consents.get(client.client_id)
    return consent.scopes & set(LABELS) if consent else set()


def _boxes(request: web.Request, client: Client, account: Account) -> tuple[str, ...]:
    """What the page lists: everything asked for, then what was granted before."""
    earlier = sorted(_granted(account, client))
    return tuple(dict.fromkeys((*_asked(request), *earlier)))


def _grant(request: web.Request, client: Client, account: Account, scopes: set[str]) -> None:
    world_of(request).grant(account, client, scopes | set(SIGN_IN))


def _is_test(request: web.Request) -> bool:
    return request.query.get("test_login") == "true"


def _newcomers(request: web.Request) -> Newcomers:
    if _is_test(request):
        return Newcomers.WITHOUT_KEYS
    return Newcomers.WELCOME if request.query.get("any_login") == "true" else Newcomers.REFUSED


def _request_error(client: Client, query: MultiMapping[str]) -> str:
    if query.get("response_type") != "code":
        return "unsupported_response_type"
    if OPENID not in query.get("scope", "").split():
        return "invalid_scope"
    has_challenge = bool(query.get("code_challenge"))
    if (client.client_secret is None and not has_challenge) or (
        has_challenge and query.get("code_challenge_method") != "S256"
    ):
        return "invalid_request"
    return ""


def _with_code(request: web.Request, client: Client, account: Account) -> web.Response:
    asked = tuple(request.query["scope"].split())
    code = world_of(request).tokens.new_code(client, account, asked, dict(request.query))
    return _back(request.query, code=code, locale=request.query.get("locale", "en-US"), issuer=ISSUER)


def _back(query: MultiMapping[str], **answer: str) -> web.Response:
    """Back to the application, with the state unchanged."""
    if "state" in query:
        answer["state"] = query["state"]
    address = query["redirect_uri"]
    joint = "&" if urlsplit(address).query else "?"
    return web.Response(status=302, headers={"Location": f"{address}{joint}{urlencode(answer)}"})
