"""The worker's entry point. Tasks make one domain call; a row in the database is the truth, a task only a nudge."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("carport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
