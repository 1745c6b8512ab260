"""Wakes a worker. The row is the truth: a broker that is down only makes it later, because the sweeper looks."""

import logging

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)
RUN = "vms.tasks.run_operation"


def wake(operation_id: int) -> bool:
    """Tells a worker that this operation is due. False when the broker could not be told."""
    # Each broker has errors of its own; none of them may lose a request.
    try:
        current_app.send_task(RUN, args=[operation_id])
    except Exception as error:
        log.warning("operation %s: the broker was not told (%s); the sweeper will find it", operation_id, error)
        return False
    return True


def wake_on_commit(operation_id: int) -> None:
    """The same when the transaction is through, so that a worker never looks for a row it cannot see yet."""
    transaction.on_commit(lambda: wake(operation_id))
