from django.apps import AppConfig
from django.db.models.signals import pre_delete


class ConnectConfig(AppConfig):
    name = "connect"
    verbose_name = "Connect"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have runs forget a person who is deleted."""
        from connect.person.forgetting import forget
        from vehicles.models import User

        pre_delete.connect(forget, sender=User)
