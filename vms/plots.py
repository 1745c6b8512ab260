"""Plots of a machine: fetched by a worker while somebody looks, kept a minute, drawn from rows.

`Plot.rows`: [seconds since 1970, cpu, memory, most memory, network in, out, disk read, written], each but the first a
number or None; units as vms.cluster.watching.Measurement.
"""

import logging
from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.watching import Measurement
from vms.models import Plot, VirtualMachine
from vms.plotting import MOST_POINTS, SPANS_S, thinned
from vms.states import Lifecycle

log = logging.getLogger(__name__)
TASK = "vms.tasks.fetch_plot"
#: How long what was read is good, and how long after a look a worker still fetches.
KEPT = timedelta(seconds=60)
WANTED = timedelta(seconds=120)
NO_DATA = "There are no numbers of this span yet. The first appear a minute after it starts."
NO_ANSWER = "Proxmox did not answer."
Row = list[float | None]


def look(vm: VirtualMachine, span: str, now: datetime) -> Plot:
    """What is stored of that span; a worker is woken where it is older than a minute. Never asks Proxmox."""
    plot, _made = Plot.objects.get_or_create(vm=vm, span=span, defaults={"wanted_at": now})
    old = Q(asked_at=None) | Q(asked_at__lte=now - KEPT) | Q(asked_at__gt=now + KEPT)
    rows = Plot.objects.filter(pk=plot.pk)
    is_due = vm.lifecycle == Lifecycle.READY and rows.filter(old).update(wanted_at=now, asked_at=now) == 1
    if is_due:
        transaction.on_commit(lambda: _wake(plot.pk))
    else:
        rows.update(wanted_at=now)
    return plot


def _wake(plot_id: int) -> None:
    """A broker that is down costs a minute: whoever looks then asks again."""
    try:
        current_app.send_task(TASK, args=[plot_id], expires=WANTED.total_seconds())
    except Exception as error:  # each broker has errors of its own; a page is shown all the same
        log.warning("plot %s: the broker was not told (%s)", plot_id, error)


def fetch(cluster: Cluster, plot_id: int, now: datetime) -> bool:
    """Reads what somebody wanted to see within the last two minutes; False where nothing was written."""
    recent = Plot.objects.select_related("vm").filter(wanted_at__gte=now - WANTED, vm__lifecycle=Lifecycle.READY)
    plot = recent.filter(pk=plot_id).exclude(vm__vmid=None).first()
    if plot is None:
        return False
    try:
        rows = _read(cluster, plot.vm, plot.span)
    except ClusterError:
        return Plot.objects.filter(pk=plot.pk).update(note=NO_ANSWER) == 0
    if not any(value is not None for row in rows for value in row[1:]):
        rows, note = [], NO_DATA
    else:
        note = ""
    return Plot.objects.filter(pk=plot.pk).update(rows=rows, read_at=timezone.now(), note=note) == 1


def _read(cluster: Cluster, vm: VirtualMachine, span: str) -> list[Row]:
    """Nothing from before the machine: Proxmox keeps the numbers of a slot, whoever sat in it."""
    config = cluster.guest_config(vm.node, vm.vmid or 0)
    if config.uuid != str(vm.smbios_uuid):
        return []
    made_s = vm.created_at.timestamp() if vm.created_by_id else 0.0
    since_s = max(made_s, config.created_at_s or 0)
    found = [one for one in cluster.measurements(vm.node, vm.vmid or 0, span) if one.at_s >= since_s]
    return _rows([one for one in found if one.at_s >= (found[-1].at_s - SPANS_S[span])])


def _rows(found: list[Measurement]) -> list[Row]:
    names = ("cpu", "memory_bytes", "most_memory_bytes", "net_in", "net_out", "disk_read", "disk_write")
    columns = [thinned([(one.at_s, getattr(one, name)) for one in found], MOST_POINTS) for name in names]
    times = [at for at, _value in columns[0]]
    return [[at, *(column[n][1] for column in columns)] for n, at in enumerate(times)]
