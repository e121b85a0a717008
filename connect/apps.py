from django.apps import AppConfig
from django.db.models.signals import pre_delete


class ConnectConfig(AppConfig):
    name = "connect"
    verbose_name = "Connect"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have runs forget a person who is deleted, and errors and diagnoses name the link for a car's owner."""
        from django.utils import timezone

        from connect import owner_link
        from connect.forgetting import forget
        from vehicles import access
        from vehicles.models import User

        access.set_owner_link(lambda grant: owner_link.address(grant, timezone.now()))

        pre_delete.connect(forget, sender=User)
