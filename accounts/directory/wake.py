"""Wakes a worker for a pass. With the broker down it only comes later: the schedule asks for one anyway."""

import logging

from celery import current_app
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)
TASK = "accounts.tasks.sync_directory"


def wake() -> bool:
    """Asks for a pass now. False when the broker could not be told, or no directory is configured."""
    if not settings.LDAP_URL:
        return False
    try:
        current_app.send_task(TASK, expires=60)
    except Exception as error:  # each broker has errors of its own
        log.warning("the broker was not told of a pass over the directory (%s)", type(error).__name__)
        return False
    return True


def wake_on_commit() -> None:
    """The same when the transaction is through."""
    transaction.on_commit(wake)
