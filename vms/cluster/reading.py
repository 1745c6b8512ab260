"""What the gateway asks: lists, settings, tasks, rights. Nothing here changes anything."""

import threading
import time

from vms.cluster import parse
from vms.cluster.errors import AlreadyExists, Malformed, Unreachable
from vms.cluster.line import Line
from vms.cluster.types import (
    ClusterReading,
    GuestConfig,
    GuestStatus,
    PoolFacts,
    QuorumFacts,
    SnapshotFacts,
    TaskFacts,
    TaskStatus,
    Upid,
    VersionFacts,
    VolumeFacts,
)

RIGHTS_LAST_S = 600
MOST_TASKS = 500


class Reads:
    """Calls that may be repeated. All raise Unreachable or Denied; those of one machine also NoSuchGuest."""

    line: Line

    def __init__(self) -> None:
        self._rights_lock = threading.Lock()
        self._lists_tasks: tuple[float, bool] | None = None

    def version(self) -> VersionFacts:
        """The release of the host that answered; any token may ask."""
        row = parse.mapping(self.line.get("version"))
        return VersionFacts(str(row.get("release", "")), str(row.get("version", "")))

    def read(self, *, with_quorum: bool = False) -> ClusterReading:
        """Nodes, storages, machines and pools in one request; one more `with_quorum`."""
        found = parse.reading(self.line.get("cluster", "resources"))
        if not with_quorum:
            return found
        return ClusterReading(
            found.nodes, found.storages, found.guests, found.pools, found.other_vmids, self.cluster_status().quorate
        )

    def cluster_status(self) -> QuorumFacts:
        """Quorum and membership; needs Sys.Audit on /."""
        return parse.quorum(self.line.get("cluster", "status"))

    def permissions(self, path: str | None = None) -> dict[str, frozenset[str]]:
        """What the token may do: path to privileges; of one path, with what it inherits, or of all that have a rule."""
        return parse.permissions(self.line.get("access", "permissions", path=path))

    def recent_tasks(self, nodes: tuple[str, ...], since_s: int) -> tuple[TaskFacts, ...]:
        """Running tasks, and those begun since then (seconds since 1970), newest first.

        One request for the whole cluster; that list is empty for a token without Sys.Audit on /, so then one for each
        of `nodes`, which shows the token its own. A node that does not answer is left out.
        """
        if self._may_list_tasks():
            found = parse.task_rows(self.line.get("cluster", "tasks"))
        else:
            found = tuple(task for node in nodes for task in self._node_tasks(node, since_s))
        wanted = (task for task in found if task.is_running or task.upid.started_at_s >= since_s)
        return tuple(sorted(wanted, key=lambda task: task.upid.started_at_s, reverse=True))

    def node_tasks(self, node: str, since_s: int, vmid: int | None = None) -> tuple[TaskFacts, ...]:
        """One node's tasks, running and ended, begun since then; of one machine where `vmid` is given."""
        answer = self.line.get("nodes", node, "tasks", source="all", since=since_s, limit=MOST_TASKS, vmid=vmid)
        return parse.task_rows(answer)

    def _node_tasks(self, node: str, since_s: int) -> tuple[TaskFacts, ...]:
        try:
            return self.node_tasks(node, since_s)
        except Malformed:
            raise
        except Unreachable:
            return ()

    def _may_list_tasks(self) -> bool:
        with self._rights_lock:
            known = self._lists_tasks
            if known is not None and time.monotonic() - known[0] < RIGHTS_LAST_S:
                return known[1]
            allowed = "Sys.Audit" in self.permissions().get("/", frozenset())
            self._lists_tasks = time.monotonic(), allowed
            return allowed

    def guest_config(self, node: str, vmid: int) -> GuestConfig:
        """Everything set for a machine, in force and waiting, in one request."""
        return parse.guest_config(node, vmid, self.line.get("nodes", node, "qemu", vmid, "pending"))

    def guest_status(self, node: str, vmid: int) -> GuestStatus:
        """What the machine does now. It asks QEMU and costs ten times a `guest_config`: not for all of them."""
        return parse.guest_status(vmid, self.line.get("nodes", node, "qemu", vmid, "status", "current"))

    def snapshots(self, node: str, vmid: int) -> tuple[SnapshotFacts, ...]:
        """A machine's snapshots."""
        return parse.snapshots(self.line.get("nodes", node, "qemu", vmid, "snapshot"))

    def snapshot_config(self, node: str, vmid: int, name: str) -> GuestConfig:
        """The settings that were kept with a snapshot; Refused where there is none of that name."""
        kept = parse.mapping(self.line.get("nodes", node, "qemu", vmid, "snapshot", name, "config"))
        return parse.guest_config(node, vmid, [{"key": key, "value": value} for key, value in kept.items()])

    def slot_is_taken(self, vmid: int) -> bool:
        """Whether any machine of the cluster sits in this slot, also one the token may not see; any token may ask."""
        try:
            self.line.get("cluster", "nextid", vmid=vmid)
        except AlreadyExists:
            return True
        return False

    def volumes(self, node: str, storage: str, content: str) -> tuple[VolumeFacts, ...]:
        """A storage's volumes of one kind (iso, images, …) as that node sees them; slow on network storage."""
        return parse.volumes(self.line.get("nodes", node, "storage", storage, "content", content=content))

    def bridges(self, node: str) -> tuple[str, ...]:
        """Bridges and virtual networks that the token may use there."""
        answer = self.line.get("nodes", node, "network", type="any_bridge")
        return tuple(str(row["iface"]) for row in parse.rows(answer) if row.get("iface"))

    def task_status(self, upid: Upid) -> TaskStatus:
        """Whether it runs, and how it ended; NoSuchTask when its record is gone."""
        return parse.task_status(upid, self.line.get("nodes", upid.node, "tasks", str(upid), "status"))

    def task_log(self, upid: Upid, start: int = 0, limit: int = 50) -> tuple[str, ...]:
        """Lines of its log; none when it is gone."""
        answer = self.line.get("nodes", upid.node, "tasks", str(upid), "log", start=start, limit=limit)
        return parse.task_log(answer)

    def pools(self) -> tuple[PoolFacts, ...]:
        """The pools the token may see."""
        return parse.pools(self.line.get("pools"))

    def pool_members(self, poolid: str) -> frozenset[int]:
        """The slots of a pool's machines, as of now; NotBound where there is no such pool."""
        return parse.pool_members(poolid, self.line.get("pools", poolid=poolid, type="qemu"))
