"""Celery only delivers: every task calls one function."""

from celery import shared_task

from vms.cluster import cluster
from vms.mirror import catalog, sweep, sync


@shared_task(name="vms.tasks.sync_cluster")
def sync_cluster() -> None:
    """Every 15 s: one cycle of the mirror."""
    sync.sync(cluster())


@shared_task(name="vms.tasks.sync_catalog")
def sync_catalog() -> None:
    """Every five minutes: storages, templates, ISOs."""
    catalog.sync_catalog(cluster())


@shared_task(name="vms.tasks.sweep_pending")
def sweep_pending() -> None:
    """Every 15 s: a slice of everybody's pending changes."""
    sweep.sweep(cluster())
