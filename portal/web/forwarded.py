"""Behind a proxy: whose word about the client is believed, and what of it.

A header field is only as good as who wrote it. Unless `BEHIND_PROXY` is on and the request comes from one of
`TRUSTED_PROXIES`, everything that claims to have been forwarded is dropped; and of a trusted proxy nothing is taken but
the scheme (`X-Forwarded-Proto`) and the client's address (`X-Forwarded-For`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CLAIMS: Final = (
    "HTTP_CF_CONNECTING_IP", "HTTP_CLIENT_IP", "HTTP_FASTLY_CLIENT_IP", "HTTP_FORWARDED", "HTTP_FRONT_END_HTTPS",
    "HTTP_PATH_INFO", "HTTP_PROXY", "HTTP_REMOTE_ADDR", "HTTP_REMOTE_USER", "HTTP_SCRIPT_NAME", "HTTP_TRUE_CLIENT_IP",
    "HTTP_X_CLIENT_IP", "HTTP_X_CLUSTER_CLIENT_IP", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_ORIGINAL_URI",
    "HTTP_X_ORIGINAL_URL", "HTTP_X_REAL_IP", "HTTP_X_REWRITE_URL", "HTTP_X_SCRIPT_NAME", "HTTP_X_URL_SCHEME",
)  # fmt: skip
"""Fields in which one program or another believes what the client is, or what it asked for."""
_FORWARDED: Final = "HTTP_X_FORWARDED_"
_PROTO: Final = _FORWARDED + "PROTO"
_FOR: Final = _FORWARDED + "FOR"


class ForwardedHeadersMiddleware:
    """Stands first: everything behind it sees the client's own address, and no claim of an untrusted peer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = _take_claims(request)
        peer = _address(request.META.get("REMOTE_ADDR", ""))
        if settings.BEHIND_PROXY and peer is not None and _is_trusted(peer):
            request.META["REMOTE_ADDR"] = str(_client(peer, told.get(_FOR, "")))
            # Of several words the last one is the nearest proxy's.
            if scheme := told.get(_PROTO, "").rpartition(",")[2].strip().lower():
                request.META[_PROTO] = scheme
        return self.get_response(request)


def _take_claims(request: HttpRequest) -> dict[str, str]:
    names = [name for name in request.META if name.startswith(_FORWARDED) or name in CLAIMS]
    return {name: request.META.pop(name) for name in names}


def _client(peer: Address, forwarded_for: str) -> Address:
    """The nearest address that is no trusted proxy: each hop appends the one that it saw itself."""
    client = peer
    for entry in reversed(forwarded_for.split(",")):
        if not _is_trusted(client):
            break
        before = _address(entry)
        if before is None:
            break
        client = before
    return client


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _address(text: str) -> Address | None:
    """The address in such an entry, with or without a port; None for what is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
