"""A machine's settings in plain words: what is set, what waits. Proxmox's own names stay the keys. Plain Python."""

from collections.abc import Callable, Mapping

from vms.cluster.devices import DRIVE_SLOT, NIC_SLOT, YES, boot_order, drive, nic, properties
from vms.cluster.types import DiskFacts, GuestConfig, NicFacts
from vms.units import gib

NOTHING = "none"
KEPT = "not shown"

LABELS = {
    "name": "Name",
    "cores": "Cores",
    "sockets": "Processor sockets",
    "memory": "Memory",
    "balloon": "Least memory",
    "boot": "Boot order",
    "vga": "Display",
    "agent": "Guest agent",
    "onboot": "Start at boot",
    "protection": "Protection against deletion",
    "description": "Notes",
    "tags": "Tags",
    "cpu": "Processor type",
    "machine": "Machine type",
    "bios": "Firmware",
    "scsihw": "Disk controller",
    "ostype": "Kind of system",
    "ciuser": "Sign-in name",
    "cipassword": "Sign-in password",
    "sshkeys": "Sign-in keys",
    "ipconfig0": "Address of the first network card",
}
SECRET = frozenset({"cipassword", "sshkeys"})
FLAGS = frozenset({"onboot", "protection"})


def label(key: str) -> str:
    """What an option is called on a page: "Network card net0", "Memory"; Proxmox's own name where we have none."""
    if NIC_SLOT.fullmatch(key):
        return f"Network card {key}"
    if key.startswith("unused") and DRIVE_SLOT.fullmatch(key):
        return f"Detached disk {key}"
    if DRIVE_SLOT.fullmatch(key):
        return f"Disk or CD drive {key}"
    return LABELS.get(key, key)


def words(key: str, text: str) -> str:
    """An option's value on a page; "none" for an option that is not set."""
    if not text:
        return NOTHING
    if key in SECRET:
        return KEPT
    if NIC_SLOT.fullmatch(key):
        return of_nic(nic(key, text))
    if DRIVE_SLOT.fullmatch(key):
        return of_disk(drive(key, text))
    if key in FLAGS:
        return "yes" if text in YES else "no"
    return VALUES[key](text) if key in VALUES else text


def _memory(text: str) -> str:
    number = properties(text, "current").get("current", "")
    return f"{number} MiB" if number.isdecimal() else text


def _agent(text: str) -> str:
    return "on" if properties(text, "enabled").get("enabled", "") in YES else "off"


def _display(text: str) -> str:
    parts = properties(text, "type")
    return of_display(parts.get("type", ""), has_clipboard=parts.get("clipboard") == "vnc")


VALUES: Mapping[str, Callable[[str], str]] = {
    "memory": _memory,
    "agent": _agent,
    "vga": _display,
    "boot": lambda text: of_order(boot_order(text)),
    "tags": lambda text: text.replace(";", ", "),
}


def of_order(slots: tuple[str, ...]) -> str:
    """Devices in order."""
    return ", ".join(slots) or NOTHING


def of_display(kind: str, *, has_clipboard: bool) -> str:
    """A display by Proxmox's word."""
    return ", ".join([kind] * bool(kind) + ["with a clipboard"] * has_clipboard) or NOTHING


def of_nic(found: NicFacts) -> str:
    """A network card: its network, address and what is special about it."""
    parts = [f"{found.bridge or 'no network'}, {found.mac or 'address to be made'}"]
    parts += [f"VLAN {found.tag}"] if found.tag is not None else []
    parts += ["firewall on"] if found.has_firewall else []
    parts += ["unplugged"] if found.is_link_down else []
    return ", ".join(parts)


def of_disk(found: DiskFacts) -> str:
    """A disk by its size and storage, a CD drive by the ISO in it."""
    if found.is_cloud_init:
        return "cloud-init settings"
    if found.is_cdrom:
        return "CD drive, empty" if found.volume == "none" else f"CD drive, {iso_name(found.volume)}"
    size = f"{gib(found.size_bytes)} GiB" if found.size_bytes else "size not known"
    return f"{size} on {found.storage}" if found.storage else size


def iso_name(volume: str) -> str:
    """The file's own name: "debian.iso" of "local:iso/debian.iso"."""
    return volume.partition(":")[2].rpartition("/")[2] or volume


def waiting(config: GuestConfig) -> list[dict[str, str]]:
    """What waits for the next start: key, label, and in words what is in force now and what will be later."""
    return [
        {
            "key": each.key,
            "label": label(each.key),
            "now": words(each.key, each.now),
            "later": words(each.key, each.later) if each.later else "removed",
        }
        for each in config.waiting
    ]


def told(config: GuestConfig) -> dict[str, str]:
    """Everything that is set, by Proxmox's option names, as it will be with the next start; two can be compared."""
    found = {
        "name": config.name,
        "cores": str(config.pending_cores or config.cores),
        "memory": f"{config.pending_memory_mib or config.memory_mib} MiB",
        "boot": of_order(config.boot_order),
        "vga": of_display(config.display, has_clipboard=config.has_clipboard),
        "agent": "on" if config.has_agent else "off",
        "onboot": "yes" if config.start_at_boot else "no",
        "protection": "yes" if config.is_protected else "no",
        "description": config.notes or NOTHING,
        "tags": ", ".join(config.tags) or NOTHING,
    }
    disks = {
        disk.slot: of_disk(disk) for disk in sorted(config.disks, key=lambda d: d.is_pending) if not disk.is_leaving
    }
    return found | disks | {card.slot: of_nic(card) for card in config.nics if not card.is_leaving}
