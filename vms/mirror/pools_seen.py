"""Pools of the cluster as the last usable reading listed them, so that a page can show those that no row binds."""

from collections import Counter
from datetime import datetime

from vms.cluster.types import ClusterReading
from vms.models import ClusterPool


def write_pools(listing: ClusterReading, at: datetime) -> None:
    """Keeps one row for each pool listed, with how many machines the list shows in it.

    A list without any pool is no information: the token may have lost the right to see them.
    """
    if not listing.pools:
        return
    machines = Counter(guest.poolid for guest in listing.guests if guest.poolid and not guest.is_template)
    known = {row.poolid: row for row in ClusterPool.objects.all()}
    listed = {pool.poolid for pool in listing.pools}
    ClusterPool.objects.filter(poolid__in=set(known) - listed).delete()
    new = [ClusterPool(poolid=each, machines=machines[each], seen_at=at) for each in sorted(listed - set(known))]
    ClusterPool.objects.bulk_create(new, ignore_conflicts=True)
    changed = [row for name, row in known.items() if name in listed and row.machines != machines[name]]
    for row in changed:
        row.machines, row.seen_at = machines[row.poolid], at
    ClusterPool.objects.bulk_update(changed, ["machines", "seen_at"])
