"""What somebody does to our machines in Proxmox itself, read from the nodes' task lists."""

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import TaskFacts, Upid
from vms.mirror import lock
from vms.mirror.whose import began_at, owners
from vms.models import ClusterTask, Node, VirtualMachine
from vms.operations.finding import SKEW_S, known_upids

log = logging.getLogger(__name__)
JOB = "tasks"
JOB_LASTS_S = 120.0
#: How far back the first reading of a node looks, and how long a task is asked after that does not end.
LONGEST = timedelta(days=1)
#: Neither a migration's UPID nor the machine's settings name its target; its log does, in one of its first lines.
TARGET = re.compile(r"starting migration of VM (?P<vmid>\d+) to node '(?P<node>[A-Za-z0-9-]{1,63})'")


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
        unknown = _note_ends(task for task in found if not is_ours(task.upid.user))
        owned = list(owners(proxmox, node.name, found, frozenset(str(task.upid) for task in unknown)))
    except ClusterError as error:
        log.info("tasks of %s: %s", node.name, type(error).__name__)
        return 0
    with transaction.atomic():
        new = _keep(owned)
        Node.objects.filter(pk=node.pk).update(tasks_read_at=at)
    _name_targets(proxmox, node.name)
    return new


def _name_targets(proxmox: Cluster, node: str) -> None:
    """Notes where running migrations go; a log that is not given, or does not say, leaves that unknown."""
    running = ClusterTask.objects.migrations().filter(target="", upid__startswith=f"UPID:{node}:")
    for task in running:
        upid = Upid.parse(task.upid)
        try:
            lines = proxmox.task_log(upid)
        except ClusterError as error:
            log.info("log of %s: %s", task.upid, type(error).__name__)
            continue
        if target := target_in(lines, upid.id):
            ClusterTask.objects.filter(pk=task.pk).update(target=target)


def target_in(lines: Iterable[str], vmid: str) -> str:
    """The node that a migration of this machine goes to, by its log; empty where it does not say."""
    found = (TARGET.search(line) for line in lines)
    return next((each["node"] for each in found if each and each["vmid"] == vmid), "")


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


def _keep(owned: Iterable[tuple[TaskFacts, VirtualMachine]]) -> int:
    new = 0
    for task, vm in owned:
        if str(task.upid) in known_upids(vm):
            continue
        about = {"vm": vm, "kind": task.upid.type[:40], "user": task.upid.user[:150], "began_at": began_at(task)}
        _row, is_new = ClusterTask.objects.get_or_create(upid=str(task.upid), defaults=about | _end(task))
        new += is_new
    return new


def _note_ends(tasks: Iterable[TaskFacts]) -> list[TaskFacts]:
    """Writes how those ended that are known already; the others."""
    tasks = list(tasks)
    upids = [str(task.upid) for task in tasks]
    known = dict(ClusterTask.objects.filter(upid__in=upids).values_list("upid", "ended_at"))
    for task in tasks:
        if str(task.upid) in known and known[str(task.upid)] is None and task.ended_at_s:
            ClusterTask.objects.filter(upid=str(task.upid)).update(**_end(task))
    return [task for task in tasks if str(task.upid) not in known]


def _end(task: TaskFacts) -> dict[str, Any]:
    ended = datetime.fromtimestamp(task.ended_at_s, UTC) if task.ended_at_s else None
    return {"ended_at": ended, "exit_text": (task.exit_text or "")[:300]}
