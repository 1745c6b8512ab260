"""What the cluster is told and what it tells, in our words. Plain frozen facts; sizes carry their unit.

`vms/cluster/parse.py` makes the facts from Proxmox's answers; nothing beyond the gateway sees those answers.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from vms.cluster.tls import TlsTrust
from vms.cluster.upid import Upid

__all__ = [
    "ClusterReading", "ConsoleEndpoint", "DiskFacts", "GuestChanges", "GuestConfig", "GuestFacts", "GuestRef",
    "GuestStatus", "NewGuest", "NicFacts", "NicWish", "NodeFacts", "PoolFacts", "QuorumFacts", "SnapshotFacts",
    "StorageFacts", "TaskFacts", "TaskStatus", "TemplateRef", "TlsTrust", "Upid", "VersionFacts", "VolumeFacts",
    "Waiting",
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
class DiskFacts:
    """One drive of a machine. `size_bytes` is None where Proxmox does not write it (detached volumes).

    Counted for the quota are all but CD-ROMs and cloud-init drives. `is_pending`: it, or its size, is not in force yet.
    `is_leaving`: it is still there and goes with the next start.
    """

    slot: str
    volume: str
    storage: str = ""
    size_bytes: int | None = None
    is_cdrom: bool = False
    is_cloud_init: bool = False
    is_unused: bool = False
    is_pending: bool = False
    is_leaving: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether it takes room that the quota counts."""
        return not (self.is_cdrom or self.is_cloud_init)


@dataclass(frozen=True, slots=True)
class NicFacts:
    """One network device. `mac` upper case; `tag` is the VLAN.

    `is_pending`: it is not in force like this yet. `is_leaving`: it is still there and goes with the next start.
    `others`: what else is set for it, as `name=value`; an edit keeps it.
    """

    slot: str
    model: str
    mac: str = ""
    bridge: str = ""
    tag: int | None = None
    has_firewall: bool = False
    is_link_down: bool = False
    is_pending: bool = False
    is_leaving: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An option whose change waits for the next start, in Proxmox's words; empty `later`: it will be removed."""

    key: str
    now: str
    later: str


#: Line in a description by which the portal finds a machine it made; people never see it.
MARKER = "vmportal:"


@dataclass(frozen=True, slots=True)
class GuestConfig:
    """Everything set for a machine, with what waits for its next start.

    `uuid` (lower case) is the machine's identity. `cores` and `memory_mib` are in force now; the `pending_` ones are
    None where nothing waits. `disk_gib` sums what is counted, rounded up; slots whose size Proxmox did not write are
    in `unsized_slots` (their volumes' sizes come from the storage's list). `pending_keys` are Proxmox's option names,
    `waiting` has their values. Network devices, boot order, display and agent are as of the next start.
    `agent_others` and `display_others` are what else is set for them, as `name=value`; an edit keeps it.
    """

    node: str
    vmid: int
    uuid: str
    digest: str
    name: str
    cores: int
    memory_mib: int
    pending_cores: int | None = None
    pending_memory_mib: int | None = None
    disks: tuple[DiskFacts, ...] = ()
    disk_gib: int = 0
    unsized_slots: tuple[str, ...] = ()
    nics: tuple[NicFacts, ...] = ()
    boot_order: tuple[str, ...] = ()
    start_at_boot: bool = False
    has_agent: bool = False
    is_template: bool = False
    is_protected: bool = False
    has_cloud_init: bool = False
    cloud_init_user: str = ""
    ssh_keys: tuple[str, ...] = ()
    ipconfig: str = ""
    lock: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    display: str = ""
    snapshot_parent: str = ""
    created_at_s: int | None = None
    pending_keys: frozenset[str] = frozenset()
    waiting: tuple[Waiting, ...] = ()
    agent_others: tuple[str, ...] = ()
    display_others: tuple[str, ...] = ()

    @property
    def notes(self) -> str:
        """The description without the portal's own lines."""
        return "\n".join(line for line in self.description.splitlines() if not line.startswith(MARKER)).strip()

    @property
    def markers(self) -> tuple[str, ...]:
        """The portal's own lines of the description."""
        return tuple(line for line in self.description.splitlines() if line.startswith(MARKER))

    @property
    def taken_slots(self) -> frozenset[str]:
        """Slots with a drive in them, now or with the next start."""
        return self.pending_keys | {disk.slot for disk in self.disks}

    @property
    def most_cores(self) -> int:
        """What counts: the larger of what is in force and what waits."""
        return max(self.cores, self.pending_cores or 0)

    @property
    def most_memory_mib(self) -> int:
        """Like `most_cores`."""
        return max(self.memory_mib, self.pending_memory_mib or 0)


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
class GuestRef:
    """Which machine is meant by a call that changes or shows it.

    `uuid` is the machine's smbios uuid; `poolid` the Proxmox pool that a row binds. The gateway compares both with
    what Proxmox shows before it sends anything.
    """

    node: str
    vmid: int
    uuid: str
    poolid: str


@dataclass(frozen=True, slots=True)
class TemplateRef:
    """The template a clone is made from; it is only read, so it needs no bound pool. Empty `uuid`: not compared."""

    node: str
    vmid: int
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class NewGuest:
    """A machine to be made around an empty disk and an ISO image. `iso` is a volid, empty for no medium."""

    node: str
    vmid: int
    uuid: str
    name: str
    poolid: str
    cores: int
    memory_mib: int
    disk_gib: int
    storage: str
    bridge: str
    iso: str = ""
    description: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class NicWish:
    """A network device as it is to be. Empty `mac` for one that exists: it keeps its own, and its model and VLAN too.

    One that does not exist yet becomes a virtio device.
    """

    slot: str
    bridge: str
    mac: str = ""
    has_firewall: bool = False
    is_link_down: bool = False


@dataclass(frozen=True, slots=True)
class GuestChanges:
    """Settings to change; None leaves one as it is. `cdrom` is (slot, volid), an empty volid empties the drive.

    `forget` names pending changes to take back, as Proxmox calls the options. `notes` is the description people read:
    the portal's own line in it stays. `remove` names slots: a disk becomes an unused one, an unused one is deleted.
    `add_disk` is (free slot, storage, size in GiB) of a new, empty disk.
    """

    name: str | None = None
    cores: int | None = None
    memory_mib: int | None = None
    start_at_boot: bool | None = None
    description: str | None = None
    boot_order: tuple[str, ...] | None = None
    cdrom: tuple[str, str] | None = None
    forget: tuple[str, ...] = ()
    notes: str | None = None
    tags: tuple[str, ...] | None = None
    display: str | None = None
    has_agent: bool | None = None
    nic: NicWish | None = None
    remove: tuple[str, ...] = ()
    add_disk: tuple[str, str, int] | None = None


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
