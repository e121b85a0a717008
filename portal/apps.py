from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from portal.configuration import checks  # noqa: F401  (registers the deploy checks)
        from portal.roles import keep_roles
        from portal.sign_in import trail

        trail.connect()
        # After the last app with permissions of ours: all of them exist by then.
        post_migrate.connect(keep_roles, sender=apps.get_app_config("auth"))
