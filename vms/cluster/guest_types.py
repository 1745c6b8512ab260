"""What is set for one machine: its devices and options, in force and waiting."""

from dataclasses import dataclass


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
#: What a display that carries a clipboard to VNC has set (Proxmox 8.1).
CLIPBOARD = "clipboard=vnc"


@dataclass(frozen=True, slots=True)
class GuestConfig:
    """Everything set for a machine, with what waits for its next start.

    `uuid` (lower case) is the machine's identity. `cores` and `memory_mib` are in force now; the `pending_` ones are
    None where nothing waits. `disk_gib` sums what is counted, rounded up; slots whose size Proxmox did not write are
    in `unsized_slots` (their volumes' sizes come from the storage's list). `pending_keys` are Proxmox's option names,
    `waiting` has their values. Network devices, boot order, display and agent are as of the next start.
    `agent_others` and `display_others` are what else is set for them, as `name=value`; an edit keeps it.
    `has_clipboard`: the display carries a clipboard to the console, as of the next start; `has_clipboard_now`: already.
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
    has_clipboard_now: bool = False

    @property
    def notes(self) -> str:
        """The description without the portal's own lines."""
        return "\n".join(line for line in self.description.splitlines() if not line.startswith(MARKER)).strip()

    @property
    def markers(self) -> tuple[str, ...]:
        """The portal's own lines of the description."""
        return tuple(line for line in self.description.splitlines() if line.startswith(MARKER))

    @property
    def has_clipboard(self) -> bool:
        """Whether the display is to carry a clipboard to the console."""
        return CLIPBOARD in self.display_others

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
