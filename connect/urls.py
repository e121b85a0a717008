"""Addresses of Connect."""

from __future__ import annotations

from django.urls import path, re_path

from connect import (
    ending_views,
    fix_api,
    fix_views,
    key_views,
    language,
    legacy_views,
    opener,
    owner_views,
    person_views,
    removal_views,
    views,
)
from vehicles.api.versions import VEHICLE, versioned

app_name = "connect"

urlpatterns = [
    path("oauth/authorize", views.authorize, name="authorize"),
    path("oauth/reauthenticate", views.reauthenticate, name="reauthenticate"),
    path("connect/tesla/callback", views.callback, name="callback"),
    path("connect/redirect", opener.redirect_page, name="redirect"),
    path("connect/key/<str:token>", key_views.shared_key, name="shared_key"),
    path("connect/key/<str:token>/state", key_views.key_state, name="key_state"),
    path("connect/owner/<str:token>", owner_views.owner, name="owner"),
    path("connect/owner/<str:token>/sign-in", owner_views.owner_sign_in, name="owner_sign_in"),
    path("connect/owner/<str:token>/state", owner_views.owner_key_state, name="owner_key_state"),
    re_path(r"^connect/colour/(?P<colour>[0-9a-fA-F]{6})\.css$", views.colour, name="colour"),
    path("fix/<str:word>", fix_views.fix, name="fix"),
    path("fix/<str:word>/state", fix_views.fix_state, name="fix_state"),
    versioned(f"{VEHICLE}/tesla/fix", fix_api.VehicleFixView.as_view()),
    versioned("management/fix-links", fix_api.FixLinksView.as_view()),
    path("connect/language/<str:code>", language.choose, name="language"),
    path("connect/account", person_views.person, name="person"),
    path("connect/account/sign-in", person_views.sign_in, name="person_sign_in"),
    path("connect/account/take-away", person_views.take_away, name="person_take_away"),
    path("connect/account/delete", person_views.delete, name="person_delete"),
    path("connect/account/leave", person_views.leave, name="person_leave"),
    path("connect/<uuid:session_id>", views.page, name="page"),
    path("connect/<uuid:session_id>/go-on", views.go_on, name="go_on"),
    path("connect/<uuid:session_id>/start-again", views.start_again, name="start_again"),
    path("connect/<uuid:session_id>/begin", views.begin, name="begin"),
    path("connect/<uuid:session_id>/sign-in", views.sign_in, name="sign_in"),
    path(
        "connect/<uuid:session_id>/callback-address", legacy_views.callback_address, name="callback_address"
    ),
    path(
        "connect/<uuid:session_id>/current-interface",
        legacy_views.current_interface,
        name="current_interface",
    ),
    path("connect/<uuid:session_id>/another-account", views.another_account, name="another_account"),
    path("connect/<uuid:session_id>/approve", views.approve, name="approve"),
    path("connect/<uuid:session_id>/removal", removal_views.removal_guide, name="removal"),
    path("connect/<uuid:session_id>/removal/state", removal_views.removal_state, name="removal_state"),
    path("connect/<uuid:session_id>/leave-key", key_views.leave_key, name="leave_key"),
    path("connect/<uuid:session_id>/skip-key", key_views.skip_key, name="skip_key"),
    path("connect/<uuid:session_id>/finish", ending_views.finish, name="finish"),
    path("connect/<uuid:session_id>/leave", ending_views.leave, name="leave"),
]
