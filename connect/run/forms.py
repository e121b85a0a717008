"""The one form with choices: which cars, and which permissions."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from connect.run.consent import Offer


class ApprovalForm(forms.Form):
    """What a person chose from an offer; nothing outside of the offer is valid."""

    vehicles = forms.MultipleChoiceField(
        error_messages={
            "required": _("Choose at least one car."),
            "invalid_choice": _("This car is not in your account."),
        }
    )
    permissions = forms.MultipleChoiceField(
        required=False, error_messages={"invalid_choice": _("This permission is not on offer.")}
    )

    def __init__(self, offer: Offer, *, single_select: bool, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.offer = offer
        self.single_select = single_select
        self.sent = data
        self._offer_choices("vehicles", [str(access.vehicle_id) for access in offer.accesses])
        self._offer_choices("permissions", [permission.name for permission in offer.offered])

    def _offer_choices(self, name: str, values: list[str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - for the type checker
        field.choices = [(value, value) for value in values]

    def clean_vehicles(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["vehicles"]
        if self.single_select and len(chosen) != 1:
            raise forms.ValidationError(_("Choose one car."))
        return chosen

    def clean_permissions(self) -> list[str]:
        allowed: list[str] = self.cleaned_data["permissions"]
        if not allowed and not any(item.name in self.offer.required for item in self.offer.offered):
            raise forms.ValidationError(_("Allow at least one thing, or do not connect."))
        return allowed

    def ticked_vehicles(self) -> list[str]:
        """What stands ticked: the person's own choice, or every car at first (one that must be alone stays open)."""
        if self.sent is not None:
            return self.sent.getlist("vehicles")
        ids = [str(access.vehicle_id) for access in self.offer.accesses]
        return ids if len(ids) == 1 or not self.single_select else []

    def ticked_permissions(self) -> list[str]:
        """What stands ticked: the person's own choice, or everything on offer at first."""
        if self.sent is not None:
            return [*self.sent.getlist("permissions"), *self.offer.required]
        return [permission.name for permission in self.offer.offered]
