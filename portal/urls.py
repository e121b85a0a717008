"""The whole address map on one screen."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from portal import error_pages, front, health, key_file

urlpatterns = [
    path("", front.front_page, name="front"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path(".well-known/appspecific/com.tesla.3p.public-key.pem", key_file.public_key, name="public-key"),
    # Django's shortcut to an object's own page; our objects have none.
    path("admin/r/<path:shortcut>", error_pages.nothing_here),
    path("admin/", admin.site.urls),
    path("", include("connect.oauth_urls")),
    path("", include("connect.urls")),
    # Last: it answers everything that begins with a version.
    path("", include("vehicles.api.urls")),
]

handler400 = "portal.error_pages.bad_request"
handler403 = "portal.error_pages.forbidden"
handler404 = "portal.error_pages.not_found"
handler500 = "portal.error_pages.server_error"
