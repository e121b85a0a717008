"""Where applications get tokens. One SDK appends the path to an origin that already ends with it."""

from __future__ import annotations

from django.urls import path

from connect.token_endpoint import TokenView

urlpatterns = [
    path("oauth/token", TokenView.as_view(), name="token"),
    path("oauth/token/oauth/token", TokenView.as_view()),
]
