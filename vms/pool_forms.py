"""Forms about pools. They read, they never act."""

from typing import Any

from django import forms

from accounts.models import Pool
from accounts.pool_marks import LONGEST_REASON

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


def _key() -> forms.RegexField:
    return forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)


class IntoForm(forms.Form):
    """The name of the pool that takes machines in; `pool` is it."""

    into = forms.CharField(
        label="Into the pool",
        max_length=64,
        error_messages={"required": "Name the pool they go to.", "max_length": "No pool has so long a name."},
        widget=forms.TextInput(attrs=PLAIN),
    )
    key = _key()

    def clean_into(self) -> Pool:
        """An open pool, by its whole name."""
        name = str(self.cleaned_data["into"]).strip()
        found = Pool.objects.living().select_related("owner").filter(name__iexact=name).first()
        if found is None:
            raise forms.ValidationError(f"There is no pool called {name}.")
        return found


class NameForm(forms.Form):
    """A new name."""

    name = forms.CharField(
        label="New name",
        max_length=40,
        help_text="Letters, digits, dots, hyphens.",
        error_messages={"required": "Write the new name.", "max_length": "Use 40 characters or fewer."},
        widget=forms.TextInput(attrs=PLAIN),
    )
    key = _key()


class MarksForm(forms.Form):
    """The two marks of a pool."""

    hidden = forms.BooleanField(label="Hidden: not listed for its members", required=False)
    never_expires = forms.BooleanField(label="Never expires: its VMs have no lease", required=False)
    reason = forms.CharField(
        label="Why they never expire",
        max_length=LONGEST_REASON,
        required=False,
        help_text="Its members read it.",
        error_messages={"max_length": f"Use {LONGEST_REASON} characters or fewer."},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """*Never expires* needs its reason."""
        cleaned = super().clean() or {}
        if cleaned.get("never_expires") and not cleaned.get("reason", "").strip():
            self.add_error("reason", "Say why its machines never expire.")
        return cleaned


class BindForm(forms.Form):
    """A pool of the cluster and the shared pool it is bound to."""

    poolid = forms.CharField(max_length=255, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=64,
        error_messages={"required": "Name the shared pool it is bound to.", "max_length": "That name is too long."},
    )


class MoveForm(forms.Form):
    """Where one machine goes. `pools` are those the person manages, by key; an RTP may name any."""

    into = forms.ChoiceField(label="Pool", required=False)
    other = forms.CharField(label="Another pool", max_length=64, required=False, help_text="Its whole name.",
        widget=forms.TextInput(attrs=PLAIN))  # fmt: skip
    key = _key()

    def __init__(self, *args: Any, pools: dict[str, Pool | None], may_name: bool, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.pools = pools
        field = self.fields["into"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (declared above)
        field.choices = [(key, key) for key in pools]
        field.error_messages["invalid_choice"] = "That pool is not on offer any more. Choose another."
        if not may_name:
            del self.fields["other"]

    def clean(self) -> dict[str, Any]:
        """One of the two; what was named counts before what was chosen."""
        cleaned = super().clean() or {}
        named = str(cleaned.get("other") or "").strip()
        if named:
            cleaned["pool"] = Pool.objects.living().select_related("owner").filter(name__iexact=named).first()
            if cleaned["pool"] is None:
                self.add_error("other", f"There is no pool called {named}.")
        elif cleaned.get("into") in self.pools:
            cleaned["pool"] = self.pools[cleaned["into"]]
        elif "into" not in self.errors:
            self.add_error("into", "Choose the pool it goes to.")
        return cleaned
