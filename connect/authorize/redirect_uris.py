"""Where a run may send its answer: addresses and web origins that are registered for the application, and no other.

A browser client registers the origin of its pages. The answer then goes to a page of ours, which hands it to the window
that opened it, and only to that origin (Smartcar v2.0: Connect, browser SDK).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from connect.authorize.addresses import in_one_form
from connect.authorize.parameters import InvalidRequest
from vehicles.models import Application

PAGE: Final = "/connect/redirect"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1", "[::1]")
_ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


def redirect_uri_of(query: Mapping[str, str], application: Application) -> str:
    """Where the answer goes: a registered address in its one form, the first one where none is given.

    Raises `InvalidRequest` for any other; then the person must not be sent anywhere.
    """
    uri = query.get("redirect_uri") or _unnamed(query, application)
    if not uri:
        raise InvalidRequest("redirect_uri", _("It is missing, and the application has none registered."))
    if is_page(uri):
        _check_origin(app_origin(uri), application)
        return uri
    if uri not in in_one_form(application.redirect_uris.split()):
        raise InvalidRequest(
            "redirect_uri", _("It is not one of the addresses registered for this application.")
        )
    if not _may_receive_answers(uri, application):
        raise InvalidRequest(
            "redirect_uri",
            _(
                "It must begin with https://, or with http:// on localhost only, or with the application's own scheme."
            ),
        )
    return uri


def _unnamed(query: Mapping[str, str], application: Application) -> str:
    if query.get("response_type") == "none" and query.get("app_origin"):
        return page_for(query["app_origin"])
    return next(iter(in_one_form([application.first_redirect_uri])), "")


def page_for(origin: str) -> str:
    """The address of our page that hands an answer to this web origin."""
    return f"{settings.PUBLIC_URL}{PAGE}?{urlencode({'app_origin': origin})}"


def is_page(uri: str) -> bool:
    """Whether this is the address of our own page for browser clients."""
    return uri.partition("?")[0] == settings.PUBLIC_URL + PAGE


def app_origin(uri: str) -> str:
    """The origin that our page would hand an answer to; empty where the address says more, or less, than that."""
    query = parse_qsl(uri.partition("?")[2], keep_blank_values=True)
    named = len(query) == 1 and query[0][0] == "app_origin" and "#" not in uri
    return next(iter(in_one_form([query[0][1]])), "") if named else ""


def is_web_origin(origin: str) -> bool:
    """Whether this can be registered: scheme, host and port, https or this machine, spelled as browsers spell it."""
    found = _ORIGIN.fullmatch(origin)
    return found is not None and (found["scheme"] == "https" or found["host"] in LOOPBACK)


def is_registered(origin: str) -> bool:
    """Whether any application has its pages there; the origin is in its one form."""
    if not is_web_origin(origin):
        return False
    registered = Application.objects.exclude(allowed_origins="").values_list("allowed_origins", flat=True)
    return any(origin in in_one_form(known.split()) for known in registered)


def _check_origin(origin: str, application: Application) -> None:
    if not is_web_origin(origin) or origin not in in_one_form(application.allowed_origins.split()):
        raise InvalidRequest(
            "app_origin", _("It is not one of the web origins registered for this application.")
        )


def _may_receive_answers(uri: str, application: Application) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.fragment:
        return False
    if parts.scheme == "http":
        return host in LOOPBACK
    return parts.scheme in ("https", application.own_scheme.lower()) and bool(host)
