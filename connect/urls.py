"""Addresses of Connect."""

from __future__ import annotations

from django.urls import path, re_path

from connect.views import (
    ending,
    fix_link,
    fix_links_api,
    keys,
    language,
    legacy,
    owner,
    person,
    popup,
    removal_guide,
    run,
)
from vehicles.api.versions import VEHICLE, versioned

app_name = "connect"

urlpatterns = [
    path("oauth/authorize", run.authorize, name="authorize"),
    path("oauth/reauthenticate", run.reauthenticate, name="reauthenticate"),
    path("connect/tesla/callback", run.callback, name="callback"),
    path("connect/redirect", popup.redirect_page, name="redirect"),
    path("connect/key/<str:token>", keys.shared_key, name="shared_key"),
    path("connect/key/<str:token>/state", keys.key_state, name="key_state"),
    path("connect/owner/<str:token>", owner.owner, name="owner"),
    path("connect/owner/<str:token>/sign-in", owner.owner_sign_in, name="owner_sign_in"),
    path("connect/owner/<str:token>/state", owner.owner_key_state, name="owner_key_state"),
    re_path(r"^connect/colour/(?P<colour>[0-9a-fA-F]{6})\.css$", run.colour, name="colour"),
    path("fix/<str:word>", fix_link.fix, name="fix"),
    path("fix/<str:word>/state", fix_link.fix_state, name="fix_state"),
    versioned(f"{VEHICLE}/tesla/fix", fix_links_api.VehicleFixView.as_view()),
    versioned("management/fix-links", fix_links_api.FixLinksView.as_view()),
    path("connect/language/<str:code>", language.choose, name="language"),
    path("connect/account", person.person, name="person"),
    path("connect/account/sign-in", person.sign_in, name="person_sign_in"),
    path("connect/account/take-away", person.take_away, name="person_take_away"),
    path("connect/account/delete", person.delete, name="person_delete"),
    path("connect/account/leave", person.leave, name="person_leave"),
    path("connect/<uuid:session_id>", run.page, name="page"),
    path("connect/<uuid:session_id>/go-on", run.go_on, name="go_on"),
    path("connect/<uuid:session_id>/start-again", run.start_again, name="start_again"),
    path("connect/<uuid:session_id>/begin", run.begin, name="begin"),
    path("connect/<uuid:session_id>/sign-in", run.sign_in, name="sign_in"),
    path("connect/<uuid:session_id>/callback-address", legacy.callback_address, name="callback_address"),
    path(
        "connect/<uuid:session_id>/current-interface",
        legacy.current_interface,
        name="current_interface",
    ),
    path("connect/<uuid:session_id>/another-account", run.another_account, name="another_account"),
    path("connect/<uuid:session_id>/approve", run.approve, name="approve"),
    path("connect/<uuid:session_id>/removal", removal_guide.removal_guide, name="removal"),
    path("connect/<uuid:session_id>/removal/state", removal_guide.removal_state, name="removal_state"),
    path("connect/<uuid:session_id>/leave-key", keys.leave_key, name="leave_key"),
    path("connect/<uuid:session_id>/skip-key", keys.skip_key, name="skip_key"),
    path("connect/<uuid:session_id>/finish", ending.finish, name="finish"),
    path("connect/<uuid:session_id>/leave", ending.leave, name="leave"),
]
