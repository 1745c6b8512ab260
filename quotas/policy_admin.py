"""Policies in the admin: the impact is shown before anything is saved, and two RTPs do not overwrite one another."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts import audit
from accounts.admin_base import RtpAdmin
from accounts.models import User
from quotas.impact import impact_of
from quotas.models import Policy

NUMBERS = (
    "cores", "memory_mib", "disk_gib", "vms", "vm_cores", "vm_memory_mib", "vm_disk_gib", "snapshots_per_vm",
    "disks_per_vm",
)  # fmt: skip
#: More than any house has; a number above it is a slip, and some databases cannot keep it.
MOST = 100_000_000


class PolicyForm(forms.ModelForm[Policy]):
    """A policy with the version it was read at."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Policy
        fields = ("name", "is_default", "groups", "pools", "counts_always", *NUMBERS)

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["seen_version"].initial = self.instance.version if self.instance.pk else None
        for name in NUMBERS:
            self.fields[name].validators.append(MaxValueValidator(MOST))

    def clean(self) -> dict[str, Any]:
        """Refuses what another RTP changed meanwhile, and shows what is saved now beside what was typed."""
        cleaned = super().clean() or {}
        if self.instance.pk and not self.errors:
            saved = Policy.objects.get(pk=self.instance.pk)
            if saved.version != cleaned.get("seen_version"):
                self._show_both(saved)
        return cleaned

    def _show_both(self, saved: Policy) -> None:
        self.add_error(None, "Somebody saved this policy while you had it open. Nothing of yours was saved.")
        for name in ("name", "is_default", "counts_always", *NUMBERS):
            theirs = getattr(saved, name)
            if theirs != self.cleaned_data.get(name):
                self.add_error(name, f"Saved meanwhile: {'no limit' if theirs is None else theirs}.")
        # The next send is meant for what was just shown.
        if isinstance(self.data, QueryDict):
            kept = self.data.copy()
            kept[self.add_prefix("seen_version")] = str(saved.version)
            self.data = kept


@admin.register(Policy)
class PolicyAdmin(RtpAdmin):
    """What RTPs allow. Cutting a limit below the use stops nothing; it refuses growth."""

    form = PolicyForm
    list_display = ["name", "is_default", "cores", "memory_mib", "disk_gib", "vms", "counts_always", "changed_at"]
    filter_horizontal = ["groups", "pools"]
    fieldsets = [
        (None, {"fields": ["name", "is_default", "seen_version"]}),
        ("For whom", {"fields": ["groups", "pools"]}),
        ("Limits of a pool", {"fields": ["cores", "memory_mib", "disk_gib", "vms", "counts_always"]}),
        ("Limits of one machine", {"fields": list(NUMBERS[4:])}),
    ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A valid POST shows its impact first; the same with `confirm` saves."""
        if request.method == "POST" and "confirm" not in request.POST:
            policy = self.get_object(request, object_id) if object_id else None
            form = PolicyForm(request.POST, instance=policy)
            if form.is_valid():
                return self._impact(request, form)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _impact(self, request: HttpRequest, form: PolicyForm) -> HttpResponse:
        changed = impact_of(form.save)
        skipped = {"csrfmiddlewaretoken", "confirm"}
        fields = [(name, value) for name, values in request.POST.lists() if name not in skipped for value in values]
        context = {
            **self.admin_site.each_context(request),
            "title": "What this changes",
            "changed": changed,
            "below": sum(bool(each.below) for each in changed),
            "fields": fields,
            "object": form.cleaned_data["name"],
            "back": reverse("admin:quotas_policy_changelist"),
        }
        return TemplateResponse(request, "admin/quotas/impact.html", context)

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        """Saves and writes the audit row with what changed."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if change:
                Policy.objects.filter(pk=obj.pk).update(version=F("version") + 1)
            changed = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
            audit.record(
                actor=request.user if isinstance(request.user, User) else None,
                verb="policy.saved",
                target_kind="policy",
                target_id=obj.pk,
                target_name=obj.name,
                changed=changed,
            )

    def delete_model(self, request: HttpRequest, obj: Policy) -> None:
        """Deletes it and writes the audit row."""
        with transaction.atomic():
            audit.record(
                actor=request.user if isinstance(request.user, User) else None,
                verb="policy.deleted",
                target_kind="policy",
                target_id=obj.pk,
                target_name=obj.name,
            )
            super().delete_model(request, obj)
