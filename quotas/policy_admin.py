"""Policies in the admin: the impact is shown before anything is saved, and two RTPs do not overwrite one another."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.forms import IntegerField
from django.http import HttpRequest

from accounts import audit
from accounts.addresses import address_of
from accounts.admin_base import RtpAdmin, SeenForm, rtp_of
from quotas.impact_admin import ImpactMixin
from quotas.models import Policy

NUMBERS = (
    "cores", "memory_mib", "disk_gib", "vms", "vm_cores", "vm_memory_mib", "vm_disk_gib", "snapshots_per_vm",
    "disks_per_vm", "lease_days",
)  # fmt: skip
#: More than any house has; a number above it is a slip, and some databases cannot keep it.
MOST = 100_000_000
#: A hundred years.
MOST_DAYS = 36_500
WHOLE = "Write a whole number such as 12, without a unit. Leave it empty for no limit."


def limit_number(field: IntegerField, *, least: int = 0, most: int = MOST) -> None:
    """Says in a sentence what a number has to be."""
    field.min_value, field.max_value = least, most
    field.validators.append(MaxValueValidator(most, f"At most {most}."))
    field.error_messages["invalid"] = WHOLE


class PolicyForm(SeenForm):
    """A policy. An empty number is no limit."""

    class Meta:
        model = Policy
        fields = ("name", "is_default", "groups", "pools", "counts_always", *NUMBERS)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for name in NUMBERS:
            field = self.fields[name]
            assert isinstance(field, IntegerField)  # noqa: S101 (they are columns of whole numbers)
            limit_number(field, most=MOST_DAYS if name == "lease_days" else MOST)

    def clean_lease_days(self) -> int | None:
        """No lease lasts less than a day."""
        days: int | None = self.cleaned_data["lease_days"]
        if days == 0:
            self.add_error("lease_days", "A lease lasts a day or more. Leave it empty for the usual time.")
        return days


@admin.register(Policy)
class PolicyAdmin(ImpactMixin, RtpAdmin):
    """What RTPs allow. Cutting a limit below the use stops nothing; it refuses growth."""

    why = (
        "Cutting a limit below the use stops nothing; it refuses growth. The impact is shown before anything is saved."
    )
    form = PolicyForm
    list_display = ["name", "is_default", "cores", "memory_mib", "disk_gib", "vms", "counts_always", "changed_at"]
    list_filter = ["is_default", "counts_always"]
    search_fields = ["name"]
    filter_horizontal = ["groups", "pools"]
    fieldsets = [
        (None, {"fields": ["name", "is_default"]}),
        ("For whom", {"fields": ["groups", "pools"]}),
        ("Limits of a pool", {"fields": ["cores", "memory_mib", "disk_gib", "vms", "counts_always"]}),
        ("Limits of one machine", {"fields": list(NUMBERS[4:])}),
    ]

    def trial_of(self, request: HttpRequest, form: Any) -> Callable[[], object]:
        """The save itself."""
        return form.save  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        """Saves and writes the audit row with what changed; where nothing did, neither."""
        if change and not form.changed_data:
            return
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            changed = {name: str(form.cleaned_data.get(name)) for name in form.changed_data if name != "seen"}
            _record(request, "policy.saved", obj, changed=changed)

    def delete_model(self, request: HttpRequest, obj: Policy) -> None:
        """Deletes it and writes the audit row."""
        with transaction.atomic():
            _record(request, "policy.deleted", obj)
            super().delete_model(request, obj)


def _record(request: HttpRequest, verb: str, policy: Policy, **detail: Any) -> None:
    audit.record(
        actor=rtp_of(request), verb=verb, address=address_of(request), target_kind="policy", target_id=policy.pk,
        target_name=policy.name, **detail,
    )  # fmt: skip
