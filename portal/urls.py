"""The whole address map on one screen."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from portal import error_reference, front, key_file
from portal.running import health
from portal.web import error_pages
from vehicles.api.versions import EVERYTHING_ELSE

urlpatterns = [
    path("", front.front_page, name="front"),
    path("docs/errors/", error_reference.overview, name="errors"),
    path("docs/errors/<path:name>", error_reference.explained, name="error"),
    *health.addresses(),
    path(".well-known/appspecific/com.tesla.3p.public-key.pem", key_file.public_key, name="public-key"),
    # Django's shortcut to an object's own page; our objects have none.
    path("admin/r/<path:shortcut>", error_pages.nothing_here),
    path("admin/", admin.site.urls),
    # Before the pages, since most requests are the API's.
    path("", include("vehicles.api.urls")),
    path("", include("connect.oauth.urls")),
    path("", include("connect.urls")),
    # Last: whatever else begins with a version is a path of the API that does not exist.
    path("", include(EVERYTHING_ELSE)),
]

handler400 = "portal.web.error_pages.bad_request"
handler403 = "portal.web.error_pages.forbidden"
handler404 = "portal.web.error_pages.not_found"
handler500 = "portal.web.error_pages.server_error"
