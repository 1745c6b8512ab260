"""What the cluster has, what is given away and what runs, by node and by storage; and what is left without one node.

Everything is read from rows: the page answers with what was last known while Proxmox does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum

from vms.models import Node, Storage, VirtualMachine
from vms.usage import AWAKE

GIB = 1024**3


@dataclass(frozen=True)
class NodeLine:
    """One node. `allocated` counts every machine that is there, `running` those that run."""

    node: Node
    machines: int
    awake: int
    cores: int
    cores_running: int
    memory_mib: int
    memory_running_mib: int

    @property
    def is_over(self) -> bool:
        """More memory runs than the node has."""
        return self.node.memory_mib is not None and self.memory_running_mib > self.node.memory_mib


@dataclass(frozen=True)
class StorageLine:
    """One storage; a shared one stands once, whichever nodes see it."""

    name: str
    where: str
    total_gib: int
    used_gib: int

    @property
    def free_gib(self) -> int:
        """What is left."""
        return self.total_gib - self.used_gib

    @property
    def is_low(self) -> bool:
        """Less than a tenth is left."""
        return self.total_gib > 0 and self.free_gib * 10 < self.total_gib


@dataclass(frozen=True)
class Spare:
    """Memory that is left when the largest node fails and its machines have to run on the others."""

    node: str
    left_mib: int

    @property
    def is_enough(self) -> bool:
        """Everything that runs now would still run."""
        return self.left_mib >= 0

    @property
    def missing_mib(self) -> int:
        """What would not fit."""
        return max(0, -self.left_mib)


def nodes() -> list[NodeLine]:
    """Nodes by name, with two queries whatever their number."""
    counted = VirtualMachine.objects.counted().values("node").annotate(
        machines=Count("pk"),
        awake=Count("pk", filter=AWAKE),
        all_cores=Sum("cores", default=0),
        running_cores=Sum("cores", filter=AWAKE, default=0),
        all_memory=Sum("memory_mib", default=0),
        running_memory=Sum("memory_mib", filter=AWAKE, default=0),
    )  # fmt: skip
    by_node = {row["node"]: row for row in counted}
    return [_line(node, by_node.get(node.name, {})) for node in Node.objects.all()]


def storages() -> list[StorageLine]:
    """Storages that hold disks or images, by name."""
    found: dict[tuple[str, str], StorageLine] = {}
    rows = Storage.objects.select_related("node").filter(total_bytes__gt=0)
    for storage in rows.filter(Q(content__contains="images") | Q(content__contains="iso")):
        where = "shared" if storage.is_shared else storage.node.name
        line = StorageLine(storage.name, where, (storage.total_bytes or 0) // GIB, (storage.used_bytes or 0) // GIB)
        found.setdefault((storage.name, where), line)
    return list(found.values())


def spare(lines: list[NodeLine]) -> Spare | None:
    """What is left without the largest node that answers; None where there is no second one."""
    there = [line for line in lines if line.node.is_online and line.node.memory_mib]
    if len(there) < 2:
        return None
    largest = max(there, key=lambda line: line.node.memory_mib or 0)
    others = sum(line.node.memory_mib or 0 for line in there if line is not largest)
    return Spare(largest.node.name, others - sum(line.memory_running_mib for line in there))


def _line(node: Node, row: Mapping[str, Any]) -> NodeLine:
    names = ("machines", "awake", "all_cores", "running_cores", "all_memory", "running_memory")
    return NodeLine(node, *(row.get(name, 0) for name in names))
