"""Forms about limits. Memory is asked for in GiB, as people speak of it, and kept in MiB."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from quotas.allowances import Numbers
from quotas.models import Allowance, MoreRequest

MOST = {"cores": 10_000, "memory_gib": 100_000, "disk_gib": 10_000_000}
WHOLE = "Write a whole number such as 12, without a unit. Leave it empty to keep the limit as it is."
WITH_HALVES = "Write a number such as 16 or 1.5, without a unit. Leave it empty to keep the limit as it is."
TOO_LONG = "Use 300 characters or fewer."


def _number(name: str, label: str) -> dict[str, Any]:
    most = MOST[name]
    return {
        "label": label, "required": False, "min_value": 1 if name != "memory_gib" else Decimal("0.25"),
        "max_value": most, "widget": forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        "error_messages": {"max_value": f"At most {most}.", "min_value": "Write a number above zero."},
    }  # fmt: skip


class NumbersForm(forms.Form):
    """Limits, each of which may stay empty; `numbers` is what was written."""

    cores = forms.IntegerField(**_number("cores", "Cores"))
    memory_gib = forms.DecimalField(**_number("memory_gib", "Memory in GiB"))
    disk_gib = forms.IntegerField(**_number("disk_gib", "Disk in GiB"))
    until = forms.DateField(
        label="Until",
        required=False,
        help_text="The last day it is needed. Empty: for good.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write a date such as 2027-02-28."},
    )

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["cores"].error_messages["invalid"] = WHOLE
        self.fields["disk_gib"].error_messages["invalid"] = WHOLE
        self.fields["memory_gib"].error_messages["invalid"] = WITH_HALVES

    def clean_memory_gib(self) -> Decimal | None:
        """A quarter of a GiB is the smallest step."""
        amount: Decimal | None = self.cleaned_data["memory_gib"]
        if amount is not None and amount * 4 != int(amount * 4):
            raise forms.ValidationError("Use steps of a quarter of a GiB, such as 1.5.")
        return amount

    def clean_until(self) -> date | None:
        """Today or later."""
        until: date | None = self.cleaned_data["until"]
        if until is not None and until < timezone.localdate():
            raise forms.ValidationError("This day is over. Choose today or a later one.")
        return until

    def clean(self) -> dict[str, Any]:
        """At least one number."""
        cleaned = super().clean() or {}
        if not self.errors and self.numbers.is_nothing:
            self.add_error("cores", "Name at least one number.")
        return cleaned

    @property
    def numbers(self) -> Numbers:
        """What was written."""
        memory_gib: Decimal | None = self.cleaned_data.get("memory_gib")
        return Numbers(
            cores=self.cleaned_data.get("cores"),
            memory_mib=int(memory_gib * 1024) if memory_gib is not None else None,
            disk_gib=self.cleaned_data.get("disk_gib"),
        )


class AskForm(NumbersForm):
    """A request for more: limits wished for, and one sentence of reason."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="One sentence. RTPs read it.",
        error_messages={
            "required": "Say in one sentence what it is for.",
            "max_length": TOO_LONG,
        },
    )
    field_order = ["cores", "memory_gib", "disk_gib", "until", "reason"]


class GiveForm(NumbersForm):
    """An RTP gives an allowance unasked."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="One sentence. It stands in the pool's history.",
        error_messages={"required": "Say in one sentence why.", "max_length": TOO_LONG},
    )


class AnswerForm(NumbersForm):
    """An RTP's answer: the numbers to give, or a decline with a reason."""

    answer = forms.CharField(
        label="What you say to them",
        max_length=300,
        required=False,
        help_text="Needed to decline.",
        error_messages={"max_length": TOO_LONG},
    )

    def clean(self) -> dict[str, Any]:
        """A decline needs a reason, and no numbers."""
        if self.data.get("act") != "decline":
            return super().clean()
        for name in ("cores", "memory_gib", "disk_gib", "until"):
            self.errors.pop(name, None)
        if not self.cleaned_data.get("answer"):
            self.add_error("answer", "Say why you decline.")
        return self.cleaned_data


def filled_in(row: MoreRequest | Allowance) -> dict[str, Any]:
    """What a form starts from: the numbers and the day of a request or an allowance."""
    memory_gib = f"{row.memory_mib / 1024:g}" if row.memory_mib is not None else None
    return {"cores": row.cores, "memory_gib": memory_gib, "disk_gib": row.disk_gib, "until": row.until}
