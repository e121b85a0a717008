"""The API's and the token endpoint's addresses alone, without the pages around them."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("connect.oauth_urls")), path("", include("vehicles.api.urls"))]
