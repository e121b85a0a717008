"""The public half of the virtual key, where Tesla looks for it.

Fleet API: partner registration and pairing fetch it from the key domain, without login and without following redirects.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vehicles.commands import virtual_key


@require_safe
def public_key(request: HttpRequest) -> HttpResponse:
    """The PEM file; 404 where no key is configured."""
    pem = virtual_key.public_key_pem()
    if pem is None:
        raise Http404("no virtual key is configured")
    return HttpResponse(pem, content_type="application/x-pem-file")
