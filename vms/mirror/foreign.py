"""What somebody does to our machines in Proxmox itself, read from the nodes' task lists."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import TaskFacts
from vms.mirror import lock
from vms.models import ClusterTask, Node, VirtualMachine
from vms.operations.finding import SKEW_S, known_upids

log = logging.getLogger(__name__)
JOB = "tasks"
JOB_LASTS_S = 120.0
#: How far back the first reading of a node looks, and how long a task is asked after that does not end.
LONGEST = timedelta(days=1)


def read_tasks(proxmox: Cluster, at: datetime) -> int:
    """Reads each online node's tasks since its last reading, one request a node. Returns how many were new.

    A node that does not answer changes nothing and is read from where it was left the next time.
    """
    with lock.held(JOB, JOB_LASTS_S) as holder:
        if holder is None:
            return 0
        return sum(_read_node(proxmox, node, at) for node in Node.objects.filter(is_online=True))


def _read_node(proxmox: Cluster, node: Node, at: datetime) -> int:
    try:
        found = proxmox.node_tasks(node.name, int(_since(node, at).timestamp()))
    except ClusterError as error:
        log.info("tasks of %s: %s", node.name, type(error).__name__)
        return 0
    with transaction.atomic():
        new = _keep([task for task in found if not is_ours(task.upid.user)])
        Node.objects.filter(pk=node.pk).update(tasks_read_at=at)
    return new


def _since(node: Node, at: datetime) -> datetime:
    """The last reading, or the oldest task that ran on then: a list is by when tasks began."""
    earliest = at - LONGEST
    if node.tasks_read_at is None:
        return earliest
    mine = f"UPID:{node.name}:"
    running = ClusterTask.objects.filter(upid__startswith=mine, ended_at=None, began_at__gt=earliest)
    began = running.order_by("began_at").values_list("began_at", flat=True).first()
    last = node.tasks_read_at - timedelta(seconds=SKEW_S)
    return max(earliest, min(last, began or last))


def is_ours(user: str) -> bool:
    """Whether a token of the portal's own account asked: that is in the operations already."""
    name, mark, _token = user.partition("!")
    return bool(mark) and name == settings.PROXMOX_USER


def _keep(tasks: Iterable[TaskFacts]) -> int:
    new = 0
    for task in tasks:
        vm = _machine(task)
        if vm is None or str(task.upid) in known_upids(vm):
            continue
        ended = datetime.fromtimestamp(task.ended_at_s, UTC) if task.ended_at_s else None
        columns = {"ended_at": ended, "exit_text": (task.exit_text or "")[:300]}
        about = {"vm": vm, "kind": task.upid.type[:40], "user": task.upid.user[:150], "began_at": _began(task)}
        _row, is_new = ClusterTask.objects.update_or_create(
            upid=str(task.upid), defaults=columns, create_defaults=about | columns
        )
        new += is_new
    return new


def _machine(task: TaskFacts) -> VirtualMachine | None:
    """Whose it was when the task began: the slot alone would hand a machine's past to whoever sits in it now."""
    if task.upid.vmid is None:
        return None
    began = _began(task)
    there = Q(gone_at=None) | Q(gone_at__gte=began)
    known = VirtualMachine.objects.filter(there, vmid=task.upid.vmid, smbios_uuid__isnull=False)
    return known.filter(created_at__lte=began + timedelta(seconds=SKEW_S)).order_by("-created_at").first()


def _began(task: TaskFacts) -> datetime:
    return datetime.fromtimestamp(task.upid.started_at_s, UTC)
