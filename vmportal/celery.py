"""The Celery app. It holds no task bodies: tasks only deliver, operations act."""

import os

from celery import Celery
from celery.signals import worker_ready
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vmportal.settings")

app = Celery("vmportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

#: What a worker asks for when it starts, and after how many seconds: beat alone would wait a whole period first,
#: which is five minutes without a template on the create page. Locks in the database make repeats harmless.
AT_START = (("vms.tasks.sync_cluster", 0), ("vms.tasks.sync_catalog", 3))
WITH_A_DIRECTORY = (("accounts.tasks.sync_directory", 0),)


@worker_ready.connect
def look_at_once(**_: object) -> None:
    """Reads the cluster and the house's directory as soon as somebody can."""
    for task, after_s in (*AT_START, *(WITH_A_DIRECTORY if settings.LDAP_URL else ())):
        app.send_task(task, countdown=after_s, expires=60)
