"""The worker's entry point. Tasks make one domain call; a row in the database is the truth, a task only a nudge."""

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import after_setup_logger, after_setup_task_logger

from portal import log_format

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("carport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@after_setup_logger.connect
@after_setup_task_logger.connect
def _format_log(logger: logging.Logger, **_: Any) -> None:
    log_format.format_handlers(logger)
