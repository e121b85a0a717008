"""What a person is told whose link leads no further: to a fix-it page, to a car's key page, or an owner's."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from connect.problems.catalogue import Problem

FIX_LINK_OVER: Final = Problem(
    410,
    _("This link is over"),
    _("It was good for a week, or it was withdrawn. Ask whoever sent it for a new one."),
)
KEY_LINK_EXPIRED: Final = Problem(
    410,
    _("This link is too old"),
    _(
        "A car's key page opens on other devices for a day. To add the key now, go back to the application and connect "
        "the car again; it takes a minute."
    ),
)
OWNER_LINK_EXPIRED: Final = Problem(
    410,
    _("This link is too old"),
    _("It was good for a week. Ask the person who sent it to you for a new one. Nothing was changed."),
)
OWNER_LINK_WITHDRAWN: Final = Problem(
    410,
    _("This link is no longer needed"),
    _("The driver who sent it took the application's access away. Nothing was changed; you need do nothing."),
)
NOT_THE_OWNER: Final = Problem(
    200,
    _("This Tesla account does not own the car"),
    _(
        "Only the owner can add the key. Sign in with the Tesla account that the car was bought or leased with. If "
        "that is not you, pass the link on to them. Nothing was changed."
    ),
)
CARS_HIDDEN: Final = Problem(
    200,
    _("A box is missing at Tesla"),
    _(
        "Without “Vehicle Information” Tesla does not show us that this is your car, and lets you add no key. Sign in "
        "once more and tick it. No application gets anything by it."
    ),
)
SIGN_IN_TOO_SLOW: Final = Problem(
    410,
    _("Signing in took longer than an hour"),
    _("For your safety it does not count any more. Nothing was changed. Please sign in once more."),
)
