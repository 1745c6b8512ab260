"""What the cluster is told and what it tells, in our words. Plain frozen facts; sizes carry their unit.

`vms/cluster/parse.py` makes the facts from Proxmox's answers; nothing beyond the gateway sees those answers. One
machine's settings are in `guest_types`, what is asked for in `wishes`; both are imported from here.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from vms.cluster.guest_types import CLIPBOARD, MARKER, DiskFacts, GuestConfig, NicFacts, Waiting
from vms.cluster.tls import TlsTrust
from vms.cluster.upid import Upid
from vms.cluster.wishes import GuestChanges, GuestRef, NewGuest, NicWish, TemplateRef

__all__ = [
    "CLIPBOARD", "MARKER", "ClusterReading", "ConsoleEndpoint", "DiskFacts", "GuestChanges", "GuestConfig",
    "GuestFacts", "GuestRef", "GuestStatus", "NewGuest", "NicFacts", "NicWish", "NodeFacts", "PoolFacts", "QuorumFacts",
    "SnapshotFacts", "StorageFacts", "TaskFacts", "TaskStatus", "TemplateRef", "TlsTrust", "Upid", "VersionFacts",
    "VolumeFacts", "Waiting",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """`release` such as "9.2", `version` such as "9.2.11"."""

    release: str
    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """For comparing: 8.10 is later than 8.9."""
        return tuple(int(part) for part in self.release.split(".") if part.isdecimal())


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A row of the cluster's list; the figures are None without the right to see them."""

    name: str
    status: str
    cores: int | None = None
    memory_bytes: int | None = None
    used_memory_bytes: int | None = None
    cpu_load: float | None = None

    @property
    def is_online(self) -> bool:
        """What the cluster's membership says, not whether its daemons answer."""
        return self.status == "online"


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """One storage as one node sees it; a shared one has a row for each node."""

    name: str
    node: str
    content: frozenset[str]
    is_shared: bool
    is_available: bool
    kind: str = ""
    used_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class GuestFacts:
    """A machine's row in the cluster's list; up to 14 s old.

    A new machine, and one on a node that is down, has status "unknown" and no name. `power` is one of running,
    stopped, paused, unknown. `poolid` empty is no information: the token may not be allowed to see it.
    `cores` is capped at the host's, `disk_bytes` is the boot disk alone: never count quotas by this row.
    """

    vmid: int
    node: str
    status: str
    power: str
    name: str = ""
    is_template: bool = False
    poolid: str = ""
    lock: str = ""
    tags: tuple[str, ...] = ()
    cores: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    used_memory_bytes: int | None = None
    uptime_s: int | None = None
    cpu_load: float | None = None


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """A Proxmox pool; nested ones have names such as "portal/alice"."""

    poolid: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ClusterReading:
    """The cluster's list, read in one request. `other_vmids` are slots taken by containers.

    Absence of a row means nothing by itself: nodes may be down, rights may have been narrowed.
    `quorate` is None where it was not asked for.
    """

    nodes: tuple[NodeFacts, ...] = ()
    storages: tuple[StorageFacts, ...] = ()
    guests: tuple[GuestFacts, ...] = ()
    pools: tuple[PoolFacts, ...] = ()
    other_vmids: frozenset[int] = frozenset()
    quorate: bool | None = None


@dataclass(frozen=True, slots=True)
class QuorumFacts:
    """Of the cluster's own status; a single node without a cluster counts as quorate."""

    quorate: bool
    online_nodes: tuple[str, ...]
    offline_nodes: tuple[str, ...] = ()
    cluster_name: str = ""


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """What one machine does right now, asked of its node. `status` is QEMU's own word, `power` ours."""

    vmid: int
    power: str
    status: str
    lock: str = ""
    uptime_s: int = 0
    name: str = ""
    is_ha_managed: bool = False


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A row of a task list. `exit_text` and `ended_at_s` are None while it runs."""

    upid: Upid
    ended_at_s: int | None = None
    exit_text: str | None = None

    @property
    def is_running(self) -> bool:
        """Whether it had not ended when it was listed."""
        return self.exit_text is None


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """`exit_text` is "OK", "WARNINGS: n" (also a success), or Proxmox's error sentence; None while running."""

    upid: Upid
    running: bool
    exit_text: str | None = None

    @property
    def ok(self) -> bool:
        """Only this means done."""
        return self.exit_text == "OK" or self.warnings

    @property
    def warnings(self) -> bool:
        """Done, and its log says more."""
        return (self.exit_text or "").startswith("WARNINGS")


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """One volume of a storage, such as an ISO image or a disk. `vmid` is the slot a disk belongs to."""

    volid: str
    content: str
    format: str = ""
    size_bytes: int | None = None
    vmid: int | None = None
    created_at_s: int | None = None

    @property
    def name(self) -> str:
        """The file's own name: "debian.iso" of "local:iso/debian.iso"."""
        return self.volid.partition(":")[2].rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """One snapshot. `with_memory`: the running state was saved too."""

    name: str
    parent: str = ""
    description: str = ""
    taken_at_s: int | None = None
    with_memory: bool = False


@dataclass(frozen=True, slots=True)
class ConsoleEndpoint:
    """Where one console waits: 10 s, one connection. Everything secret is kept out of its repr.

    Open `wss://host:port` + `target` with header `Authorization: authorization` and subprotocol "binary", TLS by
    `trust` (`trust.context()`, then `trust.check(der)` before sending). RFB password: `password`.
    """

    host: str
    port: int
    path: str
    trust: TlsTrust
    vnc_port: int
    ticket: str = field(repr=False)
    password: str = field(repr=False)
    authorization: str = field(repr=False)
    upid: Upid | None = None

    @property
    def target(self) -> str:
        """Path and query of the upgrade request; it holds the ticket, so it is never logged."""
        return f"{self.path}?port={self.vnc_port}&vncticket={quote(self.ticket, safe='')}"
