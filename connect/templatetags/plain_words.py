"""How cars and permissions are named to their owners."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.template.defaultfilters import capfirst
from django.utils.translation import gettext

from connect.templatetags import colours
from vehicles.models import Vehicle
from vehicles.permissions import Permission

register = template.Library()


@register.filter
def in_words(permission: Permission) -> str:
    """What the permission allows, as the start of a sentence: `Lock and unlock the car`."""
    return capfirst(gettext(permission.sentence))


@register.filter
def called(vehicle: Vehicle) -> str:
    """The name its owner gave the car, else its model."""
    return vehicle.display_name or vehicle.model or gettext("Tesla")


@register.filter
def called_among(vehicle: Vehicle, all_named: Iterable[Vehicle]) -> str:
    """Its name; where another of these has the same, with what tells it apart: `Kombi (red, VIN ending 0101)`."""
    name = called(vehicle)
    is_shared = any(called(other) == name for other in all_named if other.pk != vehicle.pk)
    return f"{name} ({described(vehicle)})" if is_shared else name


@register.filter
def described(vehicle: Vehicle) -> str:
    """What tells the car from its owner's other cars: `Model 3, red, VIN ending 0101`."""
    model = vehicle.model if vehicle.display_name else ""
    ending = gettext("VIN ending %s") % vehicle.vin_ending
    return ", ".join(part for part in (model, colours.in_words(vehicle.colour), ending) if part)
