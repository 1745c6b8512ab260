"""What every form that changes a machine has: a key, the settings that were seen, and what is now and is wished."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms

from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from vms import parts
from vms.models import VirtualMachine
from vms.operations.errors import Refusal

#: Fields of the operations, and the fields of the forms beside which their sentences stand.
BESIDE = {
    "memory_mib": "memory_gib", "disk_gib": "size_gib", "iso": "iso_id", "firewall": "has_firewall",
}  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """One thing that two people set: what is set now, and what was wished."""

    label: str
    theirs: str
    mine: str


class ChangeForm(forms.Form):
    """Base of all. `device` is the machine's own part the form is about; None where it is about the whole.

    `posted` marks a form that was filled in; else the fields show what is set now.
    """

    #: The form is about one device, named by its slot.
    of_device: ClassVar[bool] = False
    #: What is lost, for a page that asks back; empty: nothing.
    warning: ClassVar[str] = ""
    #: What the device is, for the sentence when it is not there any more.
    finds: ClassVar[tuple[str, ...]] = ()

    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)
    digest = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, vm: VirtualMachine, device: parts.Part | None = None, **kw: Any) -> None:
        self.vm, self.device = vm, device
        kw.setdefault("initial", self.now())
        super().__init__(*args, **kw)
        self.prepare()

    def prepare(self) -> None:
        """Fills in choices that come from rows."""

    def now(self) -> dict[str, Any]:
        """What is set now, by field."""
        return {}

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """The fields that an operation's wish was made of, so that it can be asked for again."""
        return {name: wish[name] for name in self.own_fields() if name in wish}

    def asked(self) -> dict[str, Any]:
        """The arguments of the operation."""
        found = {name: self.cleaned_data[name] for name in self.own_fields()}
        return found | ({"slot": self.device.slot} if self.device else {})

    def adds(self) -> Footprint:
        """What it would take more of the pool, as far as the form is filled in."""
        return Footprint()

    def own_fields(self) -> list[str]:
        """The fields that are about the machine."""
        return [name for name in self.fields if name not in {"key", "digest"}]

    def visible(self) -> Iterator[forms.BoundField]:
        """The controls a person sees, in order."""
        return (field for field in self if not field.is_hidden)

    def words(self, name: str, value: Any) -> str:
        """One value as a person reads it."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "–" if value in (None, "", []) else str(value)

    def compared(self, mine: dict[str, Any]) -> list[Compared]:
        """What is set now beside what was wished, field by field."""
        theirs = self.now()
        return [
            Compared(str(self.fields[name].label), self.words(name, theirs.get(name)), self.words(name, mine.get(name)))
            for name in self.own_fields()
        ]

    def refuse(self, refusal: Refusal) -> None:
        """Puts an operation's sentence beside its field."""
        field = BESIDE.get(refusal.field, refusal.field)
        self.add_error(field if field in self.fields else None, refusal.sentence)

    def refuse_room(self, refusal: QuotaExceeded) -> None:
        """Puts what is missing beside the fields that ask for it."""
        missing = {
            "cores": refusal.missing.cores, "memory_gib": refusal.missing.memory_mib,
            "size_gib": refusal.missing.disk_gib,
        }  # fmt: skip
        for name, amount in missing.items():
            if amount and name in self.fields:
                self.add_error(name, refusal.sentence)


def choice_field(form: forms.Form, name: str) -> forms.ChoiceField:
    """A field whose choices come from rows."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)  # noqa: S101 (declared so)
    return field
