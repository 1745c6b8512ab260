"""Celery only delivers: every task calls one function."""

from celery import shared_task
from django.utils import timezone

from vms import guests, leases, leftovers, plots
from vms.cluster import cluster
from vms.mirror import catalog, foreign, sweep, sync
from vms.operations import departures, engine, follow, pool_ends, task_logs


@shared_task(name="vms.tasks.run_operation")
def run_operation(operation_id: int) -> None:
    """Takes one operation as far as it goes now."""
    engine.run(operation_id)


@shared_task(name="vms.tasks.follow_operations")
def follow_operations() -> None:
    """Every few seconds: asks after the tasks of operations nobody stayed with."""
    follow.follow()


@shared_task(name="vms.tasks.sweep_operations")
def sweep_operations() -> None:
    """Every 15 s: finds what a dead worker or broker dropped."""
    follow.sweep(timezone.now())


@shared_task(name="vms.tasks.shut_down_departed")
def shut_down_departed() -> None:
    """Every five minutes: what runs on for somebody whose days are over is shut down."""
    departures.shut_down_departed(timezone.now())


@shared_task(name="vms.tasks.look_at_leases")
def look_at_leases() -> None:
    """Every ten minutes: warnings, what ends, the trash, the RTPs' report."""
    leases.look(timezone.now())


@shared_task(name="vms.tasks.end_pools")
def end_pools() -> None:
    """When asked, and every minute: closed, empty pools are removed in Proxmox."""
    pool_ends.carry_out(timezone.now())


@shared_task(name="vms.tasks.sync_cluster")
def sync_cluster() -> None:
    """Every 15 s: one cycle of the mirror."""
    sync.sync(cluster())


@shared_task(name="vms.tasks.read_foreign_tasks")
def read_foreign_tasks() -> None:
    """Every minute: what somebody does to our machines in Proxmox itself."""
    foreign.read_tasks(cluster(), timezone.now())


@shared_task(name="vms.tasks.read_task_logs")
def read_task_logs() -> None:
    """Every minute, and when an RTP asks: logs of operations' Proxmox tasks."""
    task_logs.read_due(cluster(), timezone.now())


@shared_task(name="vms.tasks.scan_storages")
def scan_storages() -> None:
    """Every six hours: disks that belong to no machine."""
    leftovers.scan(cluster(), timezone.now())


@shared_task(name="vms.tasks.sync_catalog")
def sync_catalog() -> None:
    """Every five minutes: storages, templates, ISOs."""
    catalog.sync_catalog(cluster())


@shared_task(name="vms.tasks.sweep_pending")
def sweep_pending() -> None:
    """Every 15 s: a slice of everybody's pending changes."""
    sweep.sweep(cluster())


@shared_task(name="vms.tasks.ask_guests")
def ask_guests() -> None:
    """Every minute: addresses and systems of guests that were not asked for long."""
    guests.ask_guests(cluster(), timezone.now())


@shared_task(name="vms.tasks.fetch_plot")
def fetch_plot(plot_id: int) -> None:
    """When somebody looks: what Proxmox measured of one machine."""
    plots.fetch(cluster(), plot_id, timezone.now())
