"""The API consumers, and the ids by which each of them knows the persons who connected."""

from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models
from oauth2_provider.models import AbstractApplication, ApplicationManager

from vehicles.models.accounts import Integration, User
from vehicles.permissions import PERMISSIONS


def all_permissions() -> list[str]:
    """What a new application asks for when it names no scope: everything in the catalogue that the car can give."""
    return list(PERMISSIONS)


class Application(AbstractApplication):
    """An API consumer: its OAuth client, what it asks owners for, and how its Connect runs look."""

    integration = models.CharField(
        max_length=8,
        choices=Integration.choices,
        default=Integration.FLEET,
        help_text="Which of Tesla's interfaces its new Connect runs use",
    )
    permissions = models.JSONField(default=all_permissions, help_text="Asked for when a run names no scope")
    requires_key = models.BooleanField(
        default=False, help_text="Connect ends only when at least one car that needs the key has it"
    )
    wakes_for_commands = models.BooleanField(
        default=True, help_text="Wake a sleeping car to deliver a command"
    )
    ends_family_on_reuse = models.BooleanField(
        default=False,
        help_text="A refresh token used again long after its rotation ends all tokens that followed it",
    )
    paused = models.BooleanField(
        default=False, help_text="Answer every vehicle request with a known-issue error"
    )
    paused_since = models.DateTimeField(null=True, blank=True, editable=False)
    verdicts_follow = models.BooleanField(default=False, editable=False)
    """Paused, or let go again, and the verdicts of its grants do not say so yet."""
    logo = models.CharField(max_length=200, blank=True, help_text="Path of a picture among the static files")
    colour = models.CharField(
        max_length=7, blank=True, validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "A colour like #1d4ed8.")]
    )
    management_token_encrypted = models.BinaryField(default=bytes, editable=False)
    management_token_checksum = models.CharField(max_length=64, blank=True, db_index=True, editable=False)

    objects = ApplicationManager()

    class Meta(AbstractApplication.Meta):
        pass

    def __str__(self) -> str:
        return self.name or str(self.client_id)

    def get_allowed_schemes(self) -> list[str]:
        """https, http (which Connect takes for localhost only) and the application's own scheme."""
        return ["https", "http", self.own_scheme]

    @property
    def own_scheme(self) -> str:
        """The custom scheme that mobile SDKs redirect to."""
        return f"sc{self.client_id}"

    @property
    def first_redirect_uri(self) -> str:
        """Where people are sent back when a run names no address; empty where none is registered."""
        return next(iter(self.redirect_uris.split()), "")


class ApplicationUser(models.Model):
    """A person as one application sees them; `public_id` belongs to that application and may have been reserved."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="application_users")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="application_users")
    public_id = models.UUIDField(default=uuid.uuid4)
    external_id = models.CharField(
        max_length=255, blank=True, help_text="The application's own id for the person"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="application_user_once", fields=["application", "person"]),
            models.UniqueConstraint(name="application_user_id", fields=["public_id", "application"]),
        ]

    def __str__(self) -> str:
        return str(self.public_id)
