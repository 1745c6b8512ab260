"""What the cluster is asked for: which machine is meant, and how one is to be."""

from dataclasses import dataclass


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
    `has_clipboard` goes with `display`: whether the console gets the guest's clipboard; None keeps it.
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
    has_clipboard: bool | None = None
    has_agent: bool | None = None
    nic: NicWish | None = None
    remove: tuple[str, ...] = ()
    add_disk: tuple[str, str, int] | None = None
