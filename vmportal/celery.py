"""The Celery app. It holds no task bodies: tasks only deliver, operations act."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vmportal.settings")

app = Celery("vmportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
