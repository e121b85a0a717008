"""The form for adding and changing an application: what its developer has to tell, and no more."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from connect.authorize.addresses import one_form
from connect.authorize.redirect_uris import LOOPBACK, is_web_origin
from portal.admin.application_keeping import KeptCredentialsForm
from vehicles.models import Application
from vehicles.models.applications import all_permissions
from vehicles.permissions import PERMISSIONS

TOLD: Final = (
    *(
        "name",
        "client_type",
        "redirect_uris",
        "allowed_origins",
        "integration",
        "permissions",
        "requires_key",
    ),
    *("wakes_for_commands", "ends_family_on_reuse", "paused", "logo", "colour", "kept_client_id"),
)
"""Fields whose values the trail keeps; of the others, which are secrets, it says that they were given."""


class ApplicationForm(KeptCredentialsForm):
    """Redirect addresses are one a line; permissions are ticked by name."""

    client_type = forms.ChoiceField(
        choices=[
            (Application.CLIENT_CONFIDENTIAL, "Server: keeps a secret"),
            (Application.CLIENT_PUBLIC, "Mobile or browser: keeps no secret, uses PKCE"),
        ],
        widget=UnfoldAdminSelectWidget,
        help_text="Where the application runs. It cannot be changed later.",
    )
    permissions = forms.MultipleChoiceField(
        choices=[(row.name, f"{row.name}: {row.sentence}") for row in PERMISSIONS.values()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        initial=all_permissions,
        help_text="What Connect asks owners for when a run names no scope of its own.",
    )

    class Meta:
        model = Application
        fields = (
            *("name", "client_type", "redirect_uris", "allowed_origins"),
            *("integration", "permissions", "requires_key"),
            *("wakes_for_commands", "ends_family_on_reuse", "paused", "logo", "colour"),
        )
        labels = {"allowed_origins": "Web origins"}
        widgets = {
            "redirect_uris": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "allowed_origins": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }
        help_texts = {
            "redirect_uris": "One a line, as the application sends them. https, http on localhost, "
            "or the application's own scheme sc{client_id}://.",
            "allowed_origins": "For pages that open Connect in a window of their own. One a line, such as "
            "https://app.example. Their redirect address is /connect/redirect?app_origin=… on this portal.",
            "ends_family_on_reuse": "A refresh token used again more than ten minutes after it was replaced ends all "
            "tokens that followed it. For public clients that is always so.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.authorization_grant_type = Application.GRANT_AUTHORIZATION_CODE
        else:
            # Credentials are kept when an application is added, and replaced on pages of their own.
            for name in KeptCredentialsForm.base_fields:
                self.fields.pop(name, None)
        self.fields["client_type"].disabled = self.instance.pk is not None
        # For staff who may only look, the form is made without the model's own fields.
        if "name" in self.fields:
            self.fields["name"].required = True

    def clean_redirect_uris(self) -> str:
        addresses = _in_one_form(self.cleaned_data["redirect_uris"])
        for address in addresses:
            parts = urlsplit(address)
            if parts.scheme == "http" and parts.hostname not in LOOPBACK:
                raise forms.ValidationError(f"{address}: http is accepted for localhost only; use https.")
            if parts.fragment:
                raise forms.ValidationError(f"{address}: a redirect address has no #fragment.")
        return "\n".join(addresses)

    def clean_allowed_origins(self) -> str:
        origins = _in_one_form(self.cleaned_data["allowed_origins"])
        for origin in origins:
            if not is_web_origin(origin):
                raise forms.ValidationError(
                    f"{origin}: an origin is https:// and a host, without a path; http is accepted for localhost only."
                )
        return "\n".join(origins)


def _in_one_form(text: str) -> list[str]:
    """The addresses in this text, as browsers send them. Raises `forms.ValidationError` for what is none."""
    forms_of = []
    for address in str(text).split():
        try:
            form = one_form(address)
            urlsplit(form)
        except ValueError:
            raise forms.ValidationError(f"{address}: this is no address.") from None
        forms_of.append(form)
    return forms_of
