"""The form of a new machine. It reads, it never acts; the server is the only judge."""

from dataclasses import dataclass
from typing import Any

from django import forms

from accounts.forms import ForgetsPrivateKeys, PublicKeyField
from accounts.models import SshKey
from quotas.errors import QuotaExceeded, gib
from quotas.errors import cores as cores_words
from quotas.footprint import Footprint
from vms.models import IsoImage, Template, VirtualMachine
from vms.operations import FromIso, FromMachine, FromTemplate, Size, Source
from vms.operations.errors import Refusal
from vms.operations.names import checked_login_user, checked_name
from vms.operations.sources import copied_gib
from vms.size_fields import EXACT, SizeFields, disk
from vms.sizes import PRESETS, Offer, Preset, why_not

#: Fields of the operation, and the fields of the form for exact numbers.
EXACT_FIELDS = {"cores": "cores", "memory_mib": "memory_gib", "disk_gib": "size_gib"}
PLAIN_TEXT = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


@dataclass(frozen=True)
class Offers:
    """What a machine can be made from, by the value of its choice."""

    templates: dict[str, Template]
    isos: dict[str, IsoImage]
    machines: dict[str, VirtualMachine]

    @classmethod
    def of(cls, templates: list[Template], isos: list[IsoImage], machines: list[VirtualMachine]) -> "Offers":
        """By keys such as "template:3"."""
        return cls(
            {f"template:{each.pk}": each for each in templates},
            {f"iso:{each.pk}": each for each in isos},
            {f"machine:{each.pk}": each for each in machines},
        )

    def __contains__(self, key: str) -> bool:
        return key in self.templates or key in self.isos or key in self.machines

    def __iter__(self) -> Any:
        return iter((*self.templates, *self.isos, *self.machines))

    def least_disk_gib(self, key: str) -> int:
        """What its disk takes at least: a template's own and a copy's are never made smaller."""
        if key in self.machines:
            return copied_gib(self.machines[key])
        template = self.templates.get(key)
        return max(template.disk_gib, template.least_disk_gib or 0) if template else 0


class CreateForm(ForgetsPrivateKeys, SizeFields):
    """A new machine: name, system, size, user and keys. `free` is what the pool has left."""

    name = forms.CharField(
        max_length=63,
        label="Name",
        help_text="Letters a–z, numbers and hyphens, such as web-01. The machine calls itself so.",
        error_messages={"required": "Give the VM a name.", "max_length": "Name must have 63 characters or fewer."},
        widget=forms.TextInput(attrs=PLAIN_TEXT),
    )
    source = forms.ChoiceField(label="System", error_messages={"required": "Choose a system."})
    size_gib = disk(required=False)
    login_user = forms.CharField(
        required=False,
        max_length=32,
        label="User",
        help_text="Who you sign in as. Leave it empty for the template's own.",
        error_messages={"max_length": "A user name has 32 characters or fewer."},
        widget=forms.TextInput(attrs=PLAIN_TEXT),
    )
    saved_keys = forms.ModelMultipleChoiceField(
        SshKey.objects.none(), required=False, error_messages={"invalid_choice": "Choose one of your saved keys."}
    )
    public_key = PublicKeyField(
        required=False,
        label="Public key",
        help_text="The line in the file that ends in .pub. It is kept for your next VM.",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def __init__(self, *args: Any, offers: Offers, free: Footprint, saved_keys: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.offers, self.free = offers, free
        source, saved = self.fields["source"], self.fields["saved_keys"]
        assert isinstance(source, forms.ChoiceField)  # noqa: S101 (declared above)
        assert isinstance(saved, forms.ModelMultipleChoiceField)  # noqa: S101 (declared above)
        source.choices = [(key, key) for key in offers]
        source.error_messages["invalid_choice"] = "That system is not on offer any more. Choose another."
        saved.queryset = saved_keys

    def clean_name(self) -> str:
        """Lower case; the shape of a host name."""
        try:
            return checked_name(str(self.cleaned_data["name"]))
        except Refusal as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean_login_user(self) -> str:
        """A user of the guest that is not one of the system's."""
        try:
            return checked_login_user(str(self.cleaned_data["login_user"]))
        except Refusal as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean(self) -> dict[str, Any]:
        """The size must fit what is free now; the reservation decides again when it is asked for."""
        cleaned = super().clean() or {}
        self.require_numbers(cleaned, "cores", "memory_gib", "size_gib")
        if cleaned.get("size") and "source" in cleaned and not self.errors:
            self._check_size()
        if self.is_template and not (cleaned.get("saved_keys") or cleaned.get("public_key")) and not self.errors:
            self.add_error("public_key", "Paste a public key, or you could not sign in to the new VM.")
        return cleaned

    def _check_size(self) -> None:
        if self.preset is None and (self.cleaned_data.get("size_gib") or 0) < self.least_disk_gib:
            self.add_error("size_gib", f"This system takes at least {self.least_disk_gib} GiB of disk.")
            return
        if reason := why_not(self.adds(), self.free):
            what = self.preset.title if self.preset else "This size"
            self.add_error("size", f"{what} does not fit. {reason} Choose a smaller size, or stop or delete a VM.")

    def adds(self) -> Footprint:
        """What it would take of the pool, as far as the form is filled in."""
        return Footprint(self.chosen_cores, self.chosen_memory_mib, self.chosen_disk_gib, 1)

    @property
    def asked_size(self) -> Size:
        """In the operation's words."""
        return Size(self.chosen_cores, self.chosen_memory_mib, self.chosen_disk_gib)

    @property
    def chosen_disk_gib(self) -> int:
        """A preset's disk is at least the system's own; an exact number is as it was typed."""
        if self.preset:
            return max(self.preset.disk_gib, self.least_disk_gib)
        return int(self.cleaned_data.get("size_gib") or 0)

    @property
    def least_disk_gib(self) -> int:
        """Of the system that was chosen."""
        return self.offers.least_disk_gib(str(self.cleaned_data.get("source", "")))

    @property
    def is_template(self) -> bool:
        """A template that takes keys was chosen."""
        template = self.offers.templates.get(str(self.cleaned_data.get("source", "")))
        return template is not None and template.has_cloud_init

    def source_with(self, keys: tuple[str, ...]) -> Source:
        """What it is made from."""
        chosen = str(self.cleaned_data["source"])
        if chosen in self.offers.templates:
            user = self.cleaned_data["login_user"] if self.is_template else ""
            return FromTemplate(self.offers.templates[chosen].pk, ssh_keys=keys, login_user=user)
        if chosen in self.offers.machines:
            return FromMachine(self.offers.machines[chosen].pk)
        return FromIso(self.offers.isos[chosen].pk)

    def sizes(self, source: str = "", chosen: str = "") -> list[Offer]:
        """The presets, each with the reason why it does not fit into what is left or is too little for the system.

        Without `source` and `chosen` those of the form.
        """
        source, chosen = source or str(self["source"].value() or ""), chosen or str(self["size"].value() or "")
        least_gib = self.offers.least_disk_gib(source)
        return [Offer(each, self._why_not(each, source, least_gib), each.key == chosen, each.words) for each in PRESETS]

    def _why_not(self, preset: Preset, source: str, least_gib: int) -> str:
        template = self.offers.templates.get(source)
        if template and preset.cores < (template.least_cores or 0):
            return f"{template} takes at least {cores_words(template.least_cores or 0)}."
        if template and preset.memory_mib < (template.least_memory_mib or 0):
            return f"{template} takes at least {gib(template.least_memory_mib or 0)} of memory."
        return why_not(preset.footprint(least_disk_gib=least_gib), self.free)

    def refuse(self, refusal: Refusal) -> None:
        """Puts an operation's sentence beside its field."""
        name = {"ssh_keys": "public_key"}.get(refusal.field, refusal.field)
        if name in EXACT_FIELDS:
            name = EXACT_FIELDS[name] if self.cleaned_data.get("size") == EXACT else "size"
        self.add_error(name if name in self.fields else None, refusal.sentence)

    def refuse_room(self, refusal: QuotaExceeded) -> None:
        """Puts what is missing beside the size that asks for it."""
        self.add_error("size", refusal.sentence)
