"""The whole address map on one screen."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from portal import front, health, key_file

urlpatterns = [
    path("", front.front_page, name="front"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path(".well-known/appspecific/com.tesla.3p.public-key.pem", key_file.public_key, name="public-key"),
    path("admin/", admin.site.urls),
    path("", include("connect.oauth_urls")),
    path("", include("connect.urls")),
    # Last: it answers everything that begins with a version.
    path("", include("vehicles.api.urls")),
]

handler403 = "portal.error_pages.forbidden"
handler404 = "portal.error_pages.not_found"
handler500 = "portal.error_pages.server_error"
