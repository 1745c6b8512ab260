"""The size of a machine as two pages ask for it: one of the presets, or exact numbers."""

from decimal import Decimal
from typing import Any

from django import forms

from quotas.footprint import Footprint
from vms.operations.wishes import LEAST_MEMORY_MIB, MOST_CORES, MOST_DISK_GIB, MOST_MEMORY_MIB
from vms.sizes import BY_KEY, PRESETS, Preset

EXACT = "exact"
NO_NUMBER = "Write a whole number without a unit, such as {}."
NUMBERS = {"autocomplete": "off", "inputmode": "decimal"}


def whole(label: str, most: int, example: int, **kw: Any) -> forms.IntegerField:
    """A count or a size in GiB."""
    between = f"{label} must be a whole number from 1 to {most}."
    told = {"invalid": NO_NUMBER.format(example), "min_value": between, "max_value": between}
    told["required"] = f"Say how much: {label.lower()}."
    return forms.IntegerField(
        label=label, min_value=1, max_value=most, error_messages=told | kw.pop("error_messages", {}),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}), **kw,
    )  # fmt: skip


def memory(**kw: Any) -> forms.DecimalField:
    """Memory in GiB; parts of one are allowed."""
    least, most = Decimal(LEAST_MEMORY_MIB) / 1024, Decimal(MOST_MEMORY_MIB) // 1024
    between = f"Memory must be a number from {least} to {most} GiB."
    told = {
        "invalid": "Write a number of GiB without a unit, such as 4 or 0.5.", "min_value": between,
        "max_value": between, "required": "Say how much memory.",
        "max_decimal_places": "Memory goes in steps of 0.0625 GiB (64 MiB).", "max_digits": between,
        "max_whole_digits": between,
    }  # fmt: skip
    return forms.DecimalField(
        label="Memory in GiB", min_value=least, max_value=most, max_digits=9, decimal_places=4,
        error_messages=told, widget=forms.TextInput(attrs=NUMBERS), **kw,
    )  # fmt: skip


def cores(**kw: Any) -> forms.IntegerField:
    """Cores."""
    return whole("Cores", MOST_CORES, 2, **kw)


def disk(label: str = "Disk in GiB", **kw: Any) -> forms.IntegerField:
    """A disk's size in GiB."""
    return whole(label, MOST_DISK_GIB, 32, **kw)


def mib_of(memory_gib: Decimal) -> int:
    """Whole MiB of a number of GiB."""
    return int((memory_gib * 1024).to_integral_value())


def gib_of(memory_mib: int) -> str:
    """'1.5' of 1536, as it is typed."""
    return f"{memory_mib / 1024:.4f}".rstrip("0").rstrip(".")


class SizeFields(forms.Form):
    """`size` is the key of a preset or "exact"; then the numbers count. A subclass says whether it has a disk."""

    size = forms.ChoiceField(
        label="Size",
        choices=[*((preset.key, preset.title) for preset in PRESETS), (EXACT, "Exact numbers")],
        error_messages={"required": "Choose a size.", "invalid_choice": "Choose one of the sizes."},
    )
    cores = cores(required=False)
    memory_gib = memory(required=False)

    @property
    def preset(self) -> Preset | None:
        """The preset asked for; None for exact numbers."""
        return BY_KEY.get(str(self.cleaned_data.get("size", "")))

    @property
    def chosen_cores(self) -> int:
        """Cores asked for; 0 where none were understood."""
        return self.preset.cores if self.preset else int(self.cleaned_data.get("cores") or 0)

    @property
    def chosen_memory_mib(self) -> int:
        """Memory asked for; 0 where none was understood."""
        if self.preset:
            return self.preset.memory_mib
        return mib_of(self.cleaned_data.get("memory_gib") or Decimal(0))

    def require_numbers(self, cleaned: dict[str, Any], *names: str) -> None:
        """Exact numbers are needed where no preset is chosen."""
        if cleaned.get("size") != EXACT:
            for name in names:
                self.errors.pop(name, None)  # what stands in fields that do not count is no mistake
            return
        for name in names:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, str(self.fields[name].error_messages["required"]))


def footprint(cores_count: int, memory_mib: int, disk_gib: int, vms: int = 0) -> Footprint:
    """What these numbers take."""
    return Footprint(cores_count, memory_mib, disk_gib, vms)
