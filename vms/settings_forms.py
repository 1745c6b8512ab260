"""Forms for what a machine is called and what is written about it."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from vms.change_form import ChangeForm
from vms.operations.errors import Refusal
from vms.operations.names import checked_name
from vms.operations.options import MOST_NOTES, MOST_TAGS, checked_notes, checked_tags

In = TypeVar("In")
Out = TypeVar("Out")


class RenameForm(ChangeForm):
    """Another name."""

    name = forms.CharField(
        max_length=63,
        label="New name",
        help_text="Letters a–z, numbers and hyphens. The guest keeps calling itself as before until it is told inside.",
        error_messages={"required": "Give the VM a name.", "max_length": "Name must have 63 characters or fewer."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def now(self) -> dict[str, Any]:
        """Its name."""
        return {"name": self.vm.name}

    def clean_name(self) -> str:
        """The shape of a host name."""
        return _checked(checked_name, self.cleaned_data["name"])


class NotesForm(ChangeForm):
    """What people write about it."""

    text = forms.CharField(
        required=False,
        strip=False,
        label="Notes",
        help_text="Markdown: # heading, **bold**, - list, `code`, [link](https://…). Whoever sees the VM reads them.",
        widget=forms.Textarea(attrs={"rows": 12, "maxlength": MOST_NOTES}),
    )

    def now(self) -> dict[str, Any]:
        """As they are."""
        return {"text": self.vm.notes}

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """Under the operation's word."""
        return {"text": wish.get("notes", "")}

    def clean_text(self) -> str:
        """Plain text of a sensible length."""
        return _checked(checked_notes, self.cleaned_data["text"])


class TagsForm(ChangeForm):
    """Words to sort by."""

    tags = forms.CharField(
        required=False,
        max_length=900,
        label="Tags",
        help_text=f"Words with a blank between them, such as web ctf-2026; {MOST_TAGS} at most.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"max_length": "That is too long for tags."},
    )

    def now(self) -> dict[str, Any]:
        """As they are."""
        return {"tags": " ".join(self.vm.tags)}

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """One line again."""
        return {"tags": " ".join(wish.get("tags", []))}

    def clean_tags(self) -> list[str]:
        """Each once, in the shape Proxmox accepts."""
        return _checked(checked_tags, str(self.cleaned_data["tags"]).split())

    def words(self, name: str, value: Any) -> str:
        """One line."""
        return (" ".join(value) if isinstance(value, list) else str(value or "")) or "–"


def _checked(rule: Callable[[In], Out], typed: In) -> Out:
    """The operation's own rule, as a mistake of the form."""
    try:
        return rule(typed)
    except Refusal as refusal:
        raise forms.ValidationError(refusal.sentence) from refusal
