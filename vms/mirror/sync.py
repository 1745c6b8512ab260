"""One cycle of the mirror: take the job, read, compare, write."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from vms.cluster import Cluster
from vms.mirror import lock
from vms.mirror.alarm import is_released
from vms.mirror.apply import record
from vms.mirror.diff import difference
from vms.mirror.facts import Difference, Reading
from vms.mirror.known import bound_pools, known_rows
from vms.mirror.read import read
from vms.models import MirrorRun, Node

JOB = "mirror"
#: A holder that is not done by then has lost the job; one reading with silent nodes can take minutes.
JOB_LASTS_S = 180.0


def look(cluster: Cluster, at: datetime | None = None) -> tuple[Reading, Difference]:
    """A reading and how it differs from the rows. Writes nothing."""
    at = at or timezone.now()
    known = known_rows()
    nodes = list(Node.objects.values_list("name", flat=True))
    reading = read(cluster, known, nodes, at, may_remove=is_released())
    lag = timedelta(seconds=settings.LIST_LAG_S)
    return reading, difference(reading, known, frozenset(bound_pools()), lag=lag)


def sync(cluster: Cluster, at: datetime | None = None) -> MirrorRun | None:
    """One cycle; None where another worker is at it, took over, or wrote a newer reading."""
    with lock.held(JOB, JOB_LASTS_S) as holder:
        if holder is None:
            return None
        reading, found = look(cluster, at)
        try:
            return record(reading, found, require_lock=lambda: lock.require(JOB, holder))
        except lock.LostLock:
            return None
