"""Forms of the VM pages. They read, they never act; the server is the only judge."""

from typing import Any

from django import forms

from accounts.forms import ForgetsPrivateKeys, PublicKeyField
from accounts.models import SshKey
from quotas.footprint import Footprint
from vms.models import IsoImage, Template
from vms.operations.errors import Refusal
from vms.operations.locks import LONGEST_REASON
from vms.operations.names import checked_name
from vms.sizes import BY_KEY, PRESETS, Preset, why_not


class CreateForm(ForgetsPrivateKeys):
    """A new machine: name, system, size, key. `free` is what the pool has left."""

    name = forms.CharField(
        max_length=63,
        label="Name",
        help_text="Letters a–z, numbers and hyphens, such as web-01. The machine calls itself so.",
        error_messages={"required": "Give the VM a name.", "max_length": "Name must have 63 characters or fewer."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    source = forms.ChoiceField(label="System", error_messages={"required": "Choose a system."})
    size = forms.ChoiceField(
        label="Size",
        choices=[(preset.key, preset.title) for preset in PRESETS],
        error_messages={"required": "Choose a size."},
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

    def __init__(self, *args: Any, templates: list[Template], isos: list[IsoImage], free: Footprint, **kw: Any) -> None:
        keys = kw.pop("saved_keys")
        super().__init__(*args, **kw)
        self.free = free
        self.templates = {f"template:{template.pk}": template for template in templates}
        self.isos = {f"iso:{iso.pk}": iso for iso in isos}
        gone = "That system is not on offer any more. Choose another."
        self._choice("source").choices = [(key, key) for key in (*self.templates, *self.isos)]
        self._choice("source").error_messages["invalid_choice"] = gone
        self._choice("size").error_messages["invalid_choice"] = "Choose one of the sizes."
        saved = self.fields["saved_keys"]
        assert isinstance(saved, forms.ModelMultipleChoiceField)  # noqa: S101 (declared above)
        saved.queryset = keys

    def _choice(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (declared above)
        return field

    def clean_name(self) -> str:
        """Lower case; the shape of a host name."""
        try:
            return checked_name(str(self.cleaned_data["name"]))
        except Refusal as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal

    def clean(self) -> dict[str, Any]:
        """The size must fit what is free now; the reservation decides again when it is asked for."""
        cleaned = super().clean() or {}
        size = self.chosen_size
        if size and "source" in cleaned:
            reason = why_not(size.footprint(least_disk_gib=self.least_disk_gib), self.free)
            if reason:
                way_out = "Choose a smaller size, or stop or delete a VM."
                self.add_error("size", f"{size.title} does not fit. {reason} {way_out}")
        if self.is_template and not (cleaned.get("saved_keys") or cleaned.get("public_key")) and not self.errors:
            self.add_error("public_key", "Paste a public key, or you could not sign in to the new VM.")
        return cleaned

    @property
    def chosen_size(self) -> Preset | None:
        """The size asked for."""
        return BY_KEY.get(self.cleaned_data.get("size", ""))

    @property
    def chosen(self) -> Template | IsoImage | None:
        """The template or ISO asked for."""
        key = self.cleaned_data.get("source", "")
        return self.templates.get(key) or self.isos.get(key)

    @property
    def is_template(self) -> bool:
        """A template that takes keys was chosen."""
        template = self.templates.get(self.cleaned_data.get("source", ""))
        return template is not None and template.has_cloud_init

    @property
    def least_disk_gib(self) -> int:
        """A template's own disk is never made smaller."""
        template = self.templates.get(self.cleaned_data.get("source", ""))
        return template.disk_gib if template else 0


class LockForm(forms.Form):
    """Why an RTP locks a machine; its members read it."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        label="Reason",
        help_text="Its members read it. Nobody can start it, and they lose its console, until an RTP unlocks it.",
        error_messages={
            "required": "Say why: the reason is shown to its members.",
            "max_length": f"Reason must have {LONGEST_REASON} characters or fewer.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ConfirmForm(forms.Form):
    """Says yes to something that loses work."""

    confirm = forms.CharField(widget=forms.HiddenInput, initial="yes")
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)


class DeleteForm(ConfirmForm):
    """Says yes to a deletion by the machine's name."""

    name = forms.CharField(
        label="Name of the VM",
        error_messages={"required": "Type the name of the VM."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, vm_name: str, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.vm_name = vm_name
        self.fields["name"].help_text = f"Type {vm_name} to delete it."

    def clean_name(self) -> str:
        """Must be the machine's own."""
        name = str(self.cleaned_data["name"]).strip()
        if name != self.vm_name:
            raise forms.ValidationError(f"That is not its name. Type {self.vm_name}.")
        return name
