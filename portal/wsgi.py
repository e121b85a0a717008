"""The web process's entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_django = get_wsgi_application()

from portal.web.chunked_bodies import with_length  # noqa: E402 - once the settings are there

application = with_length(_django)
