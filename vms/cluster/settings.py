"""Changes of settings as Proxmox's options. Every value is a checked word: none can begin another option."""

from collections.abc import Iterable

from vms.cluster.devices import BOOTABLE, DATA_SLOT, DRIVE_SLOT, NIC_SLOT
from vms.cluster.errors import Refused
from vms.cluster.guard import BRIDGE, DISPLAY, MAC, OPTION, STORAGE, TAG, VOLID, require_words
from vms.cluster.line import Value
from vms.cluster.types import CLIPBOARD, GuestChanges, GuestConfig, NicFacts, NicWish

Options = dict[str, Value]


def keeps_something(changes: GuestChanges) -> bool:
    """Whether part of what is set now is sent again, so that it must not have changed since it was read."""
    keeps = (changes.notes, changes.nic, changes.has_agent, changes.display, changes.add_disk)
    return any(each is not None for each in keeps)


def options(changes: GuestChanges, config: GuestConfig) -> Options:
    """Proxmox's names; what is None is left out. Refused names the field whose value is no accepted word."""
    wanted = _plain(changes) | _described(changes, config) | _devices(changes, config)
    wanted["delete"] = ",".join([*_removed(changes, config), *_emptied(wanted, config)]) or None
    wanted["revert"] = ",".join(_each(changes.forget, revert=OPTION)) or None
    return {name: value for name, value in wanted.items() if value is not None and value != ""}


def _plain(changes: GuestChanges) -> Options:
    return {
        "name": changes.name or None,
        "cores": changes.cores,
        "sockets": 1 if changes.cores is not None else None,  # else a template's sockets would multiply them
        "memory": str(changes.memory_mib) if changes.memory_mib is not None else None,
        "onboot": changes.start_at_boot,
    }


def _described(changes: GuestChanges, config: GuestConfig) -> Options:
    """Notes, tags and the rest of what is told of a machine. Empty text is a wish to have none."""
    found: Options = {"description": changes.description}
    if changes.notes is not None:
        found["description"] = "\n".join([*config.markers, changes.notes]).strip()
    if changes.tags is not None:
        found["tags"] = ";".join(_each(changes.tags, tags=TAG))
    return {name: value for name, value in found.items() if value is not None}


def _devices(changes: GuestChanges, config: GuestConfig) -> Options:
    found: Options = {}
    if changes.boot_order is not None:
        found["boot"] = f"order={';'.join(_each(changes.boot_order, boot=BOOTABLE))}"
    if changes.display is not None:
        found["vga"] = _display(changes.display, changes.has_clipboard, config)
    if changes.has_agent is not None:
        found["agent"] = ",".join([f"enabled={int(changes.has_agent)}", *config.agent_others])
    if changes.cdrom is not None:
        slot, volid = changes.cdrom
        require_words(slot=(slot, DRIVE_SLOT), cdrom=(volid or "a:b", VOLID))
        _require_cdrom(slot, config)
        found[slot] = f"{volid or 'none'},media=cdrom"
    if changes.nic is not None:
        found[changes.nic.slot] = _nic(changes.nic, config)
    if changes.add_disk is not None:
        found[changes.add_disk[0]] = _new_disk(*changes.add_disk, config)
    return found


def _display(display: str, has_clipboard: bool | None, config: GuestConfig) -> str:
    """What else an admin set for it, such as its memory, stays."""
    require_words(vga=(display, DISPLAY))
    wanted = config.has_clipboard if has_clipboard is None else has_clipboard
    others = [each for each in config.display_others if each != CLIPBOARD]
    return ",".join([f"type={display}", *others, *([CLIPBOARD] if wanted else [])])


def _new_disk(slot: str, storage: str, size_gib: int, config: GuestConfig) -> str:
    """Only into a slot where nothing is and nothing waits: what is there would be detached."""
    require_words(slot=(slot, DATA_SLOT), storage=(storage, STORAGE))
    if slot in config.taken_slots:
        raise Refused(f"{slot} is in use.", {slot: "is in use"})
    return f"{storage}:{size_gib},discard=on"


def _require_cdrom(slot: str, config: GuestConfig) -> None:
    """A slot with a disk in it is no drive: a medium set there would detach the disk."""
    held = [disk for disk in config.disks if disk.slot == slot]
    if any(not disk.is_cdrom or disk.is_cloud_init for disk in held):
        raise Refused(f"{slot} is no CD drive.", {slot: "is no CD drive"})


def _nic(wish: NicWish, config: GuestConfig) -> str:
    """One that is there keeps its address, model, VLAN and whatever else is set for it."""
    require_words(slot=(wish.slot, NIC_SLOT), bridge=(wish.bridge, BRIDGE))
    require_words(mac=(wish.mac or "00:00:00:00:00:00", MAC))
    held = next((nic for nic in config.nics if nic.slot == wish.slot), NicFacts(wish.slot, "virtio"))
    mac = wish.mac or held.mac
    parts = [f"{held.model or 'virtio'}{'=' + mac if mac else ''}", f"bridge={wish.bridge}", *held.others]
    parts += [f"tag={held.tag}"] if held.tag is not None else []
    parts += ["firewall=1"] if wish.has_firewall else []
    parts += ["link_down=1"] if wish.is_link_down else []
    return ",".join(parts)


def _removed(changes: GuestChanges, config: GuestConfig) -> list[str]:
    there = {disk.slot for disk in config.disks} | {nic.slot for nic in config.nics}
    for slot in changes.remove:
        if not (DRIVE_SLOT.fullmatch(slot) or NIC_SLOT.fullmatch(slot)) or slot not in there:
            raise Refused(f"{slot!r} is no device of it.", {"delete": "is no device of it"})
    return list(changes.remove)


def _emptied(wanted: Options, config: GuestConfig) -> list[str]:
    """Proxmox deletes what is to be empty, where there is something."""
    held = {"description": config.description, "tags": config.tags}
    return [name for name, now in held.items() if wanted.get(name) == "" and now]


def _each(words: Iterable[str], **accepted: object) -> list[str]:
    (name, pattern), *_ = accepted.items()
    found = list(words)
    for word in found:
        require_words(**{name: (word, pattern)})  # type: ignore[arg-type]  # one pattern, by its option's name
    return found


__all__ = ["keeps_something", "options"]
