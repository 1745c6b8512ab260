"""Forms of the VM pages. They read, they never act; the server is the only judge."""

from typing import Any

from django import forms

from vms.operations.locks import LONGEST_REASON


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
