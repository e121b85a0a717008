"""Where applications get tokens. One SDK appends the path to an origin that already ends with it."""

from __future__ import annotations

from django.urls import re_path

from connect.oauth.token_endpoint import TokenView

urlpatterns = [re_path(r"^oauth/token(?:/oauth/token)?/?\Z", TokenView.as_view(), name="token")]
