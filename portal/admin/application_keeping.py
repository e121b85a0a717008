"""Keeping the credentials that an application has where it comes from: what they must look like."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.application_credentials import KeptCredentials
from vehicles.client_credentials import checksum
from vehicles.models import Application

_SECRET: Final = re.compile(r"[!-~]{32,200}")
_HINT: Final = "Empty: a new one is made."


class KeptCredentialsForm(forms.ModelForm):
    """Fields for adding an application that moves here; each may be left empty. A declared base of the admin's form."""

    kept_client_id = forms.CharField(
        label="Client id",
        required=False,
        strip=True,
        widget=UnfoldAdminTextInputWidget,
        help_text=f"A UUID, such as Smartcar's. {_HINT}",
    )
    kept_client_secret = forms.CharField(
        label="Client secret",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=f"At least 32 characters that were drawn at random. {_HINT}",
    )
    kept_management_token = forms.CharField(
        label="Management token",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=f"Webhooks are signed with it. At least 32 characters. {_HINT}",
    )

    @property
    def kept(self) -> KeptCredentials:
        """What the checked form says is kept."""
        return KeptCredentials(
            client_id=self.cleaned_data["kept_client_id"],
            client_secret=self.cleaned_data["kept_client_secret"],
            management_token=self.cleaned_data["kept_management_token"],
        )

    def clean_kept_client_id(self) -> str:
        """Clients of the original API expect a UUID; sc{client_id}:// and HTTP Basic need its characters."""
        given = str(self.cleaned_data["kept_client_id"])
        if not given:
            return ""
        try:
            is_plain = str(UUID(given)) == given
        except ValueError:
            is_plain = False
        if not is_plain:
            raise forms.ValidationError("A client id is a UUID of 36 characters in small letters.")
        if Application.objects.filter(client_id=given).exists():
            raise forms.ValidationError("Another application here has this client id.")
        return given

    def clean_kept_client_secret(self) -> str:
        return self._secret("kept_client_secret")

    def clean_kept_management_token(self) -> str:
        token = self._secret("kept_management_token")
        if token and Application.objects.filter(management_token_checksum=checksum(token)).exists():
            raise forms.ValidationError("Another application here has this management token.")
        return token

    def _secret(self, name: str) -> str:
        given = str(self.cleaned_data[name])
        if given and not _SECRET.fullmatch(given):
            raise forms.ValidationError("It must have 32 to 200 letters, digits and signs, without spaces.")
        return given

    def clean(self) -> dict[str, Any] | None:
        """A public client keeps no secret, so there is none to be kept."""
        cleaned = super().clean()
        is_public = self.cleaned_data.get("client_type") == Application.CLIENT_PUBLIC
        if is_public and self.cleaned_data.get("kept_client_secret"):
            self.add_error("kept_client_secret", "A mobile or browser application has no secret.")
        return cleaned
