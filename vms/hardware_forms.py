"""Forms that change a machine's hardware. They read, they never act."""

from dataclasses import replace
from typing import Any

from django import forms
from django.conf import settings

from quotas.footprint import Footprint
from quotas.limits import limit_of
from vms import parts
from vms.change_form import ChangeForm, choice_field
from vms.operations.options import DEFAULT_DISPLAY, DISPLAYS
from vms.placement import disk_storages
from vms.size_fields import EXACT, SizeFields, disk, gib_of
from vms.sizes import PRESETS, Offer, why_not
from vms.usage import Shape, shape_of


class DeviceForm(ChangeForm):
    """About one device; saying yes is all."""

    of_device = True


class ResizeForm(ChangeForm, SizeFields):
    """Cores and memory."""

    def now(self) -> dict[str, Any]:
        """As of the next start, because that is what a new wish would replace."""
        cores_now, memory_now = self.vm.pending_cores or self.vm.cores, self.vm.pending_memory_mib or self.vm.memory_mib
        fitting = [each.key for each in PRESETS if (each.cores, each.memory_mib) == (cores_now, memory_now)]
        size = fitting[0] if fitting else EXACT
        return {"size": size, "cores": cores_now, "memory_gib": gib_of(memory_now)}

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Exact numbers, whichever way they were chosen."""
        if "cores" not in wish or "memory_mib" not in wish:
            return {}
        return {"size": EXACT, "cores": wish["cores"], "memory_gib": gib_of(wish["memory_mib"])}

    def clean(self) -> dict[str, Any]:
        """A preset or both numbers."""
        cleaned = super().clean() or {}
        self.require_numbers(cleaned, "cores", "memory_gib")
        return cleaned

    def asked(self) -> dict[str, Any]:
        """In the operation's words."""
        return {"cores": self.chosen_cores, "memory_mib": self.chosen_memory_mib}

    def own_fields(self) -> list[str]:
        """The numbers; the preset is only a way to say them."""
        return ["cores", "memory_gib"]

    def adds(self) -> Footprint:
        """The difference, by the same rule as the operation."""
        return self.difference(self.chosen_cores, self.chosen_memory_mib)

    def difference(self, cores_count: int, memory_mib: int) -> Footprint:
        """What this size takes more than the machine does now; of a machine that is off, nothing yet."""
        before = shape_of(self.vm)
        after = replace(before, cores=max(cores_count, 1), memory_mib=max(memory_mib, 1))
        return _more(self, before, after)


class AddDiskForm(ChangeForm):
    """One more disk."""

    size_gib = disk("Size in GiB")
    storage = forms.ChoiceField(label="Storage", required=False)

    def prepare(self) -> None:
        """Storages that its node sees and that hold disks; one alone is no choice."""
        names = disk_storages(self.vm.node)
        choice_field(self, "storage").choices = [(name, name) for name in names]
        if len(names) < 2:
            del self.fields["storage"]

    def now(self) -> dict[str, Any]:
        """The usual storage."""
        return {"storage": settings.PROXMOX_VM_STORAGE}

    def adds(self) -> Footprint:
        """All of it."""
        return Footprint(disk_gib=self.cleaned_data.get("size_gib") or 0)


class GrowDiskForm(ChangeForm):
    """A larger size of one disk."""

    of_device = True
    size_gib = disk("New size in GiB")

    def prepare(self) -> None:
        """Its size now is the least."""
        if self.device and self.device.size_gib:
            self.fields[
                "size_gib"
            ].help_text = (
                f"It has {self.device.size_gib} GiB. Disks cannot shrink; write the size it is to have in all."
            )

    def now(self) -> dict[str, Any]:
        """Its size."""
        return {"size_gib": self.device.size_gib if self.device else None}

    def clean_size_gib(self) -> int:
        """Never smaller."""
        wanted = int(self.cleaned_data["size_gib"])
        held = (self.device.size_gib if self.device else 0) or 0
        if wanted <= held:
            more = "it has that already" if wanted == held else "disks cannot shrink"
            raise forms.ValidationError(f"Write more than {held} GiB: {more}.")
        return wanted

    def adds(self) -> Footprint:
        """The difference."""
        held = (self.device.size_gib if self.device else 0) or 0
        return Footprint(disk_gib=max(0, (self.cleaned_data.get("size_gib") or 0) - held))


class BootOrderForm(ChangeForm):
    """The devices it starts from, in turn, by commas."""

    order = forms.CharField(label="Boot order", required=False, max_length=600, widget=forms.HiddenInput)

    def now(self) -> dict[str, Any]:
        """As read."""
        return {"order": ",".join(line.slot for line in parts.boot_list(self.vm) if line.is_on)}

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """A list again."""
        return {"order": ",".join(wish.get("order", []))}

    def clean_order(self) -> list[str]:
        """This machine's own devices, each once."""
        slots = [slot for slot in str(self.cleaned_data["order"]).split(",") if slot]
        known = {line.slot for line in parts.boot_list(self.vm)}
        strange = [slot for slot in slots if slot not in known]
        if strange or len(set(slots)) != len(slots):
            raise forms.ValidationError("Its devices have changed meanwhile. Look at the list again.")
        return slots

    def words(self, name: str, value: Any) -> str:
        """Titles instead of slots."""
        titles = {line.slot: line.title for line in parts.boot_list(self.vm)}
        slots = value if isinstance(value, list) else str(value or "").split(",")
        return ", then ".join(titles.get(slot, slot) for slot in slots if slot) or "–"


class DisplayForm(ChangeForm):
    """The kind of screen the guest sees."""

    display = forms.ChoiceField(
        label="Display",
        choices=list(DISPLAYS.items()),
        help_text="The standard one works everywhere. VirtIO is quicker with newer Linux systems.",
        error_messages={"invalid_choice": "Choose one of the displays."},
    )
    has_clipboard = forms.BooleanField(
        label="A clipboard for the console",
        required=False,
        help_text="Needs an agent in the VM (spice-vdagent). Nothing passes without a click. "
        "Proxmox may be unable to move the VM to another node while it runs.",
    )

    def now(self) -> dict[str, Any]:
        """As read."""
        hardware = self.vm.hardware
        return {
            "display": hardware.get("display") or DEFAULT_DISPLAY,
            "has_clipboard": bool(hardware.get("has_clipboard")),
        }

    def asked(self) -> dict[str, Any]:
        """A clipboard that was never read is not taken away by a tick that is missing."""
        found = super().asked()
        is_told = found["has_clipboard"] or "has_clipboard" in self.vm.hardware
        return found | {"has_clipboard": found["has_clipboard"] if is_told else None}

    def words(self, name: str, value: Any) -> str:
        """In plain words."""
        return DISPLAYS.get(str(value), str(value)) if name == "display" else super().words(name, value)


class SwitchForm(ChangeForm):
    """On or off."""

    on = forms.TypedChoiceField(
        label="On", choices=[("1", "on"), ("0", "off")], coerce=lambda typed: typed == "1", widget=forms.HiddenInput
    )

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """As the button sends it."""
        return {"on": "1" if wish.get("on") else "0"}

    def words(self, name: str, value: Any) -> str:
        """One of two words."""
        return "on" if value in (True, "1") else "off"


class AgentForm(SwitchForm):
    """Whether Proxmox talks to the guest agent."""

    def now(self) -> dict[str, Any]:
        """As read."""
        return {"on": bool(self.vm.hardware.get("has_agent"))}


class AutostartForm(SwitchForm):
    """Whether it starts with its node; then it counts as running."""

    def now(self) -> dict[str, Any]:
        """As read."""
        return {"on": self.vm.start_at_boot}


class UndoForm(ChangeForm):
    """Which waiting changes are taken back, by Proxmox's names; none: all of them."""

    keys = forms.CharField(required=False, max_length=600, widget=forms.HiddenInput)

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """A list again."""
        return {"keys": ",".join(wish.get("keys", []))}

    def clean_keys(self) -> list[str]:
        """By commas."""
        return [key for key in str(self.cleaned_data["keys"]).split(",") if key]


def sizes_for(form: ChangeForm, free: Footprint) -> list[Offer]:
    """The presets with the reason why one does not fit into what is left; empty for a form without sizes."""
    if not isinstance(form, ResizeForm):
        return []
    chosen = str(form["size"].value() or "")
    asked = {preset.key: form.difference(preset.cores, preset.memory_mib) for preset in PRESETS}
    return [Offer(each, why_not(asked[each.key], free), each.key == chosen, each.size_words) for each in PRESETS]


def _more(form: ChangeForm, before: Shape, after: Shape) -> Footprint:
    always = bool(form.vm.pool and limit_of(form.vm.pool).counts_always)
    return (after.counted(always=always) - before.counted(always=always)).at_least_zero()
