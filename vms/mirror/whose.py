"""Whose a node's tasks are: a slot's past belongs to whoever sat in it then, not to who has the slot in our rows."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from vms.cluster import Cluster
from vms.cluster.errors import Denied, NoSuchGuest
from vms.cluster.types import TaskFacts
from vms.models import VirtualMachine
from vms.operations.finding import SKEW_S


def owners(
    proxmox: Cluster, node: str, tasks: Iterable[TaskFacts], wanted: Collection[str]
) -> Iterator[tuple[TaskFacts, VirtualMachine]]:
    """Each of the `wanted` tasks (by UPID) that is provably of a machine of ours, with it. `tasks`: all of that node.

    Asks Proxmox once for each slot that has some younger than the last reading of its machine. Raises ClusterError.
    """
    slots: dict[int, list[TaskFacts]] = defaultdict(list)
    for task in tasks:
        if task.upid.vmid is not None:
            slots[task.upid.vmid].append(task)
    for vmid, found in slots.items():
        yield from _Slot(proxmox, node, vmid, found).owned(wanted)


class _Slot:
    """One slot on one node."""

    def __init__(self, proxmox: Cluster, node: str, vmid: int, tasks: list[TaskFacts]) -> None:
        self.proxmox, self.node, self.vmid, self.tasks = proxmox, node, vmid, tasks
        ends = (task for task in tasks if task.upid.type == "qmdestroy" and task.exit_text == "OK")
        self.ends = sorted(ends, key=lambda task: task.upid.started_at_s)
        self._uuid: str | None = None

    def owned(self, wanted: Collection[str]) -> Iterator[tuple[TaskFacts, VirtualMachine]]:
        for task in self.tasks:
            vm = _row(task) if str(task.upid) in wanted else None
            if vm is not None and self._is_of(task, vm):
                yield task, vm

    def _is_of(self, task: TaskFacts, vm: VirtualMachine) -> bool:
        read_s = int(vm.config_read_at.timestamp()) if vm.config_read_at else 0
        if any(_began_s(end) >= _began_s(task) and (end.ended_at_s or 0) <= read_s for end in self.ends):
            return False  # what was destroyed before our machine was read was another one
        return _began_s(task) < read_s or self._is_still(task, vm)

    def _is_still(self, task: TaskFacts, vm: VirtualMachine) -> bool:
        """By who is there now; where that is another one, or nobody, by the task that removed ours."""
        if self.uuid == str(vm.smbios_uuid):
            return True
        if self.ends:
            return task is self.ends[0] or _began_s(task) < _began_s(self.ends[0])
        return self.uuid == "" and vm.node == self.node  # it has left this node

    @property
    def uuid(self) -> str:
        """Of the machine that sits there now; empty where none does."""
        if self._uuid is None:
            try:
                self._uuid = self.proxmox.guest_config(self.node, self.vmid).uuid or "none"
            except (NoSuchGuest, Denied):
                self._uuid = ""
        return self._uuid


def _row(task: TaskFacts) -> VirtualMachine | None:
    """The row that had the slot when the task began."""
    began = began_at(task)
    there = Q(gone_at=None) | Q(gone_at__gte=began)
    known = VirtualMachine.objects.filter(there, vmid=task.upid.vmid, smbios_uuid__isnull=False)
    return known.filter(created_at__lte=began + timedelta(seconds=SKEW_S)).order_by("-created_at").first()


def _began_s(task: TaskFacts) -> int:
    return task.upid.started_at_s


def began_at(task: TaskFacts) -> datetime:
    """When it began; Proxmox tells whole seconds."""
    return datetime.fromtimestamp(task.upid.started_at_s, UTC)
