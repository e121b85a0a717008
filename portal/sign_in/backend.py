"""The one way in for staff: name and password, within the limits."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils import timezone

from portal.sign_in import limits, trail
from portal.sign_in.hashing import LINE
from portal.sign_in.limits import TooManyAttempts
from vehicles.models import User


class StaffBackend(ModelBackend):
    """Lets in active members of staff. Owners and drivers sign in at Tesla, and have no business here."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        """Who has this name and password; None for nobody. Raises `TooManyAttempts` and `TooManyAtOnce`."""
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **credentials)
        # As `portal.web.forwarded` found it: of a trusted proxy's client, else of the peer.
        address, now = str(request.META.get("REMOTE_ADDR", "")), timezone.now()
        with LINE.turn(address):
            try:
                limits.count(username, address, now)
            except TooManyAttempts:
                trail.refused(username, "too many attempts", now)
                raise
            found = super().authenticate(request, username, password, **credentials)
            if found is not None:
                limits.give_back(username, address, now)
        return found

    def user_can_authenticate(self, user: Any) -> bool:
        """Also asked for every request of a session: who is staff no more is out."""
        return bool(user.is_active and user.is_staff and not user.is_person)
