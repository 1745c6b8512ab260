"""Every change of a machine that a page offers: its form, its words, the operation it asks for, where it leads back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vms import operations
from vms import parts as of
from vms.change_form import ChangeForm
from vms.device_forms import IsoForm, MountForm, NicForm, SetNicForm
from vms.hardware_forms import (
    AddDiskForm,
    AgentForm,
    AutostartForm,
    BootOrderForm,
    DeviceForm,
    DisplayForm,
    GrowDiskForm,
    ResizeForm,
    UndoForm,
)
from vms.models import Operation, VirtualMachine
from vms.settings_forms import NotesForm, RenameForm, TagsForm
from vms.states import Action

Listed = Callable[[VirtualMachine], list[of.Part]]


@dataclass(frozen=True)
class Page:
    """One change. `title` and `button` may name the device by {device}; `intro` says what it means and what is lost.

    `devices` lists the parts it can be about; None where it is about the whole machine. `tab` is where it is found.
    """

    form: type[ChangeForm]
    title: str
    button: str
    request: Callable[..., Operation]
    intro: str = ""
    devices: Listed | None = None
    tab: str = "hardware"
    is_loss: bool = False
    shows_room: bool = False
    template: str = "vms/change.html"

    def device(self, vm: VirtualMachine, slot: str) -> of.Part | None:
        """The part in this slot if this change can be about it."""
        found = self.devices(vm) if self.devices else []
        return next((each for each in found if each.slot == slot and not each.is_fixed), None)


PAGES: dict[Action, Page] = {
    Action.RESIZE: Page(
        ResizeForm, "CPU and memory", "Save", operations.request_resize,
        "A running VM takes it with its next shut down and start; the limits count it at once.",
        shows_room=True, template="vms/change_size.html",
    ),
    Action.ADD_DISK: Page(
        AddDiskForm, "Add a disk", "Add disk", operations.request_add_disk,
        "An empty disk. The guest has to partition, format and mount it.", shows_room=True,
    ),
    Action.GROW_DISK: Page(
        GrowDiskForm, "Grow {device}", "Grow disk", operations.request_grow_disk,
        "It has no way back. The guest then has to grow its partition and file system; "
        "systems from a cloud image do that with their next start.",
        devices=of.disks, shows_room=True,
    ),
    Action.DETACH_DISK: Page(
        DeviceForm, "Detach {device}?", "Detach disk", operations.request_detach_disk,
        "The guest loses it. Nothing on it is lost: it stays here as a detached disk and counts until it is deleted. "
        "Attaching it again takes an RTP.",
        devices=of.disks, is_loss=True,
    ),
    Action.DROP_DISK: Page(
        DeviceForm, "Delete {device}?", "Delete disk", operations.request_drop_disk,
        "Everything on it is lost. There is no way back. The room becomes free at once.",
        devices=of.detached, is_loss=True,
    ),
    Action.ADD_NIC: Page(NicForm, "Add a network card", "Add network card", operations.request_add_nic),
    Action.SET_NIC: Page(
        SetNicForm, "Change {device}", "Save", operations.request_set_nic,
        "Its hardware address stays as it is.", devices=of.nics,
    ),
    Action.DROP_NIC: Page(
        DeviceForm, "Remove {device}?", "Remove network card", operations.request_drop_nic,
        "The guest loses its connection over it, and its hardware address is gone.", devices=of.nics, is_loss=True,
    ),
    Action.ADD_DRIVE: Page(
        IsoForm, "Add a CD drive", "Add CD drive", operations.request_add_drive,
        "A running VM gets it with its next shut down and start.",
    ),
    Action.DROP_DRIVE: Page(
        DeviceForm, "Remove {device}?", "Remove CD drive", operations.request_drop_drive,
        "The ISO in it stays where it is. A running VM loses the drive with its next shut down and start.",
        devices=of.drives, is_loss=True,
    ),
    Action.MOUNT: Page(
        MountForm, "Insert an ISO into {device}", "Insert ISO", operations.request_mount, devices=of.drives
    ),
    Action.EJECT: Page(
        DeviceForm, "Eject the ISO of {device}?", "Eject ISO", operations.request_eject,
        "A guest that is reading from it may stop.", devices=of.drives, is_loss=True,
    ),
    Action.BOOT_ORDER: Page(
        BootOrderForm, "Boot order", "Save order", operations.request_boot_order,
        "It starts from the first one that has something to start. It holds from the next shut down and start on.",
        template="vms/change_boot.html",
    ),
    Action.DISPLAY: Page(
        DisplayForm, "Display", "Save", operations.request_display,
        "What kind of screen the guest sees. A running VM takes it with its next shut down and start.",
    ),
    Action.AGENT: Page(AgentForm, "Guest agent", "Save", operations.request_agent),
    Action.AUTOSTART: Page(AutostartForm, "Start at boot", "Save", operations.request_autostart),
    Action.UNDO: Page(UndoForm, "Undo", "Undo", operations.request_undo),
    Action.RENAME: Page(RenameForm, "Rename", "Rename", operations.request_rename, tab="settings"),
    Action.NOTES: Page(NotesForm, "Notes", "Save notes", operations.request_notes, tab="settings"),
    Action.TAGS: Page(TagsForm, "Tags", "Save tags", operations.request_tags, tab="settings"),
}  # fmt: skip


def page_for(name: str) -> tuple[Action, Page] | None:
    """The change of this name, if pages offer it."""
    found = next((action for action in PAGES if action == name), None)
    return (found, PAGES[found]) if found else None


def title(page: Page, form: ChangeForm) -> str:
    """With the device it is about."""
    return page.title.format(device=form.device.title if form.device else "")


def arguments(form: ChangeForm) -> dict[str, Any]:
    """What the operation is asked with, beside who asks."""
    return form.asked() | {"digest": form.cleaned_data["digest"]}
