"""Options that need no device: display, guest agent, name, notes, tags."""

import re
from collections.abc import Iterable
from typing import Any, Unpack

from vms.cluster import Cluster
from vms.cluster.errors import NoSuchGuest, WrongMachine
from vms.cluster.types import GuestChanges, GuestConfig
from vms.models import Operation, VirtualMachine
from vms.operations import ends, finding
from vms.operations.errors import Refusal
from vms.operations.hardware import Setting, SettingVerb, Who, ask
from vms.operations.names import checked_name, refuse_taken_name
from vms.operations.steps import Broken
from vms.states import OperationKind

#: Proxmox's word and ours. Displays that would leave the console black are not offered.
DISPLAYS = {
    "std": "Standard (VGA)",
    "virtio": "VirtIO (for newer Linux)",
    "qxl": "QXL (SPICE)",
    "vmware": "VMware compatible",
    "cirrus": "Cirrus (very old systems)",
}
DEFAULT_DISPLAY = "std"
MOST_NOTES = 8_000
MOST_TAGS = 20
MOST_TAG = 40
TAG = re.compile(r"[a-z0-9_][a-z0-9_+.-]*")
#: What no text file has; a line break is the only control character people mean.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Display(Setting):
    """Which graphics card the guest sees."""

    label = "Change the display"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Proxmox's option."""
        return ("vga",)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """Nothing set means the standard one."""
        same = op.wish.get("has_clipboard", config.has_clipboard) == config.has_clipboard
        return same and (config.display or DEFAULT_DISPLAY) == str(op.wish["display"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """The type, and whether it has a clipboard; what else is set for it stays."""
        return GuestChanges(display=op.wish["display"], has_clipboard=op.wish.get("has_clipboard"))

    def told(self, op: Operation) -> str:
        """Which one."""
        clipboard = {True: ", with a clipboard", False: ", without a clipboard"}.get(op.wish.get("has_clipboard"), "")
        return f"The display of {op.vm.name} is {DISPLAYS[op.wish['display']]}{clipboard}."


class Agent(Setting):
    """Whether Proxmox talks to the guest agent."""

    label = "Change the guest agent"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Proxmox's option."""
        return ("agent",)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """On or off."""
        return config.has_agent == bool(op.wish["on"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """The switch alone."""
        return GuestChanges(has_agent=op.wish["on"])

    def told(self, op: Operation) -> str:
        """On or off."""
        return f"{op.vm.name} {'is asked' if op.wish['on'] else 'is no longer asked'} through its guest agent."


class Rename(Setting):
    """The name in Proxmox; the row follows in the end's transaction."""

    label = "Change the name"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Proxmox's option."""
        return ("name",)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """The same name."""
        return config.name == str(op.wish["name"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """The name alone."""
        return GuestChanges(name=op.wish["name"])

    def told(self, op: Operation) -> str:
        """Old and new."""
        return f"{op.wish['was']} is now called {op.wish['name']}."


class Notes(Setting):
    """What people write about it; the portal's own line in Proxmox's description stays."""

    label = "Change the notes"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Proxmox's option."""
        return ("description",)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """The same text; blanks at its ends do not count."""
        return config.notes == str(op.wish["notes"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """The text alone."""
        return GuestChanges(notes=op.wish["notes"])

    def told(self, op: Operation) -> str:
        """That they were."""
        return f"The notes of {op.vm.name} were changed."


class Tags(Setting):
    """Words to sort by."""

    label = "Change the tags"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """Proxmox's option."""
        return ("tags",)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """The same ones, in any order."""
        return set(config.tags) == set(op.wish["tags"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """All of them."""
        return GuestChanges(tags=tuple(op.wish["tags"]))

    def told(self, op: Operation) -> str:
        """Which ones."""
        tags = ", ".join(op.wish["tags"])
        return f"{op.vm.name} has the tags {tags}." if tags else f"{op.vm.name} has no tags."


class RenameVerb(SettingVerb):
    """Both names in one moment: nobody can take the old one before the row has the new one."""

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """The row takes the name together with the facts."""

        def renamed(_now: Any) -> None:
            VirtualMachine.objects.filter(pk=op.vm_id).update(name=op.wish["name"])

        try:
            facts: ends.Facts | None = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine):
            facts = None
        ends.succeed(op, self.edit.told(op), facts, also=renamed)


OPTIONS = {
    OperationKind.DISPLAY: SettingVerb(OperationKind.DISPLAY, Display()),
    OperationKind.AGENT: SettingVerb(OperationKind.AGENT, Agent()),
    OperationKind.RENAME: RenameVerb(OperationKind.RENAME, Rename()),
    OperationKind.NOTES: SettingVerb(OperationKind.NOTES, Notes()),
    OperationKind.TAGS: SettingVerb(OperationKind.TAGS, Tags()),
}


def request_display(
    vm: VirtualMachine, *, display: str, has_clipboard: bool | None = None, digest: str = "", **who: Unpack[Who]
) -> Operation:
    """Asks for another display, one of DISPLAYS, with a clipboard for the console or not; None keeps it as it is.

    Fields: display.
    """

    def plan(_fresh: VirtualMachine) -> dict[str, Any]:
        if display not in DISPLAYS:
            raise Refusal(f"Choose one of these displays: {', '.join(DISPLAYS.values())}.", "display")
        return {"display": display} | ({} if has_clipboard is None else {"has_clipboard": bool(has_clipboard)})

    return ask(vm, OPTIONS[OperationKind.DISPLAY], plan, digest, who)


def request_agent(vm: VirtualMachine, *, on: bool, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for the guest agent to be used or not."""
    return ask(vm, OPTIONS[OperationKind.AGENT], lambda _fresh: {"on": bool(on)}, digest, who)


def request_rename(vm: VirtualMachine, *, name: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for another name, free in the pool. Until it holds, both names are taken. Fields: name."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        wanted = checked_name(name)
        if wanted == fresh.name:
            raise Refusal("It is called that already.", "name")
        if fresh.pool is not None:
            refuse_taken_name(fresh.pool, wanted)
        return {"name": wanted, "was": fresh.name}

    return ask(vm, OPTIONS[OperationKind.RENAME], plan, digest, who)


def request_notes(vm: VirtualMachine, *, text: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for other notes: Markdown, at most MOST_NOTES characters, shown without anything that runs. Fields: text."""
    notes = checked_notes(text)
    return ask(vm, OPTIONS[OperationKind.NOTES], lambda _fresh: {"notes": notes}, digest, who)


def checked_notes(text: str) -> str:
    """The text as Proxmox keeps it. Raises Refusal."""
    notes = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    if len(notes) > MOST_NOTES:
        raise Refusal(f"Notes have at most {MOST_NOTES:,} characters; these have {len(notes):,}.", "text")
    if CONTROL.search(notes):
        raise Refusal("Notes are plain text; these have control characters.", "text")
    if any(line.startswith("vmportal:") for line in notes.split("\n")):
        raise Refusal("A line that begins with vmportal: is the portal's own. Begin it with another word.", "text")
    return notes


def request_tags(vm: VirtualMachine, *, tags: Iterable[str], digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for other tags, at most MOST_TAGS. Fields: tags."""
    wanted = checked_tags(tags)
    return ask(vm, OPTIONS[OperationKind.TAGS], lambda _fresh: {"tags": wanted}, digest, who)


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Lower case, each once, sorted as Proxmox does. Raises Refusal."""
    found = sorted({tag.strip().lower() for tag in tags} - {""})
    for tag in found:
        if len(tag) > MOST_TAG:
            raise Refusal(f"A tag has at most {MOST_TAG} characters.", "tags")
        if not TAG.fullmatch(tag):
            raise Refusal(
                f"{tag[:MOST_TAG]} cannot be a tag: use a–z, 0–9 and _ + . - without blanks or commas.", "tags"
            )
    if len(found) > MOST_TAGS:
        raise Refusal(f"One VM has at most {MOST_TAGS} tags.", "tags")
    return found
